"""ingest: the right bytes of the right kind become the original; everything else ends with a reason."""

import hashlib

import pytest

from events.types import AssetRejected, AssetUploaded, ObjectArrived
from functions.core.errors import NotFound
from functions.core.ids import AssetId, uuid7
from functions.core.model import incoming_key, original_key
from functions.core.postgres import upkeep
from functions.core.runtime.answer import Outcome
from functions.core.runtime.run import World
from tests.support.images import a_jpeg, a_png
from tests.support.runs import arrived, keys, left_of, outbox, row, through, write
from tests.support.worlds import a_user, an_upload, state_of

DATA = a_png(1)


async def test_good_bytes_become_the_original_and_leave_quarantine(world: World) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    answer = await arrived(world, asset)
    assert answer.reply is not None
    assert isinstance(answer.reply.fact, AssetUploaded)
    assert await world.ports.objects.read(original_key(asset, 1)) == DATA
    assert await keys(world, asset) == {original_key(asset, 1)}
    now = await row(world, asset)
    assert (now["state"], now["content_type"]) == ("uploaded", "image/png")


async def rejected(world: World, asset: AssetId) -> str:
    """The reason; the quarantine is empty, nothing is kept, and the index hears of it."""
    answer = await arrived(world, asset)
    now = await row(world, asset)
    assert (answer.status, now["state"]) == (204, "rejected")
    assert await keys(world, asset) == set()
    [(topic, event)] = await outbox(world)
    assert isinstance(event.fact, AssetRejected)
    assert (topic, event.fact.reason) == ("assets.processed", now["reason"])
    return str(now["reason"])


@pytest.mark.parametrize(
    ("sent", "reason"),
    [(DATA[:-1] + b"?", "checksum_mismatch"), (DATA[:-1], "size_mismatch"), (DATA + b"?", "size_mismatch")],
)
async def test_other_bytes_than_declared_are_rejected(world: World, sent: bytes, reason: str) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    await world.ports.objects.write(incoming_key(asset), sent, "image/png")
    assert await rejected(world, asset) == reason


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [(DATA, "image/jpeg", "type_mismatch"), (b"<html>no picture", "image/png", "unsupported")],
)
async def test_magic_bytes_decide_what_it_is(world: World, data: bytes, kind: str, reason: str) -> None:
    asset = await an_upload(world, await a_user(world), data, kind=kind)
    assert await rejected(world, asset) == reason


async def test_blocked_bytes_are_rejected(world: World) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    await write(world, "INSERT INTO block_sha256 (sha256) VALUES (%s)", hashlib.sha256(DATA).digest())
    assert await rejected(world, asset) == "blocked"


async def test_word_before_the_bytes_makes_it_come_again(world: World) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    await world.ports.objects.delete(incoming_key(asset))
    early = await arrived(world, asset)
    assert (early.outcome, early.status) == (Outcome.EARLY, 409)
    await world.ports.objects.write(incoming_key(asset), DATA, "image/png")
    assert (await arrived(world, asset)).status == 200


async def test_bytes_that_come_again_later_are_only_removed(world: World) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    await arrived(world, asset)
    await write(world, "UPDATE assets SET state = 'ready' WHERE id = %s", asset)
    before = await row(world, asset)
    await world.ports.objects.write(incoming_key(asset), a_jpeg(2), "image/png")
    assert (await arrived(world, asset)).status in (200, 204)
    assert await row(world, asset) == before
    assert await world.ports.objects.read(original_key(asset, 1)) == DATA
    assert await keys(world, asset) == {original_key(asset, 1)}


@pytest.mark.parametrize(("state", "left"), [("expired", 0), ("rejected", 0), ("failed", 1)])
async def test_bytes_that_come_after_the_end_are_only_removed_unless_they_may_be_tried_again(
    world: World, state: str, left: int
) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    await write(world, "UPDATE assets SET state = %s WHERE id = %s", state, asset)
    assert (await arrived(world, asset)).status == 204
    assert await state_of(world, asset) == state
    assert len(await keys(world, asset)) == left


async def test_bytes_that_come_after_a_purge_are_removed(world: World) -> None:
    asset = await an_upload(world, await a_user(world), DATA)
    async with world.database.transaction() as tx:
        await upkeep.delete(tx, asset)
    (_, event), = await outbox(world)  # fmt: skip
    await through(world, "purge", event.fact)
    await world.ports.objects.write(incoming_key(asset), DATA, "image/png")
    assert (await arrived(world, asset)).status == 204
    assert await left_of(world, asset) == {}


async def test_word_of_an_asset_that_never_was_changes_nothing(world: World) -> None:
    stranger = AssetId(uuid7())
    await world.ports.objects.write(incoming_key(stranger), DATA, "image/png")
    assert (await through(world, "ingest", ObjectArrived(asset_id=stranger))).status == 204
    assert await keys(world, stranger) == {incoming_key(stranger)}, "the sweeper decides about it, by its age"
    with pytest.raises(NotFound):
        await world.ports.objects.read(original_key(stranger, 1))
