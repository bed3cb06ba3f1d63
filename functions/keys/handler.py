"""What people do with their API keys; a key itself can do none of it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.errors import Invalid, TooMany
from functions.core.identity.api_keys import new_key
from functions.core.ids import UserId
from functions.core.postgres import audit_log
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.keys import rows
from functions.keys.contract import CreateKey, KeyOut, KeysOut, NewKeyOut, RenameKey

MOST_KEYS: Final = 50
LIFE: Final = timedelta(days=90)
LONGEST_LIFE: Final = timedelta(days=366)
"""A year from today, whichever year it is."""


async def every(world: World, user: UserId) -> KeysOut:
    """The caller's keys."""
    async with world.database.transaction() as tx:
        return KeysOut(items=[KeyOut(**row) for row in await rows.every(tx, user)])


async def create(world: World, user: UserId, wanted: CreateKey) -> NewKeyOut:
    """A new key; raises TooMany when the caller has as many as there may be, Invalid for an end that cannot be."""
    until, key = _until(wanted.expires_at), new_key()
    async with world.database.transaction() as tx:
        if await rows.count(tx, user) >= MOST_KEYS:
            raise TooMany("revoke a key first, one that has expired for instance", limit=MOST_KEYS)
        row = await rows.add(tx, user, wanted, key, until)
        await audit_log.note(tx, user, "key.created", f"key:{row['id']}", after=_facts(row))
    return NewKeyOut(**row, key=key)


async def rename(world: World, user: UserId, key: UUID, wanted: RenameKey) -> KeyOut:
    """Another name; raises NotFound for a key that is not the caller's."""
    async with world.database.transaction() as tx:
        row = await rows.rename(tx, user, key, wanted.name)
        await audit_log.note(tx, user, "key.renamed", f"key:{key}", after={"name": row["name"]})
    return KeyOut(**row)


async def revoke(world: World, user: UserId, key: UUID) -> bytes:
    """Works no more, within five seconds, at once where its hash, which is returned, is forgotten.

    Raises NotFound for a key that is not the caller's.
    """
    async with world.database.transaction() as tx:
        row = await rows.remove(tx, user, key)
        await audit_log.note(tx, user, "key.revoked", f"key:{key}", before=_facts(row))
    hashed: bytes = row["hash"]
    return hashed


def _until(asked: datetime | None) -> datetime:
    now = utcnow()
    until = asked or now + LIFE
    if not now < until <= now + LONGEST_LIFE:
        raise Invalid(
            "expiresAt is ahead, by a year at most", errors=[{"at": ["expiresAt"], "why": "not within a year"}]
        )
    return until


def _facts(row: DictRow) -> dict[str, object]:
    return {"scopes": row["scopes"], "expires_at": row["expires_at"]}
