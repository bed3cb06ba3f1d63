"""Requests that may come again: one of the same key is carried out, the others get its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from functions.core.errors import IdempotencyInProgress, IdempotencyMismatch
from functions.core.ids import UserId
from functions.core.tx import Tx, one

LEASE: Final = timedelta(minutes=1)
"""How long nobody else carries it out, should the process die that does."""
FORGET: Final = (
    "DELETE FROM idempotency_keys WHERE expires_at < now()",
    """
    DELETE FROM idempotency_keys k USING (
        SELECT user_id, key, row_number() OVER (PARTITION BY user_id ORDER BY expires_at DESC) AS place FROM idempotency_keys
    ) old WHERE place > 10000 AND (k.user_id, k.key) = (old.user_id, old.key)
    """,
    """
    DELETE FROM idempotency_keys k USING (
        SELECT user_id, key, sum(octet_length(body)) OVER (PARTITION BY user_id ORDER BY expires_at DESC, key) AS bytes
        FROM idempotency_keys WHERE status IS NOT NULL
    ) old WHERE bytes > 5000000 AND (k.user_id, k.key) = (old.user_id, old.key)
    """,
)
"""When their time is over; whoever sends keys without end keeps the newest, and 5 MB of answers."""
CLAIM: Final = """
INSERT INTO idempotency_keys AS k (user_id, key, request, token, lease_until, expires_at)
VALUES (%s, %s, %s, %s, now() + %s, now() + %s)
ON CONFLICT (user_id, key) DO UPDATE SET request = excluded.request, token = excluded.token,
    lease_until = excluded.lease_until, expires_at = excluded.expires_at, status = NULL, headers = NULL, body = NULL
WHERE k.expires_at < now() OR (k.status IS NULL AND k.lease_until < now() AND k.request = excluded.request)
RETURNING token
"""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request under a key; `digest` is the SHA-256 of everything that makes it this request."""

    user: UserId
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What the first one was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def claim(tx: Tx, asked: Repeatable, kept: timedelta) -> UUID | Answered:
    """The token to carry it out with, or the answer there is.

    Raises IdempotencyMismatch when the key was used for another request, IdempotencyInProgress while one is carried out.
    """
    token = uuid4()
    if await one(tx, CLAIM, asked.user, asked.key, asked.digest, token, LEASE, kept):
        return token
    row = await one(
        tx, "SELECT request, status, headers, body FROM idempotency_keys WHERE (user_id, key) = (%s, %s)",
        asked.user, asked.key,
    )  # fmt: skip
    if row and row["request"] != asked.digest:
        raise IdempotencyMismatch
    if row is None or row["status"] is None:
        raise IdempotencyInProgress(retry_after=1)
    return Answered(row["status"], row["headers"], row["body"])


async def keep(tx: Tx, asked: Repeatable, token: UUID, answered: Answered) -> None:
    """Keep the answer for those that come again."""
    await tx.execute(
        "UPDATE idempotency_keys SET status = %s, headers = %s, body = %s WHERE (user_id, key, token) = (%s, %s, %s)",
        [answered.status, Jsonb(dict(answered.headers)), answered.body, asked.user, asked.key, token],
    )


async def let_go(tx: Tx, asked: Repeatable, token: UUID) -> None:
    """Nothing was done that must not be done again: the key is free."""
    await tx.execute(
        "DELETE FROM idempotency_keys WHERE (user_id, key, token) = (%s, %s, %s)", [asked.user, asked.key, token]
    )
