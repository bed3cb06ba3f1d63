"""What the rows say of stored pictures when somebody comes with a signed address."""

from dataclasses import dataclass
from typing import Final

from functions.core.filters import Is
from functions.core.postgres.where import FROM, where
from functions.core.signing import Picture
from functions.core.tx import Tx, one
from functions.core.visibility import fit_for_others, others_may_see

IN_STANDING: Final = Is("banned", (False,))
"""Addresses that somebody was given before a ban show nothing any more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A rendition that is there: its content type, whether others than its owner may see it, and whether its owner may."""

    content_type: str
    to_others: bool
    to_owner: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """An original: the file's name as it was sent, the kind we found it to be, and bytes."""

    name: str
    content_type: str
    size: int


async def rendition(tx: Tx, picture: Picture) -> Shown | None:
    """What is known of a rendition, whoever asks; None where there is none, or its share link leads there no more."""
    if picture.share:
        return await _shared(tx, picture)
    (others, values), (owner, bound) = where(others_may_see()), where(IN_STANDING)
    row = await one(
        tx,
        f"SELECT r.content_type, a.state = 'ready' AND {others} AS to_others, {owner} AS to_owner FROM {FROM} JOIN renditions r"
        " ON r.asset_id = a.id AND r.generation = a.generation"
        " WHERE (r.asset_id, r.generation, r.variant) = (%s, %s, %s) AND a.state <> 'deleting'",
        *values, *bound, *picture[:3],
    )  # fmt: skip
    return Shown(**row) if row else None


async def _shared(tx: Tx, picture: Picture) -> Shown | None:
    sql, values = where(fit_for_others())
    row = await one(
        tx,
        f"SELECT r.content_type FROM {FROM} JOIN renditions r ON r.asset_id = a.id AND r.generation = a.generation"
        " JOIN shares s ON s.maker = a.owner AND s.reach = %s AND (s.expires_at IS NULL OR s.expires_at > now())"
        " AND (s.asset_id = a.id OR EXISTS (SELECT FROM collection_items i"
        " WHERE i.asset_id = a.id AND i.collection_id = s.collection_id))"
        f" WHERE (r.asset_id, r.generation, r.variant) = (%s, %s, %s) AND a.state = 'ready' AND {sql}",
        picture.share, *picture[:3], *values,
    )  # fmt: skip
    return Shown(row["content_type"], to_others=True, to_owner=False) if row else None


async def original(tx: Tx, picture: Picture) -> Kept | None:
    """What is known of an original, for whoever holds an address that was signed for it; None where there is none."""
    sql, values = where(IN_STANDING)
    row = await one(
        tx,
        f"SELECT a.name, a.content_type, a.size FROM {FROM} WHERE a.id = %s AND a.generation = %s"
        f" AND a.state <> 'deleting' AND a.content_type IS NOT NULL AND {sql}",
        picture.asset, picture.generation, *values,
    )  # fmt: skip
    return Kept(row["name"], row["content_type"], row["size"]) if row else None
