"""How often a password may be tried: counted in rows, so that the limit holds for every process together."""

import math
from typing import Final
from uuid import UUID

from functions.core.errors import Limited
from functions.core.tx import Tx, one

MOST_TRIES: Final = 5
MOST_OF_A_NETWORK: Final = 30
"""At all links together: one visitor who guesses at one closes no other to those who sit beside them."""
WINDOW_S: Final = 60
ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
FULL: Final = f"""
SELECT extract(epoch FROM clock_timestamp() - greatest(
    (SELECT at FROM share_tries WHERE share_id = %s ORDER BY at DESC OFFSET {MOST_TRIES - 1} LIMIT 1),
    (SELECT at FROM share_tries WHERE network = %s ORDER BY at DESC OFFSET {MOST_OF_A_NETWORK - 1} LIMIT 1)))::float AS ago
"""
OLD: Final = f"""
DELETE FROM share_tries WHERE id IN (
    SELECT id FROM share_tries WHERE at < clock_timestamp() - interval '{WINDOW_S} s' LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


async def begin(tx: Tx, share: UUID, network: str) -> int:
    """Count a try before it is looked at; raises Limited after five in a minute at this link, or thirty from this network.

    Returns what `forgive` takes back when the password was right, or was never looked at.
    """
    # Links before networks, always: so nobody waits in a circle.
    await tx.execute(ALONE, [f"share {share}"])
    await tx.execute(ALONE, [f"share tries of {network}"])
    await tx.execute(OLD)
    full = await one(tx, FULL, share, network)
    if full and full["ago"] is not None and full["ago"] < WINDOW_S:
        raise Limited("too many tries: wait", retry_after=math.ceil(WINDOW_S - full["ago"]), limit=MOST_TRIES)
    row = await one(tx, "INSERT INTO share_tries (share_id, network) VALUES (%s, %s) RETURNING id", share, network)
    assert row  # noqa: S101 -- narrows: RETURNING gives the row
    return int(row["id"])


async def forgive(tx: Tx, number: int) -> None:
    """A right password counts for nothing, nor does one that nobody had time for."""
    await tx.execute("DELETE FROM share_tries WHERE id = %s", [number])
