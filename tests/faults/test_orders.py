"""Duplicates, shuffles, races and deletes at every stage: each asset reaches one end, and a delete leaves nothing."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from events.envelope import Event, from_json, to_json
from events.minio import NewObject, notification
from events.types import AssetChanged, AssetDeleted, AssetProcessed, AssetRejected, AssetUploaded, ObjectArrived
from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset
from functions.core.ids import AssetId
from functions.core.model import Asset
from functions.core.postgres import log, outbox, upkeep
from functions.core.runtime.run import World, answer
from functions.core.runtime.runner import Runner
from functions.core.runtime.step import Step
from functions.core.times import utcnow
from functions.housekeeping.audit import audit
from functions.housekeeping.relay import keep_relaying
from functions.upload_presign import handler as uploads
from gateway.local.answer import notify
from gateway.local.steps import ANSWERS, STEPS, WORKS
from tests.support.images import a_gif, a_jpeg, a_png, a_webp
from tests.support.runs import count, event, left_of, read, ready, row, said_of
from tests.support.worlds import a_desk, a_user, an_upload, ended, quiet, running, state_of

SMALL = (64, 48)


async def all_is_well(world: World) -> None:
    """Nothing lost, doubled or stuck."""
    report = await audit(world)
    assert report["mismatches"] == 0, report["details"]
    assert report["counts"]["deliveries"] == report["counts"]["outbox"] == 0
    assert report["counts"]["vectors"] == report["counts"].get("assets_ready", 0)


async def said(world: World) -> list[tuple[str, Event]]:
    """Every fact that was said so far, with the step that takes it."""
    kept = [each["event"] for each in await read(world, "SELECT event FROM outbox ORDER BY id")]
    kept += [each["reply"] for each in await read(world, "SELECT reply FROM inbox WHERE reply IS NOT NULL")]
    facts = [from_json(document) for document in kept]
    return [(step.name, fact) for fact in facts for step in STEPS.values() if type(fact.fact) in step.consumes]


# R3


async def duplicates(world: World, times: int) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(1, SMALL)])
    before, entries = (
        await row(world, asset),
        await read(world, "SELECT step, attempts, reply FROM inbox ORDER BY step"),
    )
    made = {found.key: found.modified async for found in world.ports.objects.list("derived/")}
    taken: list[float] = []
    for step, fact in await said(world):
        replies = await asyncio.gather(*(answer(STEPS[step], fact, world) for _ in range(times)))
        assert {each.status for each in replies} <= {200, 204}
        assert len({json.dumps(to_json(each.reply)) for each in replies if each.reply}) <= 1
        started = time.perf_counter()
        await answer(STEPS[step], fact, world)
        taken.append(time.perf_counter() - started)
    assert await row(world, asset) == before
    assert await read(world, "SELECT step, attempts, reply FROM inbox ORDER BY step") == entries
    assert {found.key: found.modified async for found in world.ports.objects.list("derived/")} == made
    assert statistics.median(taken) < 0.1, "10 ms on a quiet machine"
    await all_is_well(world)


@pytest.mark.promises("R3")
async def test_duplicates_of_every_event_have_one_effect(world: World) -> None:
    await duplicates(world, 10)


@pytest.mark.faults
@pytest.mark.promises("R3")
async def test_a_hundred_duplicates_of_every_event_have_one_effect(world: World) -> None:
    await duplicates(world, 100)


# R4


async def shuffled(world: World, seed: int) -> None:
    """Everything that will be said of three assets lies in the log before any of it has happened, in any order."""
    owner, dice = await a_user(world), random.Random(seed)
    kept, changed, deleted = [await an_upload(world, owner, a_jpeg(10 * seed + n, SMALL)) for n in range(3)]
    facts = [ObjectArrived(asset_id=asset) for asset in (kept, changed, deleted)]
    told: list[tuple[str, Any]] = [("storage.events", fact) for fact in facts]
    for asset in (kept, changed, deleted):
        told += [("assets.uploaded", await said_of(world, AssetUploaded, asset))]
        told += [("assets.processed", await said_of(world, AssetProcessed, asset))]
    await assets.change(world, a_desk(owner), changed, ChangeAsset(visibility="public"), 1)
    told += [("assets.changed", await said_of(world, AssetChanged, changed))]
    async with world.database.transaction() as tx:
        await upkeep.delete(tx, deleted)
    told += [("assets.deleted", await said_of(world, AssetDeleted, deleted))]
    dice.shuffle(told)
    async with world.database.transaction() as tx:
        await tx.execute("UPDATE outbox SET published_at = now()")
        for topic, fact in told:
            await log.append(tx, topic, fact.key, to_json(event(fact)))
    async with running(world):
        assert await ended(world, kept, changed, deleted, within_s=120) == ["ready", "ready", "gone"]
        await quiet(world, within_s=120)
    assert await left_of(world, deleted) == {}
    await all_is_well(world)
    assert await read(world, "SELECT 1 FROM dead_letters") == []


@pytest.mark.promises("R4", "O3")
@pytest.mark.parametrize("seed", [1, 2])
async def test_events_in_any_order_lead_to_the_same_end(world: World, seed: int) -> None:
    await shuffled(world, seed)


@pytest.mark.faults
@pytest.mark.promises("R4", "O3")
@pytest.mark.parametrize("seed", range(3, 21))
async def test_events_in_any_order_lead_to_the_same_end_with_more_seeds(world: World, seed: int) -> None:
    await shuffled(world, seed)


# R16


async def poisoned(world: World, each: int) -> None:
    owner = await a_user(world)
    poison = [
        a_png(1)[:200],
        a_jpeg(2)[:300],
        b"\xff\xd8\xff" + bytes(500),
        a_gif(3)[:40],
        b"RIFF\0\0\0\0WEBPVP8 " + b"x" * 99,
    ]
    bad = [await an_upload(world, owner, data + bytes([n])) for n in range(each) for data in poison]
    good = [await an_upload(world, owner, a_webp(n, SMALL)) for n in range(4 * each)]
    for asset in [asset for pair in zip(bad, [*good, *good], strict=False) for asset in pair]:
        await uploads.complete(world, owner, asset)
    async with running(world):
        assert set(await ended(world, *good, within_s=120)) == {"ready"}
        assert set(await ended(world, *bad, within_s=120)) == {"rejected"}
        await quiet(world)
    refused = await read(world, "SELECT DISTINCT reason FROM assets WHERE state = 'rejected'")
    assert {each["reason"] for each in refused} <= {"unreadable_image", "too_many_pixels"}
    told = [
        fact for _, fact in [(e["topic"], from_json(e["event"])) for e in await read(world, "SELECT * FROM outbox")]
    ]
    assert sum(isinstance(fact.fact, AssetRejected) for fact in told) == len(bad)
    assert await count(world, "SELECT max(attempts) FROM pipeline_steps") == 1
    assert await read(world, "SELECT 1 FROM dead_letters") == []
    await all_is_well(world)


@pytest.mark.promises("R16")
async def test_poison_is_rejected_once_and_the_rest_is_not_held_up(world: World) -> None:
    await poisoned(world, 1)


@pytest.mark.faults
@pytest.mark.promises("R16")
async def test_much_poison_is_rejected_once_and_the_rest_is_not_held_up(world: World) -> None:
    await poisoned(world, 8)


# R19, R20


async def tell(world: World, owner: Any, asset: AssetId, ways: set[str]) -> None:
    """Word of the bytes by the client, by the store's notification, by the sweeper; whichever are left."""
    new = NewObject("miraveja", f"incoming/{asset}", 1, "image/jpeg", "e", "1", utcnow())

    async def sweeper() -> None:
        async with world.database.transaction() as tx:
            await outbox.put(tx, "storage.events", ObjectArrived(asset_id=asset))

    known: dict[str, Callable[[], Awaitable[object]]] = {
        "complete": lambda: uploads.complete(world, owner, asset),
        "notification": lambda: notify(world.database, notification(new)),
        "sweeper": sweeper,
    }
    await asyncio.gather(*(known[way]() for way in ways))


