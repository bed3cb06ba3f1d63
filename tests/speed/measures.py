"""The measurements themselves: each answers one question about a running gallery, with a line."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import numpy as np
import psycopg
from psycopg.rows import dict_row

from functions.core.adapters.edge_build import build, open_built
from functions.core.adapters.edge_shard import Shard
from functions.core.adapters.embedder_onnx import OnnxEmbedder
from functions.core.catalog import read
from functions.core.errors import Conflict
from functions.core.ports import Vector
from functions.core.postgres.server import OWNER, EmbeddedPostgres
from functions.core.times import utcnow
from functions.core.tx import Tx
from functions.core.visibility import Viewer, findable_by
from functions.core.wire import media_keys
from functions.index.rows import every_point
from functions.search import rows
from functions.search.ranking import SHALLOW
from gateway.cli.operators import asked
from gateway.client.requests import search
from tests.speed.door import flooded, tiles, verified
from tests.speed.gallery import Running
from tests.speed.lines import Line
from tests.speed.naive import Cost, NaiveGallery
from tests.speed.photos import copies, photo
from tests.speed.planted import plant, sentences

HITS: Final = 50
PACE_S: Final = 0.05
WARM: Final = 20


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything a run does."""

    photos: int
    """Different pictures; the rest are copies of them with bytes of their own."""
    ingested: int
    naive: int
    assets: int
    searches: int
    busy: int


FULL: Final = Sizes(photos=4, ingested=64, naive=8, assets=10_000, searches=300, busy=200)
QUICK: Final = Sizes(photos=1, ingested=8, naive=2, assets=500, searches=30, busy=8)


