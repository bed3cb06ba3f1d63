"""The index is a cache: wiped, it is built anew from the rows; what it forgot is found and put back."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from functions.core.adapters.edge_build import build
from functions.core.filters import All
from functions.core.ids import AssetId
from functions.core.ports import Point, Vector, Vectors
from functions.core.runtime.run import World
from functions.core.tx import Database
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper
from functions.index.rows import every_point
from gateway.local.operators.index import reindex
from tests.support.images import a_jpeg
from tests.support.ledger import Tally
from tests.support.quick_disk import quick_folder
from tests.support.runs import ready, write
from tests.support.worlds import MODEL, Parts, a_user, quiet, running

SMALL = (64, 48)


@asynccontextmanager
async def a_world(database: Database, folder: Path) -> AsyncIterator[World]:
    parts = Parts(folder)
    yield World(database, parts, lease_s=5.0)
    await parts.close()


def probes(number: int) -> list[Vector]:
    """Questions from everywhere."""
    rng = np.random.default_rng(5)
    found = rng.normal(size=(number, MODEL.dim)).astype(np.float32)
    return list(found / np.linalg.norm(found, axis=1, keepdims=True))


async def answers(vectors: Vectors) -> list[list[AssetId]]:
    return [[hit.id for hit in await vectors.nearest(probe, All(), 10)] for probe in probes(50)]


@pytest.mark.faults
@pytest.mark.promises("R11")
async def test_a_wiped_index_is_built_from_the_rows_and_answers_as_before(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    monkeypatch.setenv("MIRAVEJA_DATABASE_URL", database_url)
    with quick_folder() as folder:
        async with a_world(database, folder) as world:
            made = await ready(world, await a_user(world), [a_jpeg(seed, SMALL) for seed in range(12)])
            before = await answers(world.ports.vectors)
        shutil.rmtree(folder / "vectors")
        async with a_world(database, folder) as world:
            assert await world.ports.vectors.count() == 0
            began = asyncio.get_running_loop().time()
            assert await reindex(world) == len(made)
            tally.recovered(asyncio.get_running_loop().time() - began)
            assert await answers(world.ports.vectors) == before
            assert (await audit(world))["details"] == []
    tally.add(loads=len(made))


class Forgetful:
    """An index that says done and forgets: the power went before its log was synced."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def __getattr__(self, name: str) -> object:
        return getattr(self._vectors, name)

    async def upsert(self, points: Sequence[Point]) -> None:
        """Points that nobody will see again."""


@pytest.mark.promises("R12")
async def test_points_that_were_acknowledged_and_lost_are_put_back_by_one_sweep(
    world: World, database_url: str, tally: Tally
) -> None:
    parts, model = cast("Parts", world.ports), MODEL
    owner = await a_user(world)
    kept = await ready(world, owner, [a_jpeg(1, SMALL)])

    async def fill(folder: Path) -> None:
        await asyncio.to_thread(lambda: build(folder, model.dim, every_point(database_url, model.model_id)))

    await parts.vectors.rebuild(fill)
    true = parts.vectors
    vars(parts)["vectors"] = Forgetful(true)
    lost = await ready(world, owner, [a_jpeg(seed, SMALL) for seed in range(2, 6)])
    vars(parts)["vectors"] = true
    assert await true.ids() == set(kept)
    assert {each["kind"] for each in (await audit(world))["details"]} == {"missing_vector"}
    await write(world, "UPDATE assets SET updated_at = now() - interval '2 hours'")
    swept = await Sweeper(world, grace=timedelta(hours=1)).sweep()
    assert swept
    assert swept.done["reindexed"] == len(lost)
    async with running(world):
        await quiet(world)
    assert await true.ids() == {*kept, *lost}
    assert (await audit(world))["details"] == []
    tally.add(loads=len(kept) + len(lost))
