"""The audit log: who did what to which thing, appended only, each row chained to the one before."""

import hashlib
from typing import Final
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from functions.core.asked import asked
from functions.core.tx import Tx, one, rows

SALT: Final = """
INSERT INTO actor_salts (user_id, salt) VALUES (%s, uuid_send(gen_random_uuid()))
ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id RETURNING salt
"""
ENTRY: Final = """
INSERT INTO audit_log (actor, action, object, before, after, request_id, network, seq, previous, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, 0, '', '')
"""
BROKEN: Final = """
SELECT seq FROM (
    SELECT seq, previous, lag(hash, 1, ''::bytea) OVER by_seq AS expected, lag(seq, 1, 0::bigint) OVER by_seq AS before_it,
        hash <> audit_hash(entry) AS changed
    FROM audit_log entry WINDOW by_seq AS (ORDER BY seq)
) links WHERE changed OR previous <> expected OR seq <> before_it + 1 ORDER BY seq LIMIT 100
"""


async def note(
    tx: Tx, actor: UUID | None, action: str, thing: str, before: object = None, after: object = None
) -> None:
    """Append one entry in the transaction that does it; last in it, since the next entry waits for its end.

    `action` is `noun.verb` in the past (`asset.deleted`), `thing` what it was done to (`asset:ID`); of `before` and
    `after` only digests are kept. Without an actor the gallery itself did it.
    """
    now = asked.get()
    hashed = await _actor(tx, actor) if actor else None
    await tx.execute(ENTRY, [hashed, action, thing, _digest(before), _digest(after), now.request_id, now.network])


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
    """The newest entries, oldest of them first; of an actor the first digits of their hash."""
    return await rows(
        tx,
        "SELECT * FROM (SELECT seq, at, left(encode(actor, 'hex'), 12) AS actor, action, object, request_id, network"
        " FROM audit_log ORDER BY seq DESC LIMIT %s) newest ORDER BY seq",
        limit,
    )


async def forget(tx: Tx, user: UUID) -> None:
    """Destroy the salt of somebody who leaves: their entries stay, and say no more whose they are."""
    await tx.execute("DELETE FROM actor_salts WHERE user_id = %s", [user])


async def _actor(tx: Tx, user: UUID) -> bytes:
    row = await one(tx, SALT, user)
    assert row  # noqa: S101 -- narrows: RETURNING gives the row
    return hashlib.sha256(row["salt"] + user.bytes).digest()


def _digest(value: object) -> bytes | None:
    if value is None:
        return None
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()
