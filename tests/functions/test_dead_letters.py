"""What was given up can be begun anew or dropped, once, by name, with a line in the audit log."""

import asyncio
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from events.envelope import to_json
from events.types import AssetChanged, AssetDeleted, AssetProcessed, AssetUploaded, Fact
from functions.core.errors import Conflict, NotFound
from functions.core.ids import AssetId
from functions.core.postgres import audit_log, dead_letters, upkeep
from functions.core.runtime.run import World
from functions.housekeeping import letters
from gateway.local.operators import letters as commands
from tests.support.doors import Gallery
from tests.support.images import a_jpeg
from tests.support.runs import count, event, left_of, read, ready, row, said_of, write
from tests.support.worlds import a_user, an_upload, quiet, running, state_of

MALFORMED = {"specversion": "1.0", "type": "org.miraveja.asset.uploaded.v9"}


async def a_letter(world: World, group: str, topic: str, message: dict[str, Any], key: str = "k") -> int:
    """An event that was given up."""
    await write(
        world,
        'INSERT INTO dead_letters (topic, "group", key, message, error, attempts) VALUES (%s, %s, %s, %s, %s, 5)',
        f"{topic}.dlq", group, key, Jsonb(message), "internal_error",
    )  # fmt: skip
    return await count(world, "SELECT max(id) FROM dead_letters")


async def about(world: World, group: str, topic: str, fact: Fact) -> int:
    return await a_letter(world, group, topic, to_json(event(fact)), fact.key)


async def dead(world: World, asset: AssetId, step: str, mark: str) -> None:
    """The inbox remembers that the step gave it up: the same event would only die again."""
    await write(
        world,
        "INSERT INTO inbox (step, asset_id, generation, mark, state, token, lease_until, error) SELECT %s, id, generation,"
        " %s, 'dead', gen_random_uuid(), now(), 'internal_error' FROM assets WHERE id = %s"
        " ON CONFLICT (step, asset_id, generation, mark) DO UPDATE SET state = 'dead', error = excluded.error",
        step, mark, asset,
    )  # fmt: skip


async def noted(world: World) -> list[tuple[str, str]]:
    async with world.database.transaction() as tx:
        assert await audit_log.broken(tx) == []
    return [
        (each["action"], each["object"])
        for each in await read(
            world, "SELECT action, object FROM audit_log WHERE action LIKE 'dead_letter%%' ORDER BY seq"
        )
    ]


async def settled(world: World) -> None:
    async with running(world):
        await quiet(world)


@pytest.mark.promises("O6")
async def test_what_failed_gets_a_new_run_and_becomes_ready(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(1))
    await world.ports.objects.write(f"originals/{asset}/1", a_jpeg(1), "image/jpeg")
    await write(world, "UPDATE assets SET state = 'uploaded', content_type = 'image/jpeg' WHERE id = %s", asset)
    letter = await about(world, "process", "assets.uploaded", await said_of(world, AssetUploaded, asset))
    twin = await about(world, "process", "assets.uploaded", await said_of(world, AssetUploaded, asset))
    await dead(world, asset, "embed", "run:0")
    await write(world, "UPDATE assets SET state = 'failed', reason = 'undeliverable' WHERE id = %s", asset)
    assert await letters.requeue(world.database, letter) == ["retried"]
    assert await letters.requeue(world.database, twin) == ["superseded"]
    assert (await row(world, asset))["run"] == 1
    await settled(world)
    assert await state_of(world, asset) == "ready"
    assert await count(world, "SELECT count(*) FROM dead_letters") == 0
    assert await noted(world) == [("dead_letter.requeued", f"dead_letter:{each}") for each in (letter, twin)]


