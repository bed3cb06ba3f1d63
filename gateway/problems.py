"""Turns every failure at the edge into problem details; the only exception handlers there are."""

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.core.errors import Invalid, Malformed, MiraVejaError
from functions.core.problem import DOCS, MEDIA_TYPE, describe, headers
from functions.core.text import line

log = logging.getLogger(__name__)
MOST_FIELDS: Final = 20
"""How many wrong fields an answer names."""
LONGEST_FIELD: Final = 64
LONGEST_WHY: Final = 300


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(MiraVejaError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _framework)


def problem(error: MiraVejaError, request_id: str) -> JSONResponse:
    """A problem as an answer, with what its status asks for besides."""
    body = describe(error, request_id)
    return JSONResponse(body, int(body["status"]), headers(error), media_type=MEDIA_TYPE)


def number(request: Request) -> str:
    """The id that this request's answer and log lines carry."""
    found: str = request.scope.get("state", {}).get("request_id", "")
    return found


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MiraVejaError)  # noqa: S101 -- narrows for mypy
    return problem(error, number(request))


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    """Say which fields are wrong, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- narrows for mypy
    if any(found["type"] == "json_invalid" for found in error.errors()):
        return problem(Malformed("the body is not JSON"), number(request))
    fields = [_field(found) for found in error.errors()[:MOST_FIELDS]]
    names = ", ".join(sorted({".".join(field["at"]) for field in fields}))
    return problem(Invalid(f"not valid: {names}", errors=fields), number(request))


def _field(found: dict[str, Any]) -> dict[str, Any]:
    # A union names its branches in the place: people want the field only.
    # Names of unknown fields are the sender's text.
    at = [line(str(part), LONGEST_FIELD) for part in found["loc"] if part not in ("body", "query", "path")]
    why = line(str(found["msg"]).removeprefix("Value error, "), LONGEST_WHY)
    return {"at": at or [str(found["loc"][0])], "why": why}


async def _framework(request: Request, error: Exception) -> JSONResponse:
    """Dress the framework's own 404s and 405s; their type says there is nothing more to know."""
    assert isinstance(error, HTTPException)  # noqa: S101 -- narrows for mypy
    codes = {400: "malformed", 404: "not_found", 405: "method_not_allowed"}
    body = {"type": "about:blank", "title": error.detail, "status": error.status_code, "detail": error.detail}
    body |= {"code": codes.get(error.status_code, "http_error"), "requestId": number(request)}
    return JSONResponse(body, error.status_code, dict(error.headers or {}), media_type=MEDIA_TYPE)


class Unforeseen:
    """Turns a bug into a problem inside what every answer passes, so that this one has the safe headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The log has the trace, the caller the number to quote."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            request_id = number(Request(scope))
            log.exception("request %s failed", request_id, exc_info=error)
            await _bug(request_id)(scope, receive, send)


def _bug(request_id: str) -> JSONResponse:
    body = {"type": DOCS + "internal_error", "title": MiraVejaError.title, "status": 500, "code": "internal_error"}
    body |= {"detail": "quote the requestId when you report this", "requestId": request_id}
    return JSONResponse(body, 500, media_type=MEDIA_TYPE)
