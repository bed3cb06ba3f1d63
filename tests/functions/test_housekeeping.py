"""Housekeeping finds what was left half done, and stops before a mistake becomes a loss; the audit names everything."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from functions.core.adapters.edge_build import build
from functions.core.errors import Conflict, NotFound
from functions.core.ids import AssetId, uuid7
from functions.core.model import incoming_key, original_key
from functions.core.ports import Point
from functions.core.postgres import log, upkeep
from functions.core.runtime.run import World
from functions.housekeeping import rows
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper, Swept, keep_sweeping
from functions.index.rows import every_point
from functions.upload_presign import handler as uploads
from tests.support.images import a_jpeg
from tests.support.runs import arrived, count, keys, left_of, ready, rule, until, write
from tests.support.worlds import Parts, a_user, an_upload, quiet, running, state_of

NOW = timedelta(seconds=-1)
"""Nothing is too fresh to be looked at."""


async def sweep(world: World, **more: Any) -> dict[str, int]:
    """What one sweep did."""
    swept = await Sweeper(world, grace=NOW, **more).sweep()
    assert swept is not None
    return {what: number for what, number in swept.done.items() if what != "rows_forgotten"}


async def built(world: World, database_url: str) -> None:
    """The index built from the rows, so that nothing is missing from it by right."""
    model = world.ports.embedding.model

    async def fill(folder: Path) -> None:
        await asyncio.to_thread(lambda: build(folder, model.dim, every_point(database_url, model.model_id)))

    await cast("Parts", world.ports).vectors.rebuild(fill)


async def settled(world: World) -> None:
    """Let everything that is under way come to its end."""
    async with running(world):
        await quiet(world)


async def whole(world: World) -> bool:
    return bool((await audit(world))["mismatches"] == 0)


def aged(world: World, key: str, days: float) -> None:
    """Make an object older than it is."""
    path = cast("Parts", world.ports).objects._files.path(key)
    seconds = path.stat().st_mtime - days * 86_400
    os.utime(path, (seconds, seconds))


@pytest.mark.promises("O9", "R19")
async def test_an_upload_of_which_nobody_told_is_found(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(1))
    assert await sweep(world) == {}, "for a minute it may still be told"
    await write(world, "UPDATE assets SET updated_at = now() - interval '2 minutes'")
    assert await sweep(world) == {"arrived": 1}
    await settled(world)
    assert await state_of(world, asset) == "ready"
    assert await whole(world)


@pytest.mark.promises("O9")
async def test_an_upload_that_never_came_expires_and_its_quota_is_free_again(world: World) -> None:
    rule(world, quota_bytes=10_000)
    owner = await a_user(world)
    asset = await an_upload(world, owner, b"x" * 9_000)
    await world.ports.objects.delete(incoming_key(asset))
    await write(world, "UPDATE assets SET updated_at = now() - interval '2 minutes'")
    assert await sweep(world) == {}
    await write(world, "UPDATE assets SET form_expires_at = now() - interval '61 minutes'")
    assert await sweep(world) == {"expired": 1}
    assert await state_of(world, asset) == "expired"
    other = await an_upload(world, owner, b"y" * 9_000)
    assert other != asset
    await world.ports.objects.write(incoming_key(asset), b"late", "image/png")
    await arrived(world, asset)
    assert await keys(world, asset) == set()


@pytest.mark.promises("O9")
async def test_objects_that_no_row_wants_go_once_they_are_old(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(2)])
    kept = await keys(world, asset)
    stray = [incoming_key(AssetId(uuid7())), original_key(AssetId(uuid7()), 1), incoming_key(asset),
             original_key(asset, 7), f"derived/{asset}/7/256.webp"]  # fmt: skip
    for key in stray:
        await world.ports.objects.write(key, b"stray", "image/webp")
    fresh = await Sweeper(world).sweep()
    assert fresh is not None
    assert "objects_deleted" not in fresh.done
    assert await sweep(world, dry_run=True) == {"objects_deleted": 5}
    assert await sweep(world) == {"objects_deleted": 5}
    assert await keys(world, asset) == kept
    assert await whole(world)


@pytest.mark.promises("O9")
async def test_what_failed_before_it_was_taken_in_waits_a_week_for_a_new_try(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, a_jpeg(3))
    await write(world, "UPDATE assets SET state = 'failed', reason = 'worker_lost'")
    assert await sweep(world) == {}
    assert await whole(world)
    async with world.database.transaction() as tx:
        await upkeep.retry(tx, asset)
    await settled(world)
    assert await state_of(world, asset) == "ready"
    other = await an_upload(world, owner, a_jpeg(4))
    await write(world, "UPDATE assets SET state = 'failed' WHERE id = %s", other)
    aged(world, incoming_key(other), 8)
    assert await sweep(world) == {"objects_deleted": 1}


async def lose_renditions(world: World, asset: AssetId) -> None:
    await write(world, "DELETE FROM renditions WHERE asset_id = %s", asset)


async def lose_objects(world: World, asset: AssetId) -> None:
    for key in [key for key in await keys(world, asset) if key.startswith("derived/")][:1]:
        await world.ports.objects.delete(key)


async def lose_embedding(world: World, asset: AssetId) -> None:
    await write(world, "DELETE FROM embeddings WHERE asset_id = %s", asset)


async def lose_point(world: World, asset: AssetId) -> None:
    await world.ports.vectors.delete([asset])


@pytest.mark.promises("O9", "R12")
@pytest.mark.parametrize(
    ("lose", "kinds", "repair"),
    [
        (lose_renditions, {"missing_rendition", "stray_object"}, "redone"),
        (lose_objects, {"missing_object"}, "redone"),
        (lose_embedding, {"missing_embedding"}, "redone"),
        (lose_point, {"missing_vector"}, "reindexed"),
    ],
)
async def test_lost_effects_are_named_and_made_again_in_one_pass(
    world: World, database_url: str, lose: Callable[[World, AssetId], Any], kinds: set[str], repair: str
) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(5)])
    await built(world, database_url)
    assert await whole(world)
    await lose(world, asset)
    assert {each["kind"] for each in (await audit(world))["details"]} == kinds
    assert await sweep(world, dry_run=True) == {repair: 1}
    assert await sweep(world) == {repair: 1}
    assert await sweep(world) == {}, "what is under way is not started again"
    await settled(world)
    assert await whole(world), (await audit(world))["details"]
    assert await state_of(world, asset) == "ready"


@pytest.mark.promises("O9")
async def test_work_that_fell_asleep_half_way_is_taken_up_again(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(6))
    await arrived(world, asset)
    assert {each["kind"] for each in (await audit(world))["details"]} == {"stuck"}
    assert await sweep(world) == {"redone": 1}
    await settled(world)
    assert await state_of(world, asset) == "ready"
    assert await whole(world)


@pytest.mark.promises("O9", "O4")
async def test_a_purge_that_was_given_up_is_begun_again(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(7)])
    async with world.database.transaction() as tx:
        await upkeep.delete(tx, asset)
        await tx.execute("UPDATE outbox SET published_at = now()")
    assert "stuck" in {each["kind"] for each in (await audit(world))["details"]}
    assert (await sweep(world))["purged_again"] == 1
    await settled(world)
    assert await left_of(world, asset) == {}
    assert await whole(world)


@pytest.mark.promises("O9")
async def test_points_that_no_row_wants_go(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(8)])
    vector = (await world.ports.vectors.fetch([asset]))[asset]
    await world.ports.vectors.upsert([Point(AssetId(uuid7()), vector, {})])
    assert [each["kind"] for each in (await audit(world))["details"]] == ["ghost_vector"]
    assert await sweep(world, dry_run=True) == {"points_deleted": 1}
    assert await sweep(world) == {"points_deleted": 1}
    assert await world.ports.vectors.ids() == {asset}


@pytest.mark.promises("O9", "R34")
async def test_the_fuse_stops_a_mistake_and_is_told_to_go_on(world: World) -> None:
    lost = original_key(AssetId(uuid7()), 1)
    await world.ports.objects.write(lost, b"all there is", "image/png")
    with pytest.raises(Conflict):
        await sweep(world)
    assert await sweep(world, dry_run=True) == {"objects_deleted": 1}
    await an_upload(world, await a_user(world), a_jpeg(9))
    for _ in range(50):
        await world.ports.objects.write(original_key(AssetId(uuid7()), 1), b"stray", "image/png")
    with pytest.raises(Conflict) as blown:
        await sweep(world)
    assert blown.value.facts["deletions"] == 51
    assert await world.ports.objects.read(lost) == b"all there is"
    assert await sweep(world, force=True) == {"objects_deleted": 51}


@pytest.mark.promises("O9")
async def test_a_fuse_stops_its_own_part_and_the_others_go_on(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(15)])
    await write(world, "UPDATE assets SET trashed_at = now() - interval '31 days'")
    for _ in range(51):
        await world.ports.objects.write(original_key(AssetId(uuid7()), 1), b"stray", "image/png")
    with pytest.raises(Conflict):
        await sweep(world)
    assert await state_of(world, asset) == "deleting"


@pytest.mark.promises("O9")
async def test_what_moved_on_since_it_was_listed_is_left_alone(world: World) -> None:
    kept, late = await ready(world, await a_user(world), [a_jpeg(16), a_jpeg(17)])
    fresh = await an_upload(world, await a_user(world), a_jpeg(18))
    gone = AssetId(uuid7())
    await write(world, "UPDATE assets SET trashed_at = now() - interval '31 days' WHERE id = %s", late)
    for change in ((rows.empty, kept, 30), (rows.empty, gone, 30), (rows.expire, fresh), (rows.expire, kept)):
        with pytest.raises(Conflict):
            async with world.database.transaction() as tx:
                await change[0](tx, *change[1:])
    await write(world, "UPDATE assets SET form_expires_at = now() - interval '2 hours' WHERE id = %s", fresh)
    async with world.database.transaction() as tx:
        await log.append(tx, "storage.events", str(fresh), {})
        with pytest.raises(Conflict):
            await rows.expire(tx, fresh)
        await rows.empty(tx, late, 30)
    assert [await state_of(world, each) for each in (kept, late, fresh)] == ["ready", "deleting", "new"]


@pytest.mark.promises("O9")
async def test_an_asset_that_was_purged_meanwhile_does_not_end_the_sweep(world: World) -> None:
    sweeper, swept = Sweeper(world, grace=NOW), Swept()
    with pytest.raises(NotFound):
        async with world.database.transaction() as tx:
            await upkeep.redo(tx, AssetId(uuid7()))
    await sweeper._do(swept, "redone", upkeep.redo, AssetId(uuid7()))
    assert swept.done == {}


@pytest.mark.promises("O9", "R12")
async def test_what_a_rebuild_will_bring_is_not_made_again_one_by_one(world: World, database_url: str) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(19)])
    await world.ports.vectors.delete([asset])
    assert world.ports.vectors.needs_rebuild
    assert await sweep(world) == {}
    await built(world, database_url)
    assert await world.ports.vectors.ids() == {asset}


@pytest.mark.promises("O9")
async def test_another_models_vector_is_never_shown_and_is_made_anew(world: World, database_url: str) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(20)])
    await write(world, "UPDATE embeddings SET model = 'former'")
    await built(world, database_url)
    assert await world.ports.vectors.ids() == set()
    async with world.database.transaction() as tx:
        await upkeep.changed(tx, asset)
    await settled(world)
    assert await world.ports.vectors.ids() == set()
    assert "missing_embedding" in {each["kind"] for each in (await audit(world))["details"]}
    assert await sweep(world) == {"redone": 1}
    await settled(world)
    assert await world.ports.vectors.ids() == {asset}
    assert await count(world, "SELECT count(*) FROM embeddings") == 1
    assert await whole(world)


@pytest.mark.promises("O9")
async def test_a_repair_that_cannot_work_or_ended_badly_is_not_begun_again(world: World) -> None:
    lost, broken = await ready(world, await a_user(world), [a_jpeg(21), a_jpeg(22)])
    await world.ports.objects.delete(original_key(lost, 1))
    await world.ports.objects.write(original_key(broken, 1), b"no picture", "image/jpeg")
    for asset in (lost, broken):
        await lose_renditions(world, asset)
    assert (await sweep(world))["redone"] == 1
    await settled(world)
    assert [await state_of(world, each) for each in (lost, broken)] == ["ready", "ready"]
    assert "redone" not in await sweep(world)


@pytest.mark.promises("O9")
async def test_sweeping_goes_on_by_itself(world: World) -> None:
    await write(world, "INSERT INTO tombstones VALUES (%s, now() - interval '31 days')", uuid7())

    async def forgotten() -> bool:
        return await count(world, "SELECT count(*) FROM tombstones") == 0

    task = asyncio.create_task(keep_sweeping(world, 30, first_s=0.0))
    try:
        await until(forgotten)
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.promises("O9")
async def test_one_sweeps_at_a_time(world: World) -> None:
    async with world.database.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock(7155004)")
        assert await Sweeper(world).sweep() is None


@pytest.mark.promises("O9")
async def test_unfinished_writes_go_when_they_are_old(world: World) -> None:
    unfinished = Path(cast("Parts", world.ports).folder) / "objects" / "temp" / "left"
    await an_upload(world, await a_user(world), a_jpeg(10))
    unfinished.write_bytes(b"half")
    swept = await Sweeper(world).sweep()
    assert swept is not None
    assert unfinished.exists()
    assert (await sweep(world))["temp_deleted"] == 1
    assert not unfinished.exists()


@pytest.mark.promises("O9")
async def test_the_trash_is_emptied_after_its_time(world: World) -> None:
    owner = await a_user(world)
    old, fresh = await ready(world, owner, [a_jpeg(11), a_jpeg(12)])
    await write(world, "UPDATE assets SET trashed_at = now() - interval '31 days' WHERE id = %s", old)
    await write(world, "UPDATE assets SET trashed_at = now() WHERE id = %s", fresh)
    assert await sweep(world) == {"purged": 1}
    await settled(world)
    assert await left_of(world, old) == {}
    assert await state_of(world, fresh) == "ready"


@pytest.mark.promises("O9")
async def test_rows_that_served_their_time_are_forgotten(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(13)])
    await uploads.complete(world, owner, asset)
    await write(world, "INSERT INTO tombstones VALUES (%s, now() - interval '31 days')", uuid7())
    await write(world, "INSERT INTO tombstones VALUES (%s, now() - interval '29 days')", uuid7())
    await write(world, "UPDATE inbox SET updated_at = now() - interval '15 days'")
    await write(world, "UPDATE outbox SET published_at = now() - interval '8 days'")
    for days in (29, 31):
        await write(world, 'INSERT INTO dead_letters (topic, "group", key, message, error, attempts, created_at)'
                    " VALUES ('t', 'g', 'k', '{}', 'e', 5, now() - make_interval(days => %s))", days)  # fmt: skip
    swept = await Sweeper(world).sweep()
    assert swept is not None
    assert swept.done["rows_forgotten"] > 3
    left = [
        await count(world, f"SELECT count(*) FROM {table}")
        for table in ("inbox", "outbox", "tombstones", "dead_letters")
    ]
    assert left == [0, 0, 1, 1]
    assert await state_of(world, asset) == "ready"


async def test_the_audit_names_a_missing_original(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(14)])
    await world.ports.objects.delete(original_key(asset, 1))
    report = await audit(world)
    assert [(each["kind"], each["assetId"], each["what"]) for each in report["details"]] == [
        ("missing_object", str(asset), original_key(asset, 1))
    ]
    assert report["mismatches"] == 1
