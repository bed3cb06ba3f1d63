"""How many requests may be under way: in all, and from one network, so that nobody takes every place."""

from collections import Counter
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from functions.core.asked import asked
from functions.core.errors import Limited, Unavailable
from gateway.shell.limits import refuse

MOST: Final = 512
MOST_OF_ONE: Final = 100
RETRY_AFTER_S: Final = 1


class Crowd:
    """Refuses at once what would only wait."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inside: Counter[str] = Counter()
        self._all = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """429 for a network that has too many under way, 503 when all together have."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whose = asked.get().origin
        if self._inside[whose] >= MOST_OF_ONE:
            await refuse(send, scope, Limited("too many requests at once", retry_after=RETRY_AFTER_S))
        elif self._all >= MOST:
            await refuse(send, scope, Unavailable("too many requests at once", retry_after=RETRY_AFTER_S))
        else:
            await self._counted(whose, scope, receive, send)

    async def _counted(self, whose: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._inside[whose] += 1
        self._all += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._all -= 1
            self._inside[whose] -= 1
            if not self._inside[whose]:
                del self._inside[whose]
