"""The streams of live updates that this process has open, and what wakes them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from functions.core.errors import Limited
from functions.core.ids import UserId
from functions.core.postgres import asset_changes
from functions.core.settings import Settings
from functions.core.stopping import told_to_stop
from functions.core.tx import Database


@dataclass(slots=True)
class Live:
    """The streams of one process. Nothing waits here for a slow reader: a stream is only woken, and reads by itself."""

    over: bool = False
    _streams: dict[str, set[asyncio.Event]] = field(default_factory=dict)

    def join(self, user: UserId, limits: Settings) -> asyncio.Event:
        """A place, to be left again; raises Limited when the reader, or the process, has as many as it may."""
        own = self._streams.get(str(user), set())
        if len(own) >= limits.streams_per_user:
            raise Limited("too many streams are open", limit=limits.streams_per_user)
        if sum(map(len, self._streams.values())) >= limits.streams:
            raise Limited("too many people are listening", limit=limits.streams)
        self._streams.setdefault(str(user), own).add(woken := asyncio.Event())
        return woken

    def leave(self, user: UserId, woken: asyncio.Event) -> None:
        """Give the place back."""
        own = self._streams[str(user)]
        own.remove(woken)
        if not own:
            del self._streams[str(user)]

    async def keep_listening(self, database: Database) -> None:
        """Wake streams as the database tells, until cancelled; then they end."""
        try:
            while not told_to_stop():
                with suppress(psycopg.Error, OSError):
                    await self._listen(database)
                await asyncio.sleep(0.5)
        finally:
            self.over = True
            self._wake(*self._streams)

    async def _listen(self, database: Database) -> None:
        async with database.listening(asset_changes.CHANNEL) as heard:
            self._wake(*self._streams)  # for what was not heard before
            async for told in heard.notifies():
                self._wake(told.payload)

    def _wake(self, *users: str) -> None:
        for user in users:
            for woken in self._streams.get(user, ()):
                woken.set()
