"""A sign-in link works once and for ten minutes; a session for thirty days, or until it is ended."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from functions.core.ids import UserId, uuid7
from functions.core.times import utcnow
from functions.core.tx import Database, Tx, rows
from functions.housekeeping.rows import forget
from gateway.local.sessions import (
    create_link,
    create_session,
    end_session,
    redeem_link,
    session_user,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


async def a_user(tx: Tx) -> UserId:
    user = UserId(uuid7())
    await tx.execute(
        "INSERT INTO users (id, issuer, subject, handle, name) VALUES (%s, 'urn:miraveja:local', %s, %s, 'Ada')",
        (user, str(user), f"ada-{user}"),
    )
    return user


async def a_link(database: Database, now: datetime = NOW) -> tuple[UserId, str]:
    async with database.transaction() as tx:
        user = await a_user(tx)
        return user, await create_link(tx, user, now)


async def redeemed(database: Database, token: str, now: datetime = NOW) -> UserId | None:
    async with database.transaction() as tx:
        return await redeem_link(tx, token, now)


@pytest.mark.promises("S15")
async def test_a_link_signs_in_once(database: Database) -> None:
    user, token = await a_link(database)
    assert await redeemed(database, token) == user
    assert await redeemed(database, token) is None


@pytest.mark.promises("S15")
@pytest.mark.parametrize(("age", "works"), [(10 * MINUTE - timedelta(seconds=1), True), (10 * MINUTE, False)])
async def test_a_link_works_for_ten_minutes(database: Database, age: timedelta, works: bool) -> None:
    user, token = await a_link(database)
    assert await redeemed(database, token, NOW + age) == (user if works else None)


@pytest.mark.promises("S15")
async def test_of_many_who_use_a_link_at_once_one_is_signed_in(database: Database) -> None:
    user, token = await a_link(database)
    found = await asyncio.gather(*(redeemed(database, token) for _ in range(8)))
    assert sorted(found, key=str) == sorted([user, *[None] * 7], key=str)


@pytest.mark.promises("S15")
async def test_a_sign_in_that_failed_on_the_way_leaves_the_link_good(database: Database) -> None:
    user, token = await a_link(database)
    with contextlib.suppress(RuntimeError):
        async with database.transaction() as tx:
            await redeem_link(tx, token, NOW)
            raise RuntimeError
    assert await redeemed(database, token) == user


@pytest.mark.parametrize("token", ["", "unknown", "x" * 10_000, "\x00", "\udc80", "' OR 1=1 --"])
async def test_another_text_is_no_link_and_no_session(database: Database, token: str) -> None:
    async with database.transaction() as tx:
        assert await redeem_link(tx, token, NOW) is None
        assert await session_user(tx, token, NOW) is None


@pytest.mark.promises("S15")
@pytest.mark.parametrize(("age", "works"), [(30 * DAY - timedelta(seconds=1), True), (30 * DAY, False)])
async def test_a_session_lasts_thirty_days(database: Database, age: timedelta, works: bool) -> None:
    async with database.transaction() as tx:
        user = await a_user(tx)
        token = await create_session(tx, user, NOW)
        assert await session_user(tx, token, NOW + age) == (user if works else None)


async def test_signing_out_ends_one_session_and_no_other(database: Database) -> None:
    async with database.transaction() as tx:
        user = await a_user(tx)
        one, other = [await create_session(tx, user, NOW) for _ in range(2)]
        await end_session(tx, one)
        await end_session(tx, one)
        assert await session_user(tx, one, NOW) is None
        assert await session_user(tx, other, NOW) == user


@pytest.mark.promises("S15")
async def test_a_link_is_no_session_and_a_session_no_link(database: Database) -> None:
    async with database.transaction() as tx:
        user = await a_user(tx)
        link, session = await create_link(tx, user, NOW), await create_session(tx, user, NOW)
        assert await session_user(tx, link, NOW) is None
        assert await redeem_link(tx, session, NOW) is None


@pytest.mark.promises("S15")
async def test_secrets_are_long_and_only_their_hashes_are_stored(database: Database) -> None:
    async with database.transaction() as tx:
        user = await a_user(tx)
        link, session = await create_link(tx, user, NOW), await create_session(tx, user, NOW)
        stored = str(await rows(tx, "SELECT l::text, s::text FROM local_link l, local_session s"))
    assert (len(link), len(session)) == (22, 43)
    assert link not in stored
    assert session not in stored


async def test_what_a_user_had_goes_with_the_user(database: Database) -> None:
    async with database.transaction() as tx:
        user = await a_user(tx)
        link, session = await create_link(tx, user, NOW), await create_session(tx, user, NOW)
        await tx.execute("DELETE FROM users WHERE id = %s", (user,))
        assert await redeem_link(tx, link, NOW) is None
        assert await session_user(tx, session, NOW) is None


async def test_housekeeping_removes_what_is_over_and_nothing_else(database: Database) -> None:
    now = utcnow()
    async with database.transaction() as tx:
        user = await a_user(tx)
        old, fresh = await create_session(tx, user, now - 31 * DAY), await create_session(tx, user, now)
        link = await create_link(tx, user, now)
        await create_link(tx, user, now - DAY)
        await forget(tx)
        assert await session_user(tx, old, now - 30 * DAY) is None
        assert await session_user(tx, fresh, now) == user
        assert len(await rows(tx, "SELECT FROM local_link WHERE user_id = %s", user)) == 1
        assert await redeem_link(tx, link, now) == user
