"""How much waits, since when, and what was given up: the numbers by which an operator is woken."""

from dataclasses import dataclass

from functions.core.tx import Tx, one, rows


@dataclass(frozen=True, slots=True)
class Queue:
    """What is on its way to one group; ages are in seconds."""

    group: str
    depth: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at the rows."""

    queues: list[Queue]
    dead_letters: dict[str, int]
    """By group."""
    outbox: Queue
    assets: dict[str, int]
    """By state, of those that are under way or have failed."""


async def look(tx: Tx) -> Vitals:
    """Everything in four queries that read no ready asset."""
    waiting = await rows(
        tx,
        'SELECT "group", count(*) AS depth, extract(epoch FROM now() - min(created_at))::float AS age_s'
        ' FROM deliveries GROUP BY "group"',
    )
    dead = await rows(tx, 'SELECT "group", count(*) AS n FROM dead_letters GROUP BY "group"')
    unsent = await one(
        tx,
        "SELECT 'outbox' AS group, count(*) AS depth,"
        " coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS age_s"
        " FROM outbox WHERE published_at IS NULL",
    )
    states = await rows(
        tx, "SELECT state, count(*) AS n FROM assets WHERE state NOT IN ('ready', 'rejected', 'expired') GROUP BY state"
    )
    return Vitals(
        [Queue(**row) for row in waiting],
        {row["group"]: row["n"] for row in dead},
        Queue(**(unsent or {})),
        {row["state"]: row["n"] for row in states},
    )
