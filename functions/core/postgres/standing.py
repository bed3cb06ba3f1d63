"""Bans: somebody is out in one transaction, and the index hears of it in batches that go on where they ended."""

from typing import Final
from uuid import UUID

from functions.core.ids import AssetId, UserId
from functions.core.postgres import upkeep
from functions.core.tx import Database, Tx, one, rows

BATCH: Final = 200
BEGINNING: Final = UUID(int=0)
BANNED: Final = """
UPDATE users SET banned_at = CASE WHEN %s THEN now() END, told_until = %s
WHERE id = %s AND (banned_at IS NOT NULL) <> %s RETURNING id
"""
# What is on its way is indexed with the ban as it is then.
SHOWN: Final = (
    "SELECT id FROM assets WHERE owner = %s AND id > %s AND state IN ('processed', 'ready') ORDER BY id LIMIT %s"
)
UNTOLD: Final = (
    "SELECT id, told_until FROM users WHERE told_until IS NOT NULL ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
)


async def ban(tx: Tx, user: UserId, *, banned: bool) -> bool:
    """Out, or in again; says whether that is news. `tell_all` is to follow, after the commit."""
    return await one(tx, BANNED, banned, BEGINNING, user, banned) is not None


async def tell_all(database: Database) -> int:
    """Tell the index of the assets of whoever was banned or let in again; says of how many."""
    told = 0
    while True:
        async with database.transaction() as tx:
            batch = await _tell(tx)
        if batch is None:
            return told
        told += batch


async def _tell(tx: Tx) -> int | None:
    """One batch of one person's assets; None when there is nothing left to tell."""
    person = await one(tx, UNTOLD)
    if person is None:
        return None
    found = [AssetId(row["id"]) for row in await rows(tx, SHOWN, person["id"], person["told_until"], BATCH)]
    if found:
        await upkeep.changed(tx, *found)
    last = found[-1] if len(found) == BATCH else None
    await tx.execute("UPDATE users SET told_until = %s WHERE id = %s", [last, person["id"]])
    return len(found)
