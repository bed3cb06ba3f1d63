"""The client can ask for everything that the contract offers, and for nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.app import routes

REQUESTS = Path(__file__).parents[2] / "gateway" / "client"
METHODS = {"get": "GET", "post": "POST", "patch": "PATCH", "change": "PATCH", "delete": "DELETE"}
NOT_FOR_CLIENTS = {
    "startSession", "sessionToken", "endSession", "readMedia", "live", "ready", "openapi", "docs", "home", "pageFile",
    "assetOriginal", "metrics", "securityText",
}  # fmt: skip
"""Pages, what browsers do by themselves, and what machines look at."""


def asked() -> Iterator[tuple[str, str]]:
    """Method and path, with {} for what is filled in, of every request that the client's code makes."""
    for module in [*REQUESTS.glob("requests/*.py"), REQUESTS / "api.py", REQUESTS / "live.py"]:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and node.args:
                yield from _request(ast.unparse(node.func).removeprefix("request."), node.args)


def _request(name: str, arguments: list[ast.expr]) -> Iterator[tuple[str, str]]:
    if name in METHODS:
        yield METHODS[name], _path(arguments[0])
    elif name == "Request" and isinstance(arguments[0], ast.Constant):
        yield str(arguments[0].value), _path(arguments[1])


def _path(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join("{}" if isinstance(part, ast.FormattedValue) else _path(part) for part in node.values)
    assert isinstance(node, ast.Constant), ast.unparse(node)
    return str(node.value)


def test_every_route_of_the_contract_has_a_request() -> None:
    offered = {
        (method, re.sub(r"\{[^}]+\}", "{}", route.path))
        for route in routes()
        if route.name not in NOT_FOR_CLIENTS
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(asked()) == offered
