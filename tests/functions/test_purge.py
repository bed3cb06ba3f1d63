"""purge: nothing is left, and what comes late removes itself."""

import pytest

from events.types import AssetDeleted, AssetPreviewed, AssetProcessed, AssetUploaded, AssetVectorized
from functions.core.ids import AssetId
from functions.core.model import Variant, derived_key, incoming_key, original_key
from functions.core.ports import Point
from functions.core.postgres import upkeep
from functions.core.runtime.run import World
from tests.support.images import a_jpeg
from tests.support.runs import arrived, count, left_of, ready, said_of, through
from tests.support.worlds import a_user, quiet, running


async def deleted(world: World, asset: AssetId) -> None:
    async with world.database.transaction() as tx:
        await upkeep.delete(tx, asset)


async def test_rows_objects_and_vectors_go_and_a_tombstone_stays(world: World) -> None:
    owner = await a_user(world)
    gone, kept = await ready(world, owner, [a_jpeg(1), a_jpeg(2)])
    await deleted(world, gone)
    async with running(world):
        await quiet(world)
    assert await left_of(world, gone) == {}
    assert await count(world, "SELECT count(*) FROM tombstones WHERE asset_id = %s", gone) == 1
    assert set(await left_of(world, kept)) == {
        "row",
        "renditions",
        "embeddings",
        "metadata",
        "pipeline_steps",
        "objects",
        "point",
    }


@pytest.mark.promises("O4")
async def test_late_events_remove_what_late_work_left(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(3)])
    late = [await said_of(world, kind, asset) for kind in (AssetUploaded, AssetPreviewed, AssetProcessed)]
    late.insert(2, await said_of(world, AssetVectorized, asset, model="m"))
    vector = (await world.ports.vectors.fetch([asset]))[asset]
    await deleted(world, asset)
    purge = await said_of(world, AssetDeleted, asset)
    await through(world, "purge", purge)
    for key in (derived_key(asset, 1, Variant.SMALL, "image/webp"), original_key(asset, 1), incoming_key(asset)):
        await world.ports.objects.write(key, b"late", "image/webp")
    await world.ports.vectors.upsert([Point(asset, vector, {})])
    answers = [await arrived(world, asset)]
    for step, fact in zip(("thumbnail", "embed", "moderate", "index"), late, strict=True):
        answers.append(await through(world, step, fact))
    assert [each.status for each in answers] == [204] * 5
    assert await left_of(world, asset) == {}


async def test_a_purge_that_comes_twice_does_no_harm(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(4)])
    await deleted(world, asset)
    purge = await said_of(world, AssetDeleted, asset)
    assert [(await through(world, "purge", purge)).status for _ in range(3)] == [204] * 3
    assert await left_of(world, asset) == {}


async def test_deleting_twice_says_it_once(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(5)])
    await deleted(world, asset)
    await deleted(world, asset)
    assert await count(world, "SELECT count(*) FROM outbox WHERE topic = 'assets.deleted'") == 1
    assert await count(world, "SELECT generation FROM assets WHERE id = %s", asset) == 2