@pytest.mark.promises("R19")
@pytest.mark.parametrize("way", ["complete", "notification"])
async def test_one_word_of_the_bytes_is_enough(world: World, way: str) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, a_jpeg(1, SMALL))
    await tell(world, owner, asset, {way})
    async with running(world):
        assert await ended(world, asset) == ["ready"]


async def races(world: World, number: int) -> None:
    owner = await a_user(world)
    made = [await an_upload(world, owner, a_jpeg(seed, SMALL)) for seed in range(number)]
    async with running(world):
        await asyncio.gather(*(tell(world, owner, asset, {"complete", "notification", "sweeper"}) for asset in made))
        assert set(await ended(world, *made, within_s=240)) == {"ready"}
        await quiet(world, within_s=120)
    assert await count(world, "SELECT count(*) FROM pipeline_steps") == 5 * number
    assert await count(world, "SELECT max(attempts) FROM pipeline_steps") == 1, "each step worked once"
    await all_is_well(world)


@pytest.mark.promises("R20")
async def test_three_words_of_the_same_bytes_are_one_processing(world: World) -> None:
    await races(world, 4)


@pytest.mark.faults
@pytest.mark.promises("R20")
async def test_a_hundred_times_three_words_are_a_hundred_processings(world: World) -> None:
    await races(world, 100)


