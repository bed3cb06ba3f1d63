"""Which pages elsewhere may read answers: an exact list of origins, never all, and never with cookies."""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = "GET, HEAD, POST, PATCH, DELETE"
REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, Share-Unlock"
TOLD_HEADERS: Final = "Content-Disposition, ETag, Idempotency-Replayed, Location, Retry-After"
REMEMBERED_S: Final = 600


class Cors:
    """Answers preflights, and names the asking origin in the answer when it is on the list."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every answer says that it depends on the origin, so that no cache hands it to another."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        here = scope["app"].state.door
        allowed = {"Access-Control-Allow-Origin": origin} if origin in here.readers else {}

        async def dress(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                told.add_vary_header("Origin")
                told.update(allowed | ({"Access-Control-Expose-Headers": TOLD_HEADERS} if allowed else {}))
            await send(message)

        if allowed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(dress)
        else:
            await self._app(scope, receive, dress)


async def _preflight(send: Send) -> None:
    headers = [(b"access-control-allow-methods", METHODS.encode()), (b"access-control-allow-headers", REQUEST_HEADERS.encode()),
               (b"access-control-max-age", str(REMEMBERED_S).encode())]  # fmt: skip
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
