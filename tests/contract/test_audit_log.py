"""The audit log shows what was changed in it or taken from it, and the role that writes it can do neither."""

import asyncio
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from functions.core.asked import Asked, asked
from functions.core.ids import UserId
from functions.core.postgres import audit_log
from functions.core.postgres.server import OWNER, EmbeddedPostgres
from functions.core.runtime.run import World
from tests.support.runs import read
from tests.support.worlds import a_user

pytestmark = pytest.mark.promises("S70")
SOMEBODY = uuid.uuid4()


async def write(world: World, *things: str) -> None:
    for thing in things:
        async with world.database.transaction() as tx:
            await audit_log.note(tx, SOMEBODY, "asset.deleted", thing, before={"title": "Harbour"})


async def broken(world: World) -> list[int]:
    async with world.database.transaction() as tx:
        return await audit_log.broken(tx)


@contextmanager
def owner_of(cluster: EmbeddedPostgres, url: str) -> Iterator[psycopg.Connection]:
    name = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(cluster.url(OWNER, name), autocommit=True) as connection:
        yield connection


async def test_an_untouched_log_holds_also_when_many_write_at_once(world: World) -> None:
    await asyncio.gather(*[write(world, f"asset:{number}", f"asset:{number}b") for number in range(20)])
    assert [row["seq"] for row in await read(world, "SELECT seq FROM audit_log ORDER BY seq")] == list(range(1, 41))
    assert await broken(world) == []


async def test_an_empty_log_holds(world: World) -> None:
    assert await broken(world) == []


@pytest.mark.parametrize(
    ("harm", "at"),
    [
        ("UPDATE audit_log SET object = 'asset:other' WHERE seq = 2", [2]),
        ("UPDATE audit_log SET at = at + interval '1 second' WHERE seq = 2", [2]),
        ("UPDATE audit_log SET actor = NULL WHERE seq = 3", [3]),
        ("DELETE FROM audit_log WHERE seq = 2", [3]),
        ("DELETE FROM audit_log WHERE seq = 4", [4]),
        ("DELETE FROM audit_log", [1]),
        ("UPDATE audit_log SET object = 'x', hash = '\\x00' WHERE seq = 4", [4, 5]),
    ],
)
async def test_a_changed_or_missing_row_is_named(
    world: World, cluster: EmbeddedPostgres, database_url: str, harm: LiteralString, at: list[int]
) -> None:
    await write(world, "asset:1", "asset:2", "asset:3", "asset:4")
    with owner_of(cluster, database_url) as owner:
        owner.execute(harm)
    assert await broken(world) == at


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE audit_log SET object = ''",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE audit_head SET seq = 0",
    ],
)
async def test_the_role_that_writes_it_cannot_change_it(world: World, harm: LiteralString) -> None:
    await write(world, "asset:1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with world.database.transaction() as tx:
            await tx.execute(harm)


async def test_a_link_is_the_databases_choice_and_not_the_writers(world: World) -> None:
    async with world.database.transaction() as tx:
        await tx.execute(
            sql.SQL(
                "INSERT INTO audit_log (seq, action, object, previous, hash) VALUES (7, 'a.b', 'c', '\\x01', '\\x02')"
            )
        )
    assert await broken(world) == []
    assert [row["seq"] for row in await read(world, "SELECT seq FROM audit_log")] == [1]


async def test_an_entry_knows_its_request_and_no_more_than_the_network(world: World) -> None:
    said = asked.set(Asked("r1", "198.51.100.77"))
    await write(world, "asset:1")
    asked.reset(said)
    [row] = await read(world, "SELECT request_id, network, before, after FROM audit_log")
    assert (row["request_id"], row["network"], len(row["before"]), row["after"]) == ("r1", "198.51.100.0/24", 32, None)


@pytest.mark.promises("S71")
async def test_somebody_who_left_can_no_more_be_recognised(world: World) -> None:
    await write(world, "asset:1", "asset:2")
    async with world.database.transaction() as tx:
        await audit_log.forget(tx, SOMEBODY)
    await write(world, "asset:3")
    actors = [row["actor"] for row in await read(world, "SELECT actor FROM audit_log ORDER BY seq")]
    assert actors[0] == actors[1] != actors[2]
    assert await read(world, "SELECT 1 FROM actor_salts WHERE user_id = %s", SOMEBODY) != []
    assert await broken(world) == []


@pytest.mark.promises("S71")
async def test_without_their_salt_neither_a_person_nor_a_guess_at_what_they_were_called_is_found(world: World) -> None:
    somebody, judge = UserId(uuid.uuid4()), uuid.uuid4()
    async with world.database.transaction() as tx:
        await audit_log.note(tx, somebody, "user.renamed", somebody, "ann", "harbour")
        await audit_log.note(tx, judge, "user.banned", somebody, after="ann")
        named = await audit_log.person(tx, somebody)
        await audit_log.forget(tx, somebody)
        assert await audit_log.person(tx, somebody) != named
    found = await read(world, "SELECT object, before, after, t::text AS text FROM audit_log t")
    assert {row["object"] for row in found} == {named}
    assert str(somebody) not in str(found)
    assert hashlib.sha256(b'"ann"').digest() not in {row[side] for row in found for side in ("before", "after")}


async def test_two_who_judge_each_other_at_once_wait_for_each_other_only_once(world: World) -> None:
    one, other = UserId(uuid.uuid4()), UserId(uuid.uuid4())

    async def ban(actor: UserId, whom: UserId) -> None:
        async with world.database.transaction() as tx:
            await audit_log.note(tx, actor, "user.banned", whom)

    await asyncio.gather(*[ban(*pair) for pair in [(one, other), (other, one)] * 20])
    assert len(await read(world, "SELECT 1 FROM audit_log")) == 40


async def test_people_are_told_by_their_handles_until_they_leave(world: World) -> None:
    somebody = await a_user(world)
    async with world.database.transaction() as tx:
        await audit_log.note(tx, somebody, "session.begun", somebody)
        [row] = await audit_log.latest(tx, 1)
        assert row["handle"] == row["whom"] == f"user-{somebody.hex[-12:]}"
        assert row["object"] == f"user:{row['actor']}"
        await audit_log.forget(tx, somebody)
        [row] = await audit_log.latest(tx, 1)
    assert row["handle"] is row["whom"] is None
