"""What every request passes, as plain ASGI: a number, safe headers, limits of head and body."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.core import written
from functions.core.asked import Asked, asked
from functions.core.errors import Malformed, MiraVejaError, TooLarge, TooSlow
from functions.core.problem import MEDIA_TYPE, describe, headers
from gateway.shell.address import client_address
from gateway.shell.patience import patient

MOST_HEADER_BYTES: Final = 16 * 1024
MOST_HEADERS: Final = 100
MOST_QUERY_BYTES: Final = 8 * 1024
MOST_PATH_BYTES: Final = 4 * 1024
MOST_BODY_BYTES: Final = 64 * 1024
SMALL_GRACE_S: Final = 10.0
"""In which a small body comes, or at a decent rate; it holds no place meanwhile."""
DEEPEST_JSON: Final = 20
BIG_BODIES: Final = ("/store/", "/v1/query-images")
"""These read their own bodies, as streams with limits of their own."""
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)

SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
    "Permissions-Policy": "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(),"
    " hid=(), microphone=(), midi=(), payment=(), serial=(), usb=(), clipboard-write=(self), web-share=(self)",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
HSTS: Final = "max-age=63072000; includeSubDomains"


class Numbered:
    """Give each request the id that its answer, its log lines and its events carry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set `state.request_id`."""
        if scope["type"] == "http":
            number = scope.setdefault("state", {})["request_id"] = uuid4().hex
            trusted = written.networks(scope["app"].state.door.settings.trusted_proxies)
            asked.set(Asked(number, client_address(scope, trusted)))
        await self._app(scope, receive, send)


class SafeHeaders:
    """Add the headers that keep browsers careful, where a route has not said otherwise."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = SAFE | ({"Strict-Transport-Security": HSTS} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every answer gets them, errors too."""

        async def dress(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, dress if scope["type"] == "http" else send)


class Limits:
    """Refuse a head or a body that is larger, or JSON that is deeper, than any request of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """431 or 414 for the head, 408, 413 or 400 for the body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif refused := _head(scope):
            await refuse(send, scope, *refused)
        elif scope["method"] in ("GET", "HEAD") or scope["path"].startswith(BIG_BODIES):
            await self._app(scope, patient(receive), send)
        else:
            await self._with_body(scope, patient(receive, grace_s=SMALL_GRACE_S), send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read(receive)
        except TooSlow as error:
            await refuse(send, scope, error)
            return
        if body is None:
            await refuse(send, scope, TooLarge(f"at most {MOST_BODY_BYTES} bytes", max_bytes=MOST_BODY_BYTES))
        elif depth(body) > DEEPEST_JSON:
            await refuse(send, scope, Malformed(f"nested deeper than {DEEPEST_JSON}"))
        else:
            await self._app(scope, _again(body, receive), send)


def _head(scope: Scope) -> tuple[MiraVejaError, int] | None:
    """What is wrong with the size of a head."""
    sent = scope["headers"]
    if len(sent) > MOST_HEADERS or sum(len(name) + len(value) for name, value in sent) > MOST_HEADER_BYTES:
        return TooLarge("the headers are too large or too many", code="headers_too_large"), 431
    if len(scope["raw_path"]) > MOST_PATH_BYTES:
        return TooLarge(f"the path has at most {MOST_PATH_BYTES} bytes", code="path_too_large"), 414
    if len(scope["query_string"]) > MOST_QUERY_BYTES:
        return TooLarge(f"the query has at most {MOST_QUERY_BYTES} bytes", code="query_too_large"), 414
    return None


def depth(body: bytes) -> int:
    """How deep brackets nest outside strings, as far as it matters; an upper bound for anything that is not JSON."""
    if (openers := body.count(b"[") + body.count(b"{")) <= DEEPEST_JSON:
        return openers
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKETS)
    for level in range(DEEPEST_JSON + 1):
        outer = brackets.replace(b"[]", b"")  # takes the innermost level away
        if outer == brackets:
            return level + brackets.count(b"[")
        brackets = outer
    return DEEPEST_JSON + 1


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it is over the limit."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MOST_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _again(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def refuse(send: Send, scope: Scope, error: MiraVejaError, status: int | None = None) -> None:
    """The problem as an answer, after which the connection ends: what else was sent is not read."""
    body = describe(error, scope["state"]["request_id"])
    body["status"] = status or body["status"]
    told = {"Content-Type": MEDIA_TYPE, "Connection": "close", **headers(error)}
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": body["status"], "headers": raw})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
