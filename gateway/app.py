"""The gateway as an application: routes, what every request passes, problem details."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from functions.core.problem import MEDIA_TYPE
from gateway import problems
from gateway.door import Door
from gateway.local.guard import HostHeader, known_hosts
from gateway.routes import assets, me, media, meta, search, session, uploads
from gateway.shell import Limits, Numbered, SafeHeaders

ROUTERS = (uploads.router, assets.router, search.router, session.router, me.router, media.router, meta.router)


def create_app(here: Door, more: list[BaseRoute] | None = None) -> FastAPI:
    """The application around one door; `more` are routes that only this way of running has."""
    app = FastAPI(
        title="MiraVeja", version="1", docs_url=None, redoc_url=None, openapi_url=None,
        generate_unique_id_function=_name, swagger_ui_oauth2_redirect_url=None,
    )  # fmt: skip
    app.state.door = here
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(more or [])
    problems.install(app)
    app.add_middleware(Limits)
    if here.accounts is not None:
        app.add_middleware(HostHeader, hosts=known_hosts(here.settings.port, here.settings.public_url))
    app.add_middleware(SafeHeaders, https=here.settings.address.startswith("https:"))
    app.add_middleware(Numbered)
    app.openapi = lambda: contract(app)  # type: ignore[method-assign]  # FastAPI's own way to change the document
    return app


def contract(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes, every refusal a problem."""
    from fastapi.openapi.utils import get_openapi

    document = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=app.routes,
                           description="A self-hosted image gallery with AI search.")  # fmt: skip
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    document["security"] = [{"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "A problem", "content": {MEDIA_TYPE: {"schema": REF}}}
    return document


def _name(route: APIRoute) -> str:
    return route.name


REF = {"$ref": "#/components/schemas/Problem"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details; `code` is stable, further members are facts.",
    "required": ["type", "title", "status", "code", "detail", "requestId"],
    "properties": {name: {"type": "string"} for name in ("type", "title", "code", "detail", "requestId")}
    | {"status": {"type": "integer"}},
}
