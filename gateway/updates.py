"""Live updates as server-sent events: each stream reads what happened from the database, at its reader's own pace."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from functions.core.errors import Forbidden, MiraVejaError
from functions.core.identity.callers import in_standing
from functions.core.ids import UserId
from functions.core.postgres import asset_changes
from functions.core.postgres.asset_changes import Change
from functions.core.tx import Database
from gateway.contract import AssetStatus
from gateway.door import anybody
from gateway.live import Live

LOOK_S: Final = 4.0
"""How often a stream looks without having been woken: whether its reader may still listen, and what is new."""
HEARTBEAT_S: Final = 15.0
SLOWEST_S: Final = 30.0
"""How long a reader may take over one piece."""
BATCH: Final = 100
RETRY_MS: Final = 2_000
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Updates(StreamingResponse):
    """A stream that gives its place back however it ends, and waits for no reader for ever."""

    media_type = "text/event-stream"

    def __init__(self, stream: "Stream") -> None:
        super().__init__(stream.pieces(), headers=HEADERS)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side ends it."""

        async def impatiently(message: Message) -> None:
            async with asyncio.timeout(SLOWEST_S):
                await send(message)

        try:
            await super().__call__(scope, receive, impatiently)
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            self._stream.live.leave(self._stream.user, self._stream.woken)


@dataclass(slots=True)
class Stream:
    """One reader's updates from a number on."""

    live: Live
    request: Request
    database: Database
    user: UserId
    woken: asyncio.Event
    seen: int
    reset: bool
    _said_at: float = field(default_factory=time.monotonic)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Events as they happen; ends with the reader's right to listen, with the database, and with the process."""
        yield self._beginning()
        with suppress(MiraVejaError):  # whoever comes back is told why
            while not self.live.over:
                self.woken.clear()
                news = await self._news()
                if news or time.monotonic() - self._said_at > HEARTBEAT_S:
                    self._said_at = time.monotonic()
                    yield b"".join(map(event, news)) or b":\n\n"
                if len(news) < BATCH:
                    await self._rest()

    def _beginning(self) -> bytes:
        """From where a reader goes on that saw nothing happen; one whose place is lost reads everything again."""
        reset = "event: reset\ndata: {}\n" if self.reset else ""
        return f"retry: {RETRY_MS}\nid: {self.seen}\n{reset}\n".encode()

    async def _news(self) -> list[Change]:
        await anybody(self.request)  # the token may have run out, the key be gone
        async with self.database.transaction() as tx:
            if await in_standing(tx, self.user) is None:
                raise Forbidden("this account is suspended")
            news = await asset_changes.after(tx, self.user, self.seen, BATCH)
        self.seen = news[-1].id if news else self.seen
        return news

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self.woken.wait()


def event(change: Change) -> bytes:
    """One change as a server-sent event."""
    told = AssetStatus(asset_id=change.asset_id, state=change.state, moderation=change.moderation,
                       trashed=change.trashed, reason=change.reason)  # fmt: skip
    return f"id: {change.id}\nevent: asset.status\ndata: {told.model_dump_json(by_alias=True)}\n\n".encode()
