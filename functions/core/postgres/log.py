"""The embedded event log: a delivery per event and group, claimed with a lease, in order for one asset.

There is no high-water mark: a transaction that commits late would fall behind it and be missed.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from events.flow import groups_of
from functions.core.tx import Tx, one, rows

CHANNEL = "miraveja_log"
CLAIM_LOCK: Final = 7_155_003
Counted = Literal["attempts", "waits"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one group; `suspect` when a process that had it died or slept beyond its lease."""

    id: int
    topic: str
    group: str
    key: str
    message: dict[str, Any]
    attempts: int
    waits: int
    suspect: bool
    token: UUID


async def append(tx: Tx, topic: str, key: str, message: dict[str, Any]) -> None:
    """Publish: every group of the topic gets its delivery in this transaction."""
    for group in groups_of(topic):
        await tx.execute(
            'INSERT INTO deliveries (topic, "group", key, message) VALUES (%s, %s, %s, %s)',
            [topic, group.name, key, Jsonb(message)],
        )
    await tx.execute(f"NOTIFY {CHANNEL}")


async def claim(tx: Tx, groups: list[str], limit: int, lease_s: float) -> list[Delivery]:
    """Up to `limit` deliveries that are due: never two of one asset at once, nor one before an earlier of its group."""
    await tx.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
    token = uuid4()
    claimed = await rows(
        tx,
        """
        WITH due AS (
            SELECT id, key FROM deliveries d
            WHERE "group" = ANY(%s) AND not_before <= now() AND (lease_until IS NULL OR lease_until <= now())
              AND NOT EXISTS (
                SELECT FROM deliveries e WHERE e.key = d.key AND e.id <> d.id
                AND (e.lease_until > now() OR (e."group" = d."group" AND e.id < d.id)))
            ORDER BY id LIMIT %s
        ), first AS (SELECT DISTINCT ON (key) id FROM due ORDER BY key, id)
        UPDATE deliveries d SET lease_until = now() + make_interval(secs => %s), token = %s,
            suspect = d.suspect OR d.lease_until IS NOT NULL
        FROM first WHERE d.id = first.id
        RETURNING d.id, d.topic, d."group", d.key, d.message, d.attempts, d.waits, d.suspect, d.token
        """,
        groups, limit, lease_s, token,
    )  # fmt: skip
    return sorted((Delivery(**row) for row in claimed), key=lambda delivery: delivery.id)


async def renew(tx: Tx, ids: list[int], lease_s: float) -> None:
    """Hold deliveries longer while their steps work."""
    await tx.execute(
        "UPDATE deliveries SET lease_until = now() + make_interval(secs => %s) WHERE id = ANY(%s) AND lease_until IS NOT NULL",
        [lease_s, ids],
    )


async def done(tx: Tx, delivery: Delivery) -> bool:
    """The group is through with it; False when another took it over."""
    row = await one(tx, "DELETE FROM deliveries WHERE id = %s AND token = %s RETURNING id", delivery.id, delivery.token)
    return row is not None


async def postpone(tx: Tx, delivery: Delivery, delay_s: float, counts: Counted | None) -> None:
    """Give it back for later, counted as an attempt that failed for reasons of its own, as a wait, or not at all."""
    await tx.execute(
        "UPDATE deliveries SET lease_until = NULL, not_before = now() + make_interval(secs => %s),"
        " attempts = attempts + %s, waits = waits + %s WHERE id = %s AND token = %s",
        [delay_s, int(counts == "attempts"), int(counts == "waits"), delivery.id, delivery.token],
    )


async def bury(tx: Tx, delivery: Delivery, error: str) -> None:
    """Move it to the dead letters."""
    if await done(tx, delivery):
        await tx.execute(
            'INSERT INTO dead_letters (topic, "group", key, message, error, attempts) VALUES (%s, %s, %s, %s, %s, %s)',
            [
                f"{delivery.topic}.dlq",
                delivery.group,
                delivery.key,
                Jsonb(delivery.message),
                error,
                delivery.attempts,
            ],
        )


async def abandon(tx: Tx, groups: list[str]) -> None:
    """Every lease of these groups is lost: for their only runner, when it starts."""
    await tx.execute(
        'UPDATE deliveries SET lease_until = NULL, suspect = true WHERE "group" = ANY(%s) AND lease_until IS NOT NULL',
        [groups],
    )


async def due_in(tx: Tx, groups: list[str]) -> float | None:
    """Seconds until the next delivery of these groups comes due; None when none waits."""
    row = await one(
        tx,
        'SELECT extract(epoch FROM min(not_before) - now())::float AS s FROM deliveries WHERE "group" = ANY(%s)'
        " AND (lease_until IS NULL OR lease_until <= now())",
        groups,
    )
    return row["s"] if row else None