@pytest.mark.promises("O6")
async def test_a_purge_a_change_and_a_place_in_the_index_are_begun_anew(world: World) -> None:
    hidden, unseen, dying = await ready(world, await a_user(world), [a_jpeg(number) for number in (2, 3, 4)])
    async with world.database.transaction() as tx:
        await upkeep.changed(tx, hidden)
        await upkeep.delete(tx, dying)
        await tx.execute("UPDATE outbox SET published_at = now()")
    change, run = (await row(world, hidden))["change"], (await row(world, unseen))["run"]
    await dead(world, hidden, "index", f"change:{change}")
    await dead(world, unseen, "index", f"run:{run}")
    await dead(world, dying, "purge", "run:0")
    await world.ports.vectors.delete([hidden, unseen])
    for group, topic, kind, asset, became in (
        ("reindex", "assets.changed", AssetChanged, hidden, "changed"),
        ("index", "assets.processed", AssetProcessed, unseen, "reindexed"),
        ("purge", "assets.deleted", AssetDeleted, dying, "purged_again"),
    ):
        assert await letters.requeue(
            world.database, await about(world, group, topic, await said_of(world, kind, asset))
        ) == [became]
    await settled(world)
    assert await world.ports.vectors.ids() == {hidden, unseen}
    assert await left_of(world, dying) == {}
    assert await count(world, "SELECT count(*) FROM dead_letters") == 0


@pytest.mark.promises("O6", "R18")
async def test_what_nobody_could_read_is_tried_as_it_is_and_dies_again_without_holding_others_up(world: World) -> None:
    letter = await a_letter(world, "process", "assets.uploaded", MALFORMED)
    assert await letters.requeue(world.database, letter) == ["delivered"]
    [asset] = await ready(world, await a_user(world), [a_jpeg(5)])
    assert await state_of(world, asset) == "ready"
    [again] = await read(world, "SELECT * FROM dead_letters")
    assert (again["message"], again["error"][:9]) == (MALFORMED, "malformed")


@pytest.mark.promises("O6")
async def test_a_dropped_letter_leaves_what_failed_failed(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(6))
    letter = await about(world, "process", "assets.uploaded", await said_of(world, AssetUploaded, asset))
    await write(world, "UPDATE assets SET state = 'failed', reason = 'undeliverable' WHERE id = %s", asset)
    await letters.drop(world.database, letter)
    assert await state_of(world, asset) == "failed"
    assert await noted(world) == [("dead_letter.dropped", f"dead_letter:{letter}")]
    for act in (letters.drop, letters.requeue):
        with pytest.raises(NotFound):
            await act(world.database, letter)


async def test_a_letter_about_what_has_ended_stays_until_it_is_dropped(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(7))
    letter = await about(world, "process", "assets.uploaded", await said_of(world, AssetUploaded, asset))
    await write(world, "UPDATE assets SET state = 'rejected' WHERE id = %s", asset)
    with pytest.raises(Conflict, match="rejected"):
        await letters.requeue(world.database, letter)
    await write(world, "DELETE FROM assets")
    with pytest.raises(Conflict, match="gone"):
        await letters.requeue(world.database, letter)
    assert await count(world, "SELECT count(*) FROM dead_letters") == 1
    assert await noted(world) == []


async def test_two_operators_take_a_letter_once(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(8))
    letter = await about(world, "process", "assets.uploaded", await said_of(world, AssetUploaded, asset))
    await write(world, "UPDATE assets SET state = 'failed' WHERE id = %s", asset)
    done = await asyncio.gather(*(letters.requeue(world.database, letter) for _ in range(5)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["NotFound"] * 4 + ["list"]
    assert (await row(world, asset))["run"] == 1


async def test_the_command_goes_on_past_what_cannot_be_done(gallery: Gallery) -> None:
    world, here = gallery.world, gallery.door
    kept = [await a_letter(world, "process", "assets.uploaded", MALFORMED) for _ in range(3)]
    told = await commands.told(here, {"limit": 2})
    assert (told["count"], [each["id"] for each in told["letters"]]) == (3, kept[:2])
    assert told["letters"][0] == told["letters"][0] | {
        "topic": "assets.uploaded.dlq", "group": "process", "key": "k", "error": "internal_error", "attempts": 5,
        "event": MALFORMED,
    }  # fmt: skip
    some = await commands.drop(here, {"ids": [kept[0], 987_654_321]})
    assert some == {
        "done": [{"id": kept[0], "became": "dropped"}],
        "problems": [{"id": 987_654_321, "detail": "no dead letter 987654321"}],
    }
    every = await commands.requeue(here, {"ids": [], "all": True})
    assert [each["id"] for each in every["done"]] == kept[1:]
    async with world.database.transaction() as tx:
        assert await dead_letters.count(tx) == 0
    await gallery.do("DELETE FROM deliveries")
