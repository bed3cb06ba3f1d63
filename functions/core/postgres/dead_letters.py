"""Events that were given up: read, delivered once more, or dropped."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from functions.core.postgres import log
from functions.core.tx import Tx, one, rows


@dataclass(frozen=True, slots=True)
class Letter:
    """One event as the group had it when it was given up."""

    id: int
    topic: str
    group: str
    key: str
    message: dict[str, Any]
    error: str
    attempts: int
    created_at: datetime


async def oldest(tx: Tx, limit: int, after: int = 0) -> list[Letter]:
    """The first `limit` letters whose number is higher than `after`."""
    found = await rows(
        tx,
        'SELECT id, topic, "group", key, message, error, attempts, created_at FROM dead_letters'
        " WHERE id > %s ORDER BY id LIMIT %s",
        after, limit,
    )  # fmt: skip
    return [Letter(**row) for row in found]


async def count(tx: Tx) -> int:
    """How many there are."""
    row = await one(tx, "SELECT count(*) AS n FROM dead_letters")
    return int(row["n"]) if row else 0


async def take(tx: Tx, number: int) -> Letter | None:
    """Remove a letter; None when it is not there, or another took it."""
    row = await one(
        tx,
        'DELETE FROM dead_letters WHERE id = %s RETURNING id, topic, "group", key, message, error, attempts, created_at',
        number,
    )
    return Letter(**row) if row else None


async def deliver(tx: Tx, letter: Letter) -> None:
    """To its group once more, as it was, with all its attempts before it."""
    await tx.execute(
        'INSERT INTO deliveries (topic, "group", key, message) VALUES (%s, %s, %s, %s)',
        [letter.topic.removesuffix(".dlq"), letter.group, letter.key, Jsonb(letter.message)],
    )
    await tx.execute(f"NOTIFY {log.CHANNEL}")
