"""The audit log: who did what to which thing, appended only, each row chained to the one before."""

import hashlib
from typing import Final
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from functions.core.asked import asked
from functions.core.ids import UserId
from functions.core.tx import Tx, one, rows

SALT: Final = """
INSERT INTO actor_salts (user_id, salt) VALUES (%s, uuid_send(gen_random_uuid()))
ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id RETURNING salt
"""
ENTRY: Final = """
INSERT INTO audit_log (actor, action, object, before, after, request_id, network, seq, previous, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, 0, '', '')
"""
LATEST: Final = """
WITH known AS (
    SELECT sha256(s.salt || uuid_send(u.id)) AS hash, u.handle FROM actor_salts s JOIN users u ON u.id = s.user_id
), newest AS (SELECT * FROM audit_log ORDER BY seq DESC LIMIT %s)
SELECT n.seq, n.at, left(encode(n.actor, 'hex'), 12) AS actor, who.handle, n.action,
    CASE WHEN n.object LIKE 'user:%%' THEN left(n.object, 17) ELSE n.object END AS object, whom.handle AS whom,
    n.request_id, n.network
FROM newest n LEFT JOIN known who ON who.hash = n.actor
    LEFT JOIN known whom ON 'user:' || encode(whom.hash, 'hex') = n.object
ORDER BY n.seq
"""
BROKEN: Final = """
SELECT seq FROM (
    SELECT seq, previous, lag(hash, 1, ''::bytea) OVER by_seq AS expected, lag(seq, 1, 0::bigint) OVER by_seq AS before_it,
        hash <> audit_hash(entry) AS changed
    FROM audit_log entry WINDOW by_seq AS (ORDER BY seq)
) links WHERE changed OR previous <> expected OR seq <> before_it + 1 ORDER BY seq LIMIT 100
"""


async def note(
    tx: Tx, actor: UUID | None, action: str, thing: str | UserId, before: object = None, after: object = None
) -> None:
    """Append one entry in the transaction that does it; last in it, since the next entry waits for its end.

    `action` is `noun.verb` in the past (`asset.deleted`), `thing` what it was done to (`asset:ID`), a person by their id,
    of whom the same hash is kept as of an actor. Of `before` and `after` only digests are kept, salted by the person whom
    it is about, so that no guess can be held against them once the salt is gone. Without an actor the gallery itself did it.
    """
    now, whom = asked.get(), None if isinstance(thing, str) else thing
    # Always in this order: so nobody waits in a circle.
    salts = {user: await _salt(tx, user) for user in sorted({user for user in (actor, whom) if user})}
    about = whom or actor
    salt = salts[about] if about else b""
    who = _hash(salts[actor], actor) if actor else None
    said = thing if isinstance(thing, str) else _named(salts[thing], thing)
    digests = [_digest(before, salt), _digest(after, salt)]
    await tx.execute(ENTRY, [who, action, said, *digests, now.request_id, now.network])


async def person(tx: Tx, user: UserId) -> str:
    """How entries name somebody, for as long as their salt is there."""
    return _named(await _salt(tx, user), user)


async def broken(tx: Tx) -> list[int]:
    """The numbers of at most 100 rows where the chain does not hold; the number after the last for a cut end."""
    found = [int(row["seq"]) for row in await rows(tx, BROKEN)]
    last = await one(tx, "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1") or {"seq": 0, "hash": b""}
    head = await one(tx, "SELECT seq, hash FROM audit_head")
    return found if head == last else [*found, int(last["seq"]) + 1]


async def size(tx: Tx) -> int:
    """How many entries there are."""
    row = await one(tx, "SELECT count(*) AS n FROM audit_log")
    return row["n"] if row else 0


async def latest(tx: Tx, limit: int) -> list[DictRow]:
    """The newest entries, oldest of them first; of a person the first digits of their hash, and `handle` and `whom` while
    their salt is there.
    """
    return await rows(tx, LATEST, limit)


async def forget(tx: Tx, user: UUID) -> None:
    """Destroy the salt of somebody who leaves: their entries stay, and say no more whose they are."""
    await tx.execute("DELETE FROM actor_salts WHERE user_id = %s", [user])


async def _salt(tx: Tx, user: UUID) -> bytes:
    row = await one(tx, SALT, user)
    assert row  # noqa: S101 -- narrows: RETURNING gives the row
    salt: bytes = row["salt"]
    return salt


def _hash(salt: bytes, user: UUID) -> bytes:
    return hashlib.sha256(salt + user.bytes).digest()


def _named(salt: bytes, user: UUID) -> str:
    return f"user:{_hash(salt, user).hex()}"


def _digest(value: object, salt: bytes) -> bytes | None:
    if value is None:
        return None
    return hashlib.sha256(salt + orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()
