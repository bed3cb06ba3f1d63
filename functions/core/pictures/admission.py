"""Bounds what is decoded at once, by count and by pixels, first come first served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Admission:
    """At most `workers` images and `pixels` pixels inside; one image alone is always let in."""

    def __init__(self, workers: int, pixels: int) -> None:
        self._workers, self._pixels = workers, pixels
        self._inside: list[int] = []
        self._door = asyncio.Lock()
        self._left = asyncio.Condition()

    @asynccontextmanager
    async def of(self, pixels: int) -> AsyncIterator[None]:
        """Wait for room for one image of this many pixels, and hold it."""
        async with self._door, self._left:
            await self._left.wait_for(lambda: self._fits(pixels))
            self._inside.append(pixels)
        try:
            yield
        finally:
            self._inside.remove(pixels)
            async with self._left:
                self._left.notify_all()

    def _fits(self, pixels: int) -> bool:
        if not self._inside:
            return True
        return len(self._inside) < self._workers and sum(self._inside) + pixels <= self._pixels
