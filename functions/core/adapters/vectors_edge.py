"""Vectors in this very process, by qdrant-edge: the embedded index, rebuilt aside and swapped while it serves.

Every engine call is short, synchronous and made on the owner's event loop, and nothing awaits between looking
at the shard and using it: so close() and swap can never race with a query, and no lock is needed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

from functions.core.adapters.edge_build import open_built
from functions.core.adapters.edge_home import Current, Home
from functions.core.adapters.edge_shard import CHUNK, Shard, chunked
from functions.core.errors import Conflict, Unavailable
from functions.core.filters import Clause
from functions.core.ids import AssetId
from functions.core.ports import Point, Scored, Vector

OPTIMISE_AFTER: Final = 20_000
"""Changed points are searched without the graph: this many cost about 5 ms a query at 512 dimensions."""

_PAGE: Final = 5_000
_CATCH_UP: Final = 2 * CHUNK
"""More than a writer adds between two steps, so that catching up ends."""
_FLUSH_EVERY: Final = 5_000
"""Changes that the log may hold, and that are forgotten when counting after a crash: replayed in about a second."""

log = logging.getLogger(__name__)


class EdgeVectors:
    """Points of one model in one folder that this process owns; use it from one event loop only."""

    def __init__(self, folder: Path, dim: int, model_id: str, *, sync_after_s: float = 1.0) -> None:
        """Open at once, blocking (0.3 s for 50,000 points); Unavailable while another process has the folder."""
        self._home = Home(folder)
        self._shard: Shard | None
        try:
            self._shard, self._current = self._home.open(model_id, dim)
        except BaseException:
            self._home.release()
            raise
        self._kept = self._current
        self._sync_after_s = sync_after_s
        self._unsynced = False
        self._syncing: asyncio.Task[None] | None = None
        self._journal: set[AssetId] | None = None

    @property
    def needs_rebuild(self) -> bool:
        """True from starting empty (new, lost, broken, another model) until rebuild() has filled it."""
        return not self._current.complete

    @property
    def needs_optimise(self) -> bool:
        """True when so much has changed since the last build that searching it has become slow."""
        return self._current.changes > OPTIMISE_AFTER

    async def upsert(self, points: Sequence[Point]) -> None:
        """Put points in place, some at a time; applied on return, past a power cut within `sync_after_s`."""
        for chunk in chunked(points):
            self._changing([point.id for point in chunk]).upsert(chunk)
            await asyncio.sleep(0)

    async def delete(self, ids: Sequence[AssetId]) -> None:
        """Remove points; missing ones are fine."""
        for chunk in chunked(ids):
            self._changing(chunk).delete(chunk)
            await asyncio.sleep(0)

    async def nearest(self, vector: Vector, where: Clause, limit: int) -> list[Scored]:
        """The `limit` (up to 1,000) nearest points that satisfy `where`, best first."""
        return self._open_shard().nearest(vector, where, limit)

    async def fetch(self, ids: Sequence[AssetId]) -> Mapping[AssetId, Vector]:
        """The vectors of those points that are there."""
        found: dict[AssetId, Vector] = {}
        for chunk in chunked(ids):
            found.update(self._open_shard().vectors(chunk))
            await asyncio.sleep(0)
        return found

    async def ids(self) -> set[UUID]:
        """Every point there is, for audit and repair; what changes meanwhile may or may not be in it."""
        found, after = self._open_shard().page_of_ids(None, _PAGE)
        while after is not None:
            await asyncio.sleep(0)
            page, after = self._open_shard().page_of_ids(after, _PAGE)
            found += page
        return set(found)

    async def count(self) -> int:
        """How many points there are."""
        return self._open_shard().count()

    async def flush(self) -> None:
        """On return everything applied so far survives a power cut."""
        self._flush(self._open_shard())

    async def close(self) -> None:
        """Flush and let go of the files; a rebuild under way then ends with Unavailable. Safe to repeat."""
        if self._syncing is not None:
            self._syncing.cancel()
        shard, self._shard = self._shard, None
        try:
            if shard is not None:
                shard.sync_log()
                shard.close()
                self._keep_if_changed()
        finally:
            self._home.release()

    async def rebuild(self, make: Callable[[Path], Awaitable[None]]) -> None:
        """Put a freshly built shard in the place of the present one, which answers and takes writes meanwhile.

        `make` is given the path of a folder that is not there yet and has edge_build.build() fill it, in another
        process, from rows read after the call; what is written here while it runs is applied on top. When it
        raises or is cancelled (its process must be gone by then), or left no complete shard, all stays as it was.
        """
        if self._journal is not None:
            raise Conflict("A rebuild of the vector index is under way")
        self._journal, name = set(), self._home.new_name()
        try:
            await make(self._home.folder / name)
            old, replaced = await self._take_over(name)
        except BaseException:
            self._home.drop(name)
            raise
        finally:
            self._journal = None
        with suppress(Unavailable):
            old.close()
        self._home.drop(replaced)

    async def _take_over(self, name: str) -> tuple[Shard, str]:
        fresh = open_built(self._home.folder / name, self._current.dim)
        try:
            changes = await self._catch_up(fresh)
            fresh.sync_log()
            old, replaced = self._open_shard(), self._current.shard
            self._keep(replace(self._current, shard=name, complete=True, changes=changes))
        except BaseException:
            with suppress(Unavailable):
                fresh.close()
            raise
        self._shard = fresh
        return old, replaced

    async def _catch_up(self, fresh: Shard) -> int:
        changes = 0
        while self._journal:
            ids = [self._journal.pop() for _ in range(min(len(self._journal), _CATCH_UP))]
            present = self._open_shard().points(ids)
            fresh.upsert(present)
            fresh.delete(set(ids).difference(point.id for point in present))
            changes += len(ids)
            await asyncio.sleep(0)
        return changes

    def _open_shard(self) -> Shard:
        if self._shard is None:
            raise Unavailable("The vector index is closed")
        return self._shard

    def _changing(self, ids: Sequence[AssetId]) -> Shard:
        shard = self._open_shard()
        if self._journal is not None:
            self._journal.update(ids)
        self._current = replace(self._current, changes=self._current.changes + len(ids))
        self._sync_soon()
        return shard

    def _sync_soon(self) -> None:
        self._unsynced = True
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())

    async def _sync(self) -> None:
        while self._unsynced:
            await asyncio.sleep(self._sync_after_s)
            self._unsynced = False
            try:
                await self._make_durable(self._open_shard())
            except (Unavailable, OSError):
                log.warning("The vector index could not be synced; trying again", exc_info=True)
                self._unsynced = True

    async def _make_durable(self, shard: Shard) -> None:
        if self._current.changes - self._kept.changes >= _FLUSH_EVERY:
            self._flush(shard)
        else:
            await asyncio.to_thread(shard.sync_log)

    def _flush(self, shard: Shard) -> None:
        shard.flush()
        self._keep_if_changed()

    def _keep_if_changed(self) -> None:
        if self._current != self._kept:
            self._keep(self._current)

    def _keep(self, current: Current) -> None:
        self._home.put(current)
        self._current = self._kept = current
