"""The gateway as an application: routes, what every request passes, problem details."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from gateway import problems, refusals
from gateway.door import Door, Known, viewer
from gateway.local.guard import HostHeader, known_hosts
from gateway.routes import (
    assets,
    collections,
    contact,
    events,
    health,
    invitations,
    keys,
    leaving,
    me,
    media,
    meta,
    metrics,
    moderation,
    search,
    session,
    shares,
    suggest,
    uploads,
    users,
)
from gateway.shell import idempotency
from gateway.shell.cors import Cors
from gateway.shell.crowd import Crowd
from gateway.shell.heads import Heads
from gateway.shell.limits import Limits, Numbered, SafeHeaders
from gateway.shell.pace import paced
from gateway.shell.telemetry import Counted

ROUTERS = (
    uploads.router,
    assets.router,
    search.router,
    collections.router,
    shares.router,
    suggest.router,
    events.router,
    session.router,
    me.router,
    users.router,
    keys.router,
    invitations.router,
    leaving.router,
    moderation.router,
    media.router,
    health.router,
    metrics.router,
    meta.router,
    contact.router,
)


class Gateway(FastAPI):
    """The routes that every way of running has, and their contract."""

    def __init__(self) -> None:
        super().__init__(
            title="MiraVeja", version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
            generate_unique_id_function=_name, swagger_ui_oauth2_redirect_url=None,
        )  # fmt: skip
        for router in ROUTERS:
            self.include_router(router, dependencies=[Depends(paced)])

    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1 of the routes."""
        return contract(self)


def create_app(here: Door, more: list[BaseRoute] | None = None) -> FastAPI:
    """The application around one door; `more` are routes that only this way of running has."""
    app = Gateway()
    app.state.door = here
    app.router.routes.extend(more or [])
    problems.install(app)
    app.add_middleware(idempotency.OneEffect, routes=identified())
    app.add_middleware(Crowd)  # inside the limits: whose small body has not come takes no place
    app.add_middleware(Limits)
    app.add_middleware(Heads)
    if here.accounts is not None:
        app.add_middleware(HostHeader, hosts=known_hosts(here.settings.port, here.settings.public_url))
    app.add_middleware(problems.Unforeseen)
    app.add_middleware(Cors)
    app.add_middleware(SafeHeaders, https=here.settings.address.startswith("https:"))
    app.add_middleware(Counted)
    app.add_middleware(Numbered)
    return app


def contract(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes: who may call each, and every refusal a problem."""
    document = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=app.routes,
                           description="A self-hosted image gallery with AI search.")  # fmt: skip
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM
    document["components"]["responses"] = refusals.every()
    document["components"]["securitySchemes"] = {"bearer": BEARER}
    known = {route.name: route for route in routes()}
    for path in document["paths"].values():
        for operation in path.values():
            _say(operation, known[operation["operationId"]])
    return document


def _say(operation: dict[str, Any], route: APIRoute) -> None:
    """Who may call it, how it may be repeated, and what it refuses."""
    operation["summary"] = "".join(f" {letter}" if letter.isupper() else letter for letter in route.name).capitalize()
    operation["security"] = security(route)
    repeatable = operation["security"] == [{"bearer": []}] and idempotency.takes_key(route)
    if repeatable:
        operation.setdefault("parameters", []).append(dict(idempotency.PARAMETER))
    changes = route.methods != {"GET"}
    operation["responses"] |= refusals.responses(operation, changes=changes, repeatable=repeatable)


def routes() -> list[APIRoute]:
    """Every route that every way of running has."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def identified() -> list[APIRoute]:
    """The routes that only somebody known may call."""
    return [route for route in routes() if security(route) == [{"bearer": []}]]


def security(route: APIRoute) -> list[dict[str, list[str]]]:
    """Read off the code who may call a route: a token or key, one or nothing, or nobody in particular."""
    asked = set(_dependencies(route.dependant))
    if any(isinstance(each, Known) for each in asked):
        return [{"bearer": []}]
    return [{"bearer": []}, {}] if viewer in asked else []


def _dependencies(dependant: Dependant) -> Iterator[object]:
    for part in dependant.dependencies:
        yield part.call
        yield from _dependencies(part)


def _name(route: APIRoute) -> str:
    return route.name


BEARER: Final = {"type": "http", "scheme": "bearer", "description": "An access token, or an API key (`mv_…`)."}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details; `code` is stable, further members are facts.",
    "required": ["type", "title", "status", "code", "detail", "requestId"],
    "properties": {name: {"type": "string"} for name in ("type", "title", "code", "detail", "requestId")}
    | {"status": {"type": "integer"}},
}
