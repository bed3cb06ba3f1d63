"""When the event log is lost, every asset that was under way is put on its way again from its row; twice is once."""

import asyncio

import pytest

from functions.core.errors import Conflict
from functions.core.ids import AssetId
from functions.core.model import State
from functions.core.postgres import outbox, upkeep
from functions.core.runtime.run import World
from functions.housekeeping.audit import audit
from functions.housekeeping.replay import replay
from functions.upload_presign import handler as uploads
from tests.support.images import a_jpeg
from tests.support.runs import arrived, count, left_of, read, ready, row, write
from tests.support.worlds import a_user, an_upload, quiet, running, state_of


async def lose_the_log(world: World) -> None:
    """Everything that was on its way, and all that was waiting to be."""
    async with world.database.transaction() as tx:
        while await outbox.relay(tx):
            pass
        await tx.execute("DELETE FROM deliveries")


async def settled(world: World) -> None:
    async with running(world):
        await quiet(world)


async def stopped_at(world: World, asset: AssetId, state: State) -> None:
    """A ready asset as it was before its last steps, done replies in the inbox and all."""
    await write(world, "UPDATE assets SET state = %s WHERE id = %s", state, asset)
    if state is State.PROCESSED:
        await write(world, "DELETE FROM inbox WHERE step = 'index'")
        await world.ports.vectors.delete([asset])


@pytest.mark.promises("R6")
async def test_a_log_that_was_lost_whole_loses_no_asset(world: World) -> None:
    owner = await a_user(world)
    uploaded, processed, changed, dying, kept = await ready(world, owner, [a_jpeg(number) for number in range(5)])
    told, fresh, unsent = [await an_upload(world, owner, a_jpeg(number)) for number in (5, 6, 7)]
    await uploads.complete(world, owner, told)
    await arrived(world, fresh)
    await world.ports.objects.delete(f"incoming/{unsent}")
    await stopped_at(world, uploaded, State.UPLOADED)
    await stopped_at(world, processed, State.PROCESSED)
    async with world.database.transaction() as tx:
        await upkeep.trash(tx, changed)
        await upkeep.delete(tx, dying)
    before = await row(world, kept)
    await lose_the_log(world)
    assert await replay(world) == {
        "redone": 2, "reindexed": 1, "purged_again": 1, "arrived": 1, "not_sent_yet": 1, "changes_told": 1,
    }  # fmt: skip
    assert {
        run["run"]
        for run in await read(world, "SELECT run FROM assets WHERE id = ANY(%s)", [uploaded, fresh, processed])
    } == {1}
    assert await replay(world) == {"not_sent_yet": 1}, "what is under way is left alone"
    await settled(world)
    states = [await state_of(world, asset) for asset in (uploaded, processed, changed, told, fresh, kept, unsent)]
    assert states == ["ready"] * 6 + ["new"]
    assert await left_of(world, dying) == {}
    assert await row(world, kept) == before
    heard = [
        each["mark"]
        for each in await read(
            world, "SELECT mark FROM inbox WHERE step = 'index' AND asset_id = %s AND state = 'done'", changed
        )
    ]
    assert f"change:{(await row(world, changed))['change']}" in heard
    assert [each for each in (await audit(world))["details"] if each["kind"] != "stray_object"] == []
    assert await replay(world) == {"not_sent_yet": 1}, "what was heard is not told again"
    actions = {each["action"] for each in await read(world, "SELECT action FROM audit_log")}
    assert "log.replayed" in actions


@pytest.mark.promises("R6")
async def test_two_replays_at_once_are_one(world: World) -> None:
    owner = await a_user(world)
    assets = await ready(world, owner, [a_jpeg(number) for number in range(3)])
    for asset in assets:
        await stopped_at(world, asset, State.UPLOADED)
    done = await asyncio.gather(*(replay(world) for _ in range(3)), return_exceptions=True)
    assert sorted(str(each) for each in done if isinstance(each, dict)) == ["{'redone': 3}"]
    assert sum(isinstance(each, Conflict) for each in done) == 2
    assert await count(world, "SELECT max(run) FROM assets") == 1
    await settled(world)
    assert [await state_of(world, asset) for asset in assets] == ["ready"] * 3