# R22

Moment = tuple[str, str]
MOMENTS = [
    (step, when) for step in ("ingest", "thumbnail", "embed", "moderate", "index") for when in ("before", "after")
]


def deleting(world: World, at: Mapping[AssetId, Moment]) -> dict[str, Step]:
    """The steps, in the midst of which people delete."""

    async def people_delete(asset: Asset, moment: Moment) -> None:
        if at.get(asset.id) == moment:
            async with world.database.transaction() as tx:
                await upkeep.delete(tx, asset.id)

    def around(step: Step) -> Step:
        async def work(asset: Asset, *given: Any) -> Any:
            await people_delete(asset, (step.name, "before"))
            result = await step.work(asset, *given)
            await people_delete(asset, (step.name, "after"))
            return result

        return replace(step, work=work)

    return {name: around(step) if name != "purge" else step for name, step in STEPS.items()}


@asynccontextmanager
async def running_with(world: World, steps: Mapping[str, Step]) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(Runner(world, steps, [*ANSWERS, *WORKS], slots=6).run()),
        asyncio.create_task(keep_relaying(world.database)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def deleted_at_every_stage(world: World, late: int) -> None:
    owner = await a_user(world)
    made = [await an_upload(world, owner, a_jpeg(seed, SMALL)) for seed in range(len(MOMENTS))]
    at = dict(zip(made, MOMENTS, strict=True))
    async with running_with(world, deleting(world, at)):
        for asset in made:
            await uploads.complete(world, owner, asset)
        assert set(await ended(world, *made, within_s=60)) == {"gone"}
        await quiet(world)
    for step, fact in await said(world):
        for _ in range(late):
            assert (await answer(STEPS[step], fact, world)).status in (200, 204)
    for asset in made:
        assert await left_of(world, asset) == {}, at[asset]
        assert await state_of(world, asset) == "gone"
    assert await count(world, "SELECT count(*) FROM tombstones") == len(made)
    await all_is_well(world)


@pytest.mark.promises("R22", "O4")
async def test_a_delete_at_any_stage_leaves_nothing_and_late_duplicates_bring_nothing_back(world: World) -> None:
    await deleted_at_every_stage(world, 2)


@pytest.mark.faults
@pytest.mark.promises("R22", "O4")
async def test_twenty_late_duplicates_bring_nothing_back(world: World) -> None:
    await deleted_at_every_stage(world, 20)
