"""Heavy work in turns: so much at once in all, less of it for each owner, so that a flood waits behind itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from functions.core.errors import Limited

FLOOD: Final = 6
"""A page asks for so much at once at most."""
LONGEST_PAUSE_S: Final = 1.0
RETRY_AFTER_S: Final = 5
LONGEST_WAIT_S: Final = 20.0
"""After this a caller is better told to come again than kept."""


@dataclass(slots=True)
class Lane:
    """One owner's work: what is done and what waits."""

    turn: asyncio.Semaphore
    inside: int = 0


@dataclass(slots=True)
class Turns:
    """First come, first served among owners, who each stand in the queue with `each` at most."""

    together: int
    each: int
    waiting: int
    longest_s: float = LONGEST_WAIT_S
    _all: asyncio.Semaphore = field(init=False)
    _lanes: dict[Hashable, Lane] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = asyncio.Semaphore(self.together)

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def busy(self) -> bool:
        """Whether anybody works or waits."""
        return bool(self._lanes)

    @asynccontextmanager
    async def of(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a turn and hold it; Limited when too much of the owner's waits already, or this waited too long."""
        lane = self._lanes.setdefault(owner, Lane(asyncio.Semaphore(self.each)))
        if lane.inside >= self.each + self.waiting:
            raise Limited("too many of your requests wait already", retry_after=1)
        lane.inside += 1
        until = asyncio.get_running_loop().time() + self.longest_s
        try:
            await _wait(lane.turn, until)
            began = time.monotonic()
            try:
                await _wait(self._all, until)
                try:
                    yield
                finally:
                    self._all.release()
            finally:
                self._give_back(lane, time.monotonic() - began)
        finally:
            lane.inside -= 1
            if not lane.inside:
                del self._lanes[owner]

    def _give_back(self, lane: Lane, took_s: float) -> None:
        """At once, or, in a flood, after pauses twice as long as its work: two thirds of the time are the others'."""
        if lane.inside <= FLOOD:
            lane.turn.release()
        else:
            asyncio.get_running_loop().call_later(min(2 * took_s, LONGEST_PAUSE_S), lane.turn.release)


async def _wait(turn: asyncio.Semaphore, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await turn.acquire()
    except TimeoutError:
        raise Limited("too much waits for its turn", retry_after=RETRY_AFTER_S) from None


def lanes() -> dict[str, Turns]:
    """The kinds of heavy work; whoever has a turn at sending may have 1 MiB in memory, at decoding 10 MiB."""
    return {"searching": Turns(together=8, each=1, waiting=64), "changing": Turns(together=3, each=1, waiting=16),
            "measuring": Turns(together=1, each=1, waiting=8),
            "sending": Turns(together=32, each=1, waiting=8), "decoding": Turns(together=4, each=1, waiting=8),
            "exporting": Turns(together=8, each=1, waiting=0)}  # fmt: skip
