"""HEAD for every GET: the same answer without its body."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOT_SAFE: Final = "/start/"
"""These links work once: whoever only looks must not use one up."""


class Heads:
    """Routes know GET; the server leaves the body away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The head as it would be, and the answer ends there, however much would follow."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(NOT_SAFE):
            await self._app(scope, receive, send)
            return

        async def only_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        await self._app({**scope, "method": "GET"}, receive, only_head)
