"""What each step has taken on: a claim with a lease, committed before the work, and the reply for duplicates."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from functions.core.ids import AssetId
from functions.core.tx import Tx, one


@dataclass(frozen=True, slots=True)
class Entry:
    """Names one piece of work: the same work has the same entry, whoever asks."""

    step: str
    asset_id: AssetId
    generation: int
    mark: str

    @property
    def key(self) -> tuple[str, UUID, int, str]:
        """The primary key."""
        return self.step, self.asset_id, self.generation, self.mark


@dataclass(frozen=True, slots=True)
class Claim:
    """This process works on the entry until the lease ends; `token` fences late writers."""

    entry: Entry
    token: UUID
    attempts: int
    lost: int


@dataclass(frozen=True, slots=True)
class Known:
    """The entry as somebody left it: `done` with its reply, `dead`, or `working` elsewhere."""

    state: str
    reply: dict[str, Any] | None
    error: str | None


async def look(tx: Tx, entry: Entry) -> Known | None:
    """What is known of an entry."""
    row = await one(
        tx,
        "SELECT state, reply, error FROM inbox WHERE (step, asset_id, generation, mark) = (%s, %s, %s, %s)",
        *entry.key,
    )
    return Known(**row) if row else None


async def claim(tx: Tx, entry: Entry, lease_s: float) -> Claim | None:
    """Take an entry on, new or abandoned, and count the attempt; None while another holds it or it is over."""
    token = uuid4()
    row = await one(
        tx,
        """
        INSERT INTO inbox (step, asset_id, generation, mark, state, token, lease_until)
        VALUES (%s, %s, %s, %s, 'working', %s, now() + make_interval(secs => %s))
        ON CONFLICT (step, asset_id, generation, mark) DO UPDATE SET
            token = excluded.token, lease_until = excluded.lease_until, updated_at = now(),
            attempts = inbox.attempts + 1,
            lost = inbox.lost + (inbox.lease_until > '-infinity')::int
        WHERE inbox.state = 'working' AND inbox.lease_until <= now()
        RETURNING attempts, lost
        """,
        *entry.key, token, lease_s,
    )  # fmt: skip
    return Claim(entry, token, row["attempts"], row["lost"]) if row else None


async def hold(tx: Tx, held: Claim) -> bool:
    """Lock the entry until the transaction ends; False when the claim was taken over. Always before the asset's row."""
    row = await one(
        tx,
        "SELECT 1 AS held FROM inbox WHERE (step, asset_id, generation, mark) = (%s, %s, %s, %s) AND token = %s"
        " AND state = 'working' FOR UPDATE",
        *held.entry.key, held.token,
    )  # fmt: skip
    return row is not None


async def renew(tx: Tx, held: Claim, lease_s: float) -> bool:
    """Hold the claim longer; False when it was taken over."""
    row = await one(
        tx,
        "UPDATE inbox SET lease_until = now() + make_interval(secs => %s) WHERE (step, asset_id, generation, mark) ="
        " (%s, %s, %s, %s) AND token = %s AND state = 'working' RETURNING 1 AS held",
        lease_s, *held.entry.key, held.token,
    )  # fmt: skip
    return row is not None


async def release(tx: Tx, held: Claim, error: str, *, counts: bool) -> None:
    """Let go after a failure; one that does not count takes its attempt back."""
    await tx.execute(
        "UPDATE inbox SET lease_until = '-infinity', error = %s, attempts = attempts - %s, updated_at = now()"
        " WHERE (step, asset_id, generation, mark) = (%s, %s, %s, %s) AND token = %s AND state = 'working'",
        [error, int(not counts), *held.entry.key, held.token],
    )


async def finish(tx: Tx, held: Claim, state: str, reply: dict[str, Any] | None, error: str | None = None) -> bool:
    """Close the entry with its reply; False when the claim was lost to another, whose word counts."""
    row = await one(
        tx,
        "UPDATE inbox SET state = %s, reply = %s, error = %s, updated_at = now() WHERE (step, asset_id, generation, mark)"
        " = (%s, %s, %s, %s) AND token = %s AND state = 'working' RETURNING 1 AS held",
        state, Jsonb(reply) if reply else None, error, *held.entry.key, held.token,
    )  # fmt: skip
    return row is not None


async def abandon(tx: Tx, steps: list[str]) -> None:
    """Every claim of these steps is lost: for the only process that works on them, when it starts."""
    await tx.execute(
        "UPDATE inbox SET lease_until = now() WHERE step = ANY(%s) AND state = 'working' AND lease_until > now()",
        [steps],
    )
