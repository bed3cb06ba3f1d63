"""The private Unix socket over which the operator's commands reach a running gallery."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from functions.core.errors import MiraVejaError
from gateway.door import Door
from gateway.local import wires
from gateway.local.operators import index, letters, links, log, people, repair
from gateway.local.operators.act import Act

NOUNS: Final = (
    repair,
    index,
    letters,
    links,
    log,
    people,
)


def application(here: Door) -> Starlette:
    """Every command of every noun."""
    routes = [
        Route(path, _answered(here, act), methods=["POST"]) for noun in NOUNS for path, act in noun.COMMANDS.items()
    ]
    return Starlette(routes=routes, exception_handlers={MiraVejaError: wires.on_error, Exception: wires.on_error})


def _answered(here: Door, act: Act) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(await act(here, json.loads(await request.body() or b"{}")))

    return answer
