"""What events can and cannot do: they carry ids only, and a forged one changes nothing."""

import json
from typing import Any

import pytest

from events.envelope import to_json
from events.types import (
    AssetChanged,
    AssetProcessed,
    AssetUploaded,
    Fact,
)
from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset
from functions.core.postgres import log
from functions.core.runtime.run import World
from gateway.local.steps import STEPS
from tests.support.images import a_jpeg
from tests.support.runs import event, keys, read, ready, row, through, write
from tests.support.worlds import a_desk, a_user, ended, quiet, running


def forged(asset: Any, kind: type[Fact], number: int) -> Fact:
    """A fact of a kind with numbers that somebody made up, and what else they would like to say."""
    numbers = {"generation": number, "run": number, "change": number, "reason": "blocked", "model": "m"}
    more = {"owner": "me", "key": "originals/victim", "bucket": "other", "state": "deleting"}
    return kind.model_validate({"asset_id": asset, **numbers, **more})


CONSUMERS = [(step, kind) for step in STEPS.values() for kind in step.consumes]


@pytest.mark.promises("S57")
@pytest.mark.parametrize("number", [0, 1, 2, 2**31 - 1])
async def test_forged_facts_change_nothing(world: World, number: int) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(1)])
    before, objects, points = await row(world, asset), await keys(world, asset), await world.ports.vectors.ids()
    for step, kind in CONSUMERS:
        if (number, kind) != (1, AssetChanged):
            assert (await through(world, step.name, forged(asset, kind, number))).status in (200, 204, 409)
    now = await row(world, asset)
    assert {name: (before[name], now[name]) for name in now if before[name] != now[name]} == {}
    assert await keys(world, asset) == objects
    assert await world.ports.vectors.ids() == points


@pytest.mark.promises("S57")
@pytest.mark.parametrize("kind", [AssetChanged, AssetUploaded, AssetProcessed])
async def test_a_fact_from_the_future_does_not_take_the_place_of_the_true_one(world: World, kind: type[Fact]) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(2)])
    change = (await row(world, asset))["change"]
    for step in ("thumbnail", "index"):
        if kind in STEPS[step].consumes:
            fact = {"asset_id": asset, "generation": 1, "run": 1, "change": change + 1}
            assert (await through(world, step, kind.model_validate(fact))).reply is None
    await write(world, "UPDATE assets SET state = 'failed' WHERE id = %s", asset)
    await assets.retry(world, a_desk(owner), asset)
    async with running(world):
        assert await ended(world, asset) == ["ready"]
        await assets.change(world, a_desk(owner), asset, ChangeAsset(visibility="public"), 1)
        await quiet(world)
    assert (await row(world, asset))["run"] == 1


@pytest.mark.promises("S57")
async def test_a_forged_fact_that_nobody_can_deliver_does_not_fail_its_asset(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(3)])
    await write(world, "UPDATE assets SET state = 'uploaded' WHERE id = %s", asset)
    async with world.database.transaction() as tx:
        await log.append(tx, "assets.uploaded", str(asset), to_json(event(forged(asset, AssetUploaded, 7))))
        await tx.execute("UPDATE deliveries SET waits = 1000")
    async with running(world):
        await quiet(world)
    assert (await row(world, asset))["state"] == "uploaded"
    assert len(await read(world, "SELECT 1 FROM dead_letters")) == 1


@pytest.mark.promises("S60")
async def test_events_carry_ids_and_numbers_only(world: World) -> None:
    owner = await a_user(world, "Secret Name")
    await ready(world, owner, [a_jpeg(4), b"\xff\xd8\xffbroken"], ["secret name.jpg", "secret two.jpg"])
    said = [each["event"] for each in await read(world, "SELECT event FROM outbox")]
    said += [each["reply"] for each in await read(world, "SELECT reply FROM inbox WHERE reply IS NOT NULL")]
    assert {event["type"].split(".")[3] for event in said} >= {
        "arrived",
        "uploaded",
        "previewed",
        "embedded",
        "rejected",
    }
    allowed = {"assetId", "generation", "run", "change", "reason", "model"}
    assert {name for event in said for name in event["data"]} <= allowed
    assert "secret" not in json.dumps(said).lower()
    assert str(owner) not in json.dumps(said)
