"""What happened to assets: written by whoever changes them, and visible in the order of its numbers."""

import asyncio
import hashlib
import random

import pytest

from functions.core.ids import AssetId, UserId, uuid7
from functions.core.postgres import asset_changes
from functions.core.postgres.asset_changes import Change, Span
from functions.core.runtime.run import World
from functions.core.tx import Database, Tx
from functions.housekeeping import rows as housekeeping
from tests.support.images import a_png
from tests.support.worlds import a_ready_asset, a_user


async def an_asset(tx: Tx, owner: UserId) -> AssetId:
    asset = AssetId(uuid7())
    await tx.execute(
        "INSERT INTO assets (id, owner, state, name, declared_type, size, sha256, form_expires_at)"
        " VALUES (%s, %s, 'new', 'a.png', 'image/png', 1, %s, now())",
        [asset, owner, hashlib.sha256(asset.bytes).digest()],
    )
    return asset


async def seen(database: Database, owner: UserId, after: int = 0) -> list[Change]:
    async with database.transaction() as tx:
        return await asset_changes.after(tx, owner, after, 10_000)


async def test_every_change_that_people_see_is_noted_whoever_makes_it(world: World) -> None:
    owner = await a_user(world)
    async with world.database.transaction() as tx:
        asset = await an_asset(tx, owner)
    for change in (
        "state = 'uploaded'", "updated_at = now(), title = 'x', change = change + 1", "moderation = 'restricted'",
        "trashed_at = now()", "trashed_at = now() + interval '1 s'", "trashed_at = NULL",
        "state = 'failed', reason = 'internal_error'",
    ):  # fmt: skip
        async with world.database.transaction() as tx:
            await tx.execute(f"UPDATE assets SET {change} WHERE id = %s".encode(), [asset])
    async with world.database.transaction() as tx:
        await tx.execute("DELETE FROM assets WHERE id = %s", [asset])
    told = [(each.state, each.moderation, each.trashed, each.reason) for each in await seen(world.database, owner)]
    assert told == [
        ("new", "pending", False, None), ("uploaded", "pending", False, None), ("uploaded", "restricted", False, None),
        ("uploaded", "restricted", True, None), ("uploaded", "restricted", False, None),
        ("failed", "restricted", False, "internal_error"), ("deleted", "restricted", False, "internal_error"),
    ]  # fmt: skip


async def test_what_is_rolled_back_is_not_noted(world: World) -> None:
    owner = await a_user(world)

    async def given_up() -> None:
        async with world.database.transaction() as tx:
            await an_asset(tx, owner)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await given_up()
    assert await seen(world.database, owner) == []


@pytest.mark.promises("R37")
async def test_the_way_from_uploaded_to_ready_can_be_measured(world: World) -> None:
    owner = await a_user(world)
    await a_ready_asset(world, owner, a_png(1, (64, 48)))
    changes = await seen(world.database, owner)
    assert [each.state for each in changes if each.moderation == "pending"][:2] == ["new", "uploaded"]
    assert changes[-1].state == "ready"
    assert changes[-1].moderation == "approved"
    async with world.database.transaction() as tx:
        row = await (await tx.execute(
            "SELECT extract(epoch FROM max(at) FILTER (WHERE state = 'ready') - min(at) FILTER (WHERE state = 'uploaded'))"
            "::float AS lag_s FROM asset_change WHERE owner = %s", [owner])).fetchone()  # fmt: skip
    assert row
    assert 0 < row["lag_s"] < 30


async def test_a_transaction_that_commits_late_is_not_missed_and_holds_nobody_up(world: World) -> None:
    owner = await a_user(world)
    async with world.database.transaction() as late:
        first = await an_asset(late, owner)
        async with asyncio.timeout(2), world.database.transaction() as early:
            second = await an_asset(early, owner)
        [told] = await seen(world.database, owner)
        assert told.asset_id == second
    [more] = await seen(world.database, owner, told.id)
    assert more.asset_id == first


async def test_a_reader_who_follows_the_numbers_sees_each_change_once_while_many_write(world: World) -> None:
    owners = [await a_user(world) for _ in range(3)]
    writers, commits, each = 8, 12, 3

    async def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(commits):
            async with world.database.transaction() as tx:
                for _ in range(each):
                    await an_asset(tx, chance.choice(owners))
                    await asyncio.sleep(0)  # let others in between

    async def follow(owner: UserId) -> list[int]:
        found: list[int] = []
        while True:
            over = writing.done()
            news = [change.id for change in await seen(world.database, owner, found[-1] if found else 0)]
            found += news
            if over and not news:
                return found

    writing = asyncio.gather(*(write(seed) for seed in range(writers)))
    followed = await asyncio.gather(*(follow(owner) for owner in owners))
    await writing
    told = [[change.id for change in await seen(world.database, owner)] for owner in owners]
    assert followed == told
    assert sum(map(len, told)) == writers * commits * each


async def test_what_is_older_than_a_week_goes_and_readers_from_before_are_known(world: World) -> None:
    owner = await a_user(world)
    for _ in range(4):
        async with world.database.transaction() as tx:
            await an_asset(tx, owner)
    ids = [change.id for change in await seen(world.database, owner)]
    async with world.database.transaction() as tx:
        await tx.execute("UPDATE asset_change SET at = now() - interval '8 days' WHERE id <= %s", [ids[2]])
        await housekeeping.forget(tx)
        kept = await asset_changes.span(tx)
    assert kept == Span(ids[2], ids[3])
    assert [kept.follows(number) for number in (ids[0], ids[1], ids[2], ids[3], ids[3] + 1)] == [
        False, True, True, True, False,
    ]  # fmt: skip


async def test_who_is_gone_leaves_nothing_here(world: World) -> None:
    owner = await a_user(world)
    async with world.database.transaction() as tx:
        await an_asset(tx, owner)
    async with world.database.transaction() as tx:
        await tx.execute("DELETE FROM assets WHERE owner = %s", [owner])
    async with world.database.transaction() as tx:
        await tx.execute("DELETE FROM users WHERE id = %s", [owner])
    assert await seen(world.database, owner) == []
