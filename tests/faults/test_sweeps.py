"""A sweep that dies half way, and two at once, come to the same end as one that is left in peace."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from functions.core.adapters.edge_build import build
from functions.core.errors import Conflict
from functions.core.ids import AssetId, uuid7
from functions.core.model import original_key
from functions.core.ports import Point
from functions.core.postgres import upkeep
from functions.core.runtime.run import World
from functions.core.tx import Database
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper
from functions.index.rows import every_point
from tests.support.images import a_jpeg
from tests.support.quick_disk import quick_folder
from tests.support.runs import count, left_of, read, ready, write
from tests.support.worlds import Parts, a_user, an_upload, quiet, running

NOW = timedelta(seconds=-1)
PARTS = ("arrivals", "strays", "missing", "ghosts", "unburied", "trash", "rejected", "bans", "forget")
POINTS = (*(f"sweep_{part}" for part in PARTS), "sweep_after_delete", "sweep_before_commit", "sweep_after_commit")
SMOKE = ("sweep_after_delete", "sweep_before_commit")


@dataclass(frozen=True)
class Mess:
    """Assets by what is wrong with them."""

    untold: AssetId
    overdue: AssetId
    blurred: AssetId
    unseen: AssetId
    dying: AssetId
    outstayed: AssetId


@asynccontextmanager
async def a_world(database_url: str, folder: Path) -> AsyncIterator[World]:
    """The world that lies in a folder and a database; the index has one owner at a time."""
    database, parts = Database(database_url), Parts(folder)
    await database.open()
    yield World(database, parts, lease_s=5.0)
    await parts.close()
    await database.close()


async def a_mess(world: World, database_url: str) -> Mess:
    """One of everything that a sweep mends."""
    owner = await a_user(world)
    blurred, unseen, dying, outstayed = await ready(world, owner, [a_jpeg(number) for number in range(4)])
    model, parts = world.ports.embedding.model, cast("Parts", world.ports)

    async def fill(folder: Path) -> None:
        await asyncio.to_thread(lambda: build(folder, model.dim, every_point(database_url, model.model_id)))

    await parts.vectors.rebuild(fill)
    untold, overdue = await an_upload(world, owner, a_jpeg(5)), await an_upload(world, owner, a_jpeg(6))
    await world.ports.objects.delete(f"incoming/{overdue}")
    await write(world, "UPDATE assets SET updated_at = now() - interval '2 minutes' WHERE state = 'new'")
    await write(world, "UPDATE assets SET form_expires_at = now() - interval '2 hours' WHERE id = %s", overdue)
    await write(world, "DELETE FROM renditions WHERE asset_id = %s", blurred)
    vector = (await world.ports.vectors.fetch([unseen]))[unseen]
    await world.ports.vectors.upsert([Point(AssetId(uuid7()), vector, {})])
    await world.ports.vectors.delete([unseen])
    async with world.database.transaction() as tx:
        await upkeep.delete(tx, dying)
        await tx.execute("UPDATE outbox SET published_at = now()")
    await write(world, "UPDATE assets SET trashed_at = now() - interval '31 days' WHERE id = %s", outstayed)
    for _ in range(3):
        await world.ports.objects.write(original_key(AssetId(uuid7()), 1), b"stray", "image/png")
    return Mess(untold, overdue, blurred, unseen, dying, outstayed)


async def is_mended(world: World, mess: Mess) -> None:
    """Everything is at the one end that it can have."""
    async with running(world):
        await quiet(world)
    assert (await audit(world))["details"] == []
    states = {row["id"]: row["state"] for row in await read(world, "SELECT id, state FROM assets")}
    assert states == {mess.untold: "ready", mess.overdue: "expired", mess.blurred: "ready", mess.unseen: "ready"}
    assert await world.ports.vectors.ids() == {mess.untold, mess.blurred, mess.unseen}
    assert await left_of(world, mess.dying) == await left_of(world, mess.outstayed) == {}
    assert await count(world, "SELECT count(*) FROM dead_letters") == 0


async def dies_at(point: str, database_url: str, folder: Path) -> None:
    """A sweep in a process that is killed there."""
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.sweeping", database_url, str(folder),
        env=os.environ | {"TEST_FAIL": f"{point}=kill9"},
    )  # fmt: skip
    assert await dying.wait() == -signal.SIGKILL, "the point was never reached"


@pytest.mark.promises("R34", "O9")
@pytest.mark.parametrize(
    "point", [pytest.param(point, marks=[] if point in SMOKE else pytest.mark.faults) for point in POINTS]
)
async def test_a_sweep_that_is_killed_is_finished_by_the_next(database_url: str, point: str) -> None:
    with quick_folder() as folder:
        async with a_world(database_url, folder) as world:
            mess = await a_mess(world, database_url)
        await dies_at(point, database_url, folder)
        async with a_world(database_url, folder) as world:
            assert await Sweeper(world, grace=NOW).sweep()
            await is_mended(world, mess)


@pytest.mark.promises("R34")
async def test_two_sweeps_at_once_do_what_one_does(database_url: str) -> None:
    with quick_folder() as folder:
        async with a_world(database_url, folder) as world:
            mess = await a_mess(world, database_url)
            swept = await asyncio.gather(*(Sweeper(world, grace=NOW).sweep() for _ in range(3)))
            [done] = [each.done for each in swept if each]
            assert done | {"rows_forgotten": 0} == {
                "arrived": 1, "expired": 1, "objects_deleted": 3, "redone": 1, "reindexed": 1, "points_deleted": 2,
                "purged_again": 1, "purged": 1, "rows_forgotten": 0,
            }  # fmt: skip
            await is_mended(world, mess)


@pytest.mark.promises("R34")
async def test_a_database_that_is_empty_by_mistake_costs_nothing(database_url: str) -> None:
    with quick_folder() as folder:
        async with a_world(database_url, folder) as world:
            await ready(world, await a_user(world), [a_jpeg(7)])
            objects = {each.key async for each in world.ports.objects.list("")}
            points = await world.ports.vectors.ids()
            await write(world, "DELETE FROM assets")
            with pytest.raises(Conflict, match="would be deleted"):
                await Sweeper(world, grace=NOW).sweep()
            assert {each.key async for each in world.ports.objects.list("")} == objects
            assert await world.ports.vectors.ids() == points
            assert objects
            assert points
