"""Counts and traces requests, by route template and class of status: paths and queries are nobody's to keep."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.core import metrics, traces

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HUNG_UP: Final = 499
"""Nobody was there any more to answer to."""
STORE: Final = "/store"
STREAMS: Final = frozenset({"/v1/events"})
"""These last as long as somebody listens: how long says nothing about us."""


class Counted:
    """Sees every request and its answer, refusals too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One count, one duration and, where traces are recorded, one span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = HUNG_UP, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        with traces.span(method, kind="server") as span:
            try:
                await self._app(scope, receive, watched)
            finally:
                route = template(scope)
                span.rename(f"{method} {route}")
                span.say(status=status)
                metrics.REQUESTS.labels(method, route, f"{status // 100}xx").inc()
                if route not in STREAMS:
                    metrics.REQUEST_S.labels(route).observe(time.perf_counter() - began)


def template(scope: Scope) -> str:
    """The route as the application wrote it, `unmatched` where there is none."""
    path: str = getattr(scope.get("route"), "path", "unmatched")
    return STORE if scope["path"].startswith(STORE) else path
