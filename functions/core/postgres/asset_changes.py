"""What happened to assets, in the order in which it became true; a trigger writes it, live updates read it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from functions.core.ids import UserId
from functions.core.tx import Tx, one, rows

CHANNEL: Final = "miraveja_changes"
"""Each notification names the owner of what has changed."""
FORGET: Final = """
DELETE FROM asset_change
WHERE id < (SELECT id FROM asset_change WHERE at < now() - interval '7 days' ORDER BY at DESC LIMIT 1)
"""
"""After a week; the newest of the old ones stays, to tell where what is kept begins."""


@dataclass(frozen=True, slots=True)
class Change:
    """How an asset stood after a change; `deleted` is the state of one that is no more."""

    id: int
    asset_id: UUID
    state: str
    moderation: str
    trashed: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers that are kept."""

    first: int
    last: int

    def follows(self, seen: int) -> bool:
        """Whether everything after this number is kept; not when that was long ago, or in another life of the database."""
        return self.first - 1 <= seen <= self.last


async def span(tx: Tx) -> Span:
    """What is kept of all owners. Numbers become visible in their order, so that nothing comes in before the last."""
    row = await one(tx, "SELECT coalesce(min(id), 1) AS first, coalesce(max(id), 0) AS last FROM asset_change")
    return Span(**row) if row else Span(1, 0)


async def after(tx: Tx, owner: UserId, seen: int, most: int) -> list[Change]:
    """What happened to one's assets since a number, oldest first."""
    found = await rows(
        tx,
        "SELECT id, asset_id, state, moderation, trashed, reason FROM asset_change"
        " WHERE owner = %s AND id > %s ORDER BY id LIMIT %s",
        owner, seen, most,
    )  # fmt: skip
    return [Change(**row) for row in found]
