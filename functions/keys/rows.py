"""The SQL of keys; each statement names whose key it is."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.errors import NotFound
from functions.core.identity.api_keys import digest
from functions.core.ids import UserId, uuid7
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows
from functions.keys.contract import CreateKey

TOLD: Final = "id, name, scopes, created_at, expires_at, used_at AS last_used_at"


async def every(tx: Tx, user: UserId) -> list[DictRow]:
    """All keys of a user, newest first."""
    return await all_rows(tx, f"SELECT {TOLD} FROM api_keys WHERE user_id = %s ORDER BY created_at DESC, id DESC", user)


async def count(tx: Tx, user: UserId) -> int:
    """How many keys a user has; their row is locked, so that a race cannot pass a limit."""
    await tx.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [user])
    row = await one(tx, "SELECT count(*) AS n FROM api_keys WHERE user_id = %s", user)
    return int(row["n"]) if row else 0


async def add(tx: Tx, user: UserId, wanted: CreateKey, key: str, until: datetime) -> DictRow:
    """A new key, as the hash of its secret."""
    row = await one(
        tx,
        f"INSERT INTO api_keys (id, user_id, name, scopes, hash, expires_at) VALUES (%s, %s, %s, %s, %s, %s) RETURNING {TOLD}",
        uuid7(), user, wanted.name, wanted.scopes, digest(key), until,
    )  # fmt: skip
    return _there(row)


async def rename(tx: Tx, user: UserId, key: UUID, name: str) -> DictRow:
    """Another name for one of the user's keys; NotFound for any other key."""
    row = await one(
        tx, f"UPDATE api_keys SET name = %s WHERE id = %s AND user_id = %s RETURNING {TOLD}", name, key, user
    )
    return _there(row)


async def remove(tx: Tx, user: UserId, key: UUID) -> DictRow:
    """Away with one of the user's keys, told as it was, with its hash; NotFound for any other key."""
    return _there(
        await one(tx, f"DELETE FROM api_keys WHERE id = %s AND user_id = %s RETURNING {TOLD}, hash", key, user)
    )


def _there(row: DictRow | None) -> DictRow:
    if row is None:
        raise NotFound
    return row
