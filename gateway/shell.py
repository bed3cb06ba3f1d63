"""What every request passes, as plain ASGI: a number, limits of head and body, safe headers, no surprise."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.core.asked import Asked, asked
from functions.core.errors import Malformed, MiraVejaError, TooLarge
from functions.core.problem import MEDIA_TYPE, describe

MOST_HEADER_BYTES: Final = 16 * 1024
MOST_BODY_BYTES: Final = 64 * 1024
DEEPEST_JSON: Final = 20
BIG_BODIES: Final = ("/store/", "/v1/query-images")
"""These read their own bodies, as streams with limits of their own."""
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
            asked.set(Asked(number, (scope.get("client") or ("",))[0]))
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
        """431 for the head, 413 or 400 for the body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            await _refuse(send, scope, TooLarge("the headers are too large", code="headers_too_large"), 431)
        elif scope["method"] in ("GET", "HEAD") or scope["path"].startswith(BIG_BODIES):
            await self._app(scope, receive, send)
        else:
            await self._with_body(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            await _refuse(send, scope, TooLarge(f"at most {MOST_BODY_BYTES} bytes", max_bytes=MOST_BODY_BYTES), 413)
        elif depth(body) > DEEPEST_JSON:
            await _refuse(send, scope, Malformed(f"nested deeper than {DEEPEST_JSON}"), 400)
        else:
            await self._app(scope, _again(body, receive), send)


def depth(body: bytes) -> int:
    """How deep brackets nest outside strings; an upper bound for anything that is not JSON."""
    deepest = now = 0
    for byte in _STRING.sub(b"", body):
        now += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, now)
    return deepest


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


async def _refuse(send: Send, scope: Scope, error: MiraVejaError, status: int) -> None:
    body = describe(error, scope["state"]["request_id"]) | {"status": status}
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