@dataclass
class Bench:
    """One run over one gallery."""

    gallery: Running
    sizes: Sizes
    folder: Path
    _planted: bool = False
    _said: set[str] = field(default_factory=set)
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    @cached_property
    def photos(self) -> list[bytes]:
        """The pictures of this run."""
        return [photo(seed) for seed in range(self.sizes.photos)]

    @cached_property
    def model(self) -> OnnxEmbedder:
        """The model that ships, here."""
        return OnnxEmbedder()

    async def ingest(self) -> Line:
        """Images a second of the whole pipeline against one naive process, which is measured before and after."""
        naive = await asyncio.to_thread(self._naive)
        await self._pipeline(len(self.photos), "warm")
        ours = await self._pipeline(self.sizes.ingested, "ingest")
        naive += await asyncio.to_thread(self._naive)
        wall_s, cpu_s = (float(np.mean([getattr(cost, name) for cost in naive])) for name in ("wall_s", "cpu_s"))
        return Line("ingest", wall_s / ours.wall_s, (
            f"12 MP JPEG: {1 / ours.wall_s:.1f} images/s and {ours.cpu_s * 1000:.0f} ms CPU each, "
            f"naive {1 / wall_s:.2f} images/s and {cpu_s * 1000:.0f} ms CPU; by CPU alone {cpu_s / ours.cpu_s:.2f} x; "
            "both with the int8 model that ships"
        ))  # fmt: skip

    async def search(self) -> Line:
        """A search over HTTP against its parts, each alone, measured in turn so that all meet the same machine."""
        await self.planted()
        async with await psycopg.AsyncConnection.connect(
            self.gallery.database_url, row_factory=dict_row, autocommit=True
        ) as database:
            parts = Parts(self, database, await asyncio.to_thread(self._shard))
            found = [await parts.once(words) for words in self.words(WARM + self.sizes.searches)][WARM:]
        whole, *alone = (np.array(column) * 1000 for column in zip(*found, strict=True))
        middle = [float(np.median(part)) for part in alone]
        cpu_s = await self._cpu_of_a_search()
        p50, p95 = np.percentile(whole, (50, 95))
        return Line("search", float(p50) / sum(middle), (
            f"{self.sizes.assets} assets, new words, {HITS} hits over HTTP: p50 {p50:.1f} ms, p95 {p95:.1f} ms; "
            f"text tower {middle[0]:.1f} + vector query {middle[1]:.1f} + words query {middle[3]:.1f} "
            f"+ rows {middle[2]:.1f} = {sum(middle):.1f} ms; "
            f"all processes {cpu_s * 1000:.1f} ms CPU a search"
        ))  # fmt: skip

    async def _cpu_of_a_search(self) -> float:
        """Seconds of computing in the gallery: steadier than the clock on a machine with other work."""
        spent = self.gallery.cpu_s()
        for words in self.words(self.sizes.searches):
            await self.gallery.client.ask(search.words(words, limit=HITS).raw())
        return (self.gallery.cpu_s() - spent) / self.sizes.searches

    async def busy(self) -> Line:
        """Searches at a steady pace, alone and while pictures are processed."""
        await self.planted()
        idle = await self._paced(self.sizes.searches)
        ids = await self.gallery.expect(copies(self.photos, self.sizes.busy, "busy"))
        await self.gallery.told(ids)
        done = asyncio.create_task(self.gallery.searchable(ids))
        loaded = await self._paced(None, lambda: not done.done())
        await done
        quiet, hard = (np.percentile(times, (50, 95)) * 1000 for times in (idle, loaded))
        return Line("busy", float(hard[1] / quiet[1]), (
            f"while {self.sizes.busy} pictures of 12 MP are processed: p50 {hard[0]:.1f} ms, p95 {hard[1]:.1f} ms of "
            f"{len(loaded)} searches; idle p50 {quiet[0]:.1f} ms, p95 {quiet[1]:.1f} ms"
        ))  # fmt: skip

    async def fair(self) -> Line:
        """Searches at a steady pace, alone and while somebody else floods the gallery."""
        await self.planted()
        await self._paced(WARM)
        idle = await self._paced(self.sizes.searches // 2)
        async with flooded(self.gallery):
            await self._paced(WARM)
            crowded = await self._paced(self.sizes.searches // 2)
        before, during = float(np.percentile(idle, 95)), float(np.percentile(crowded, 95))
        return Line("fair", during / before, (
            f"p95 {during * 1000:.1f} ms beside fifty connections of another, {before * 1000:.1f} ms alone"
        ))  # fmt: skip

    async def door(self) -> Line:
        """A route that knows who asks against one that does not."""
        return await verified(self.gallery)

    async def tiles(self) -> Line:
        """Tiles against static files."""
        return await tiles(self.gallery, self.folder)

    async def memory(self) -> Line:
        """What all processes of the gallery hold now."""
        await self.planted()
        processes, held = len(self.gallery.tree()), self.gallery.memory_mb()
        told = ", ".join(f"{name} {held[name]:.0f}" for name in sorted(held, key=lambda name: -held[name]))
        return Line("memory", sum(held.values()), f"PSS of {processes} processes: {told}")

    async def planted(self) -> None:
        """Assets to search among, and an index built of them; once."""
        if self._planted:
            return
        self._planted = True
        url = EmbeddedPostgres(self.gallery.settings.data_dir).url(OWNER)
        model = self.model
        await asyncio.to_thread(plant, url, self.gallery.owner, model.model_id, model.dim, self.sizes.assets)
        await self._reindexed()

    async def _reindexed(self) -> None:
        """A new gallery builds its empty index when it starts, and one build ends before the next."""
        while True:
            try:
                await asked(self.gallery.settings, "/reindex")
            except Conflict:
                await asyncio.sleep(PACE_S)
            else:
                return

    def words(self, count: int) -> list[str]:
        """Searches that nobody has made before in this run."""
        made: list[str] = []
        for words in sentences(self._rng):
            if len(made) == count:
                break
            if words not in self._said:
                self._said.add(words)
                made.append(words)
        return made

    def _naive(self) -> list[Cost]:
        with psycopg.connect(self.gallery.database_url, autocommit=True) as database:
            naive = NaiveGallery(self.folder, database, self.model)
            naive.prepare()
            files = copies(self.photos, self.sizes.naive // 2, "naive")
            return [naive.timed(data) for data in files]

    async def _pipeline(self, count: int, name: str) -> Cost:
        """So many images at once, each from its bytes in the store until it can be found; the mean."""
        ids = await self.gallery.expect(copies(self.photos, count, name))
        wall, cpu = time.perf_counter(), self.gallery.cpu_s()
        await self.gallery.told(ids)
        await self.gallery.searchable(ids)
        return Cost((time.perf_counter() - wall) / count, (self.gallery.cpu_s() - cpu) / count)

    async def _paced(self, count: int | None, going: Callable[[], bool] = lambda: True) -> list[float]:
        """Seconds of searches begun every 50 ms, so many or as long as it goes on."""
        times: list[float] = []
        while going() and (count is None or len(times) < count):
            (words,) = self.words(1)
            times.append(await timed(partial(self.gallery.client.ask, search.words(words, limit=HITS).raw())))
            await asyncio.sleep(max(0.0, PACE_S - times[-1]))
        return times

    def _shard(self) -> Shard:
        """A shard as the gallery's own, built from the same rows."""
        folder = self.folder / "shard"
        build(folder, self.model.dim, every_point(self.gallery.database_url, self.model.model_id))
        return open_built(folder, self.model.dim)


@dataclass(frozen=True, slots=True)
class Parts:
    """A search and what it cannot do without."""

    bench: Bench
    database: Tx
    shard: Shard

    async def once(self, words: str) -> tuple[float, float, float, float, float]:
        """Seconds of a search over HTTP, and of text tower, vector query, 50 rows told in full and words query, each alone."""
        gallery, viewer = self.bench.gallery, Viewer(self.bench.gallery.owner)
        desk = read.Desk(viewer, media_keys(gallery.settings), utcnow())
        whole = await timed(lambda: gallery.client.ask(search.words(words, limit=HITS).raw()))
        started = time.perf_counter()
        vector: Vector = self.bench.model.embed_texts([words])[0]
        computed = time.perf_counter()
        found = self.shard.nearest(vector, findable_by(viewer), SHALLOW)
        asked_for = time.perf_counter()
        ids = [scored.id for scored in found[:HITS]]
        fetched = await timed(lambda: read.by_ids(self.database, desk, ids))
        said = await timed(lambda: rows.by_words(self.database, viewer, findable_by(viewer), words, "", SHALLOW))
        return whole, computed - started, asked_for - computed, fetched, said


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    """Seconds of one act."""
    started = time.perf_counter()
    await act()
    return time.perf_counter() - started
