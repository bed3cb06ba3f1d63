"""The order of a collection: a number per item with room between, so that a move writes one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound, TooMany
from functions.core.filters import Is
from functions.core.ids import UserId
from functions.core.postgres.where import FROM
from functions.core.tx import Tx, one
from functions.core.visibility import Viewer

MOST_ITEMS: Final = 10_000
GAP: Final = 1 << 32
"""The room between neighbours: 32 moves into the same place before a collection is spread anew."""
ENDS: Final = """
SELECT CASE WHEN %(before)s::uuid IS NOT NULL THEN coalesce(
        (SELECT max(position) FROM collection_items WHERE collection_id = %(id)s AND position < at), at - %(room)s)
    ELSE at END AS low,
    CASE WHEN %(before)s::uuid IS NOT NULL THEN at ELSE coalesce(
        (SELECT min(position) FROM collection_items WHERE collection_id = %(id)s AND position > at), at + %(room)s)
    END AS high
FROM (SELECT CASE WHEN %(beside)s::uuid IS NULL
    THEN (SELECT coalesce(max(position), 0) FROM collection_items WHERE collection_id = %(id)s)
    ELSE (SELECT position FROM collection_items WHERE collection_id = %(id)s AND asset_id = %(beside)s) END AS at) place
WHERE at IS NOT NULL
"""
SPREAD: Final = """
UPDATE collection_items i SET position = spread.place * %(gap)s FROM (
    SELECT asset_id, row_number() OVER (ORDER BY position) AS place FROM collection_items WHERE collection_id = %(id)s
) spread WHERE i.collection_id = %(id)s AND i.asset_id = spread.asset_id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Before or after an item, or at the end."""

    before: UUID | None = None
    after: UUID | None = None


async def lock(tx: Tx, owner: UserId, collection: UUID) -> None:
    """One change of a collection's items at a time, until the transaction ends; NotFound for what is not the owner's."""
    if not await one(
        tx, "UPDATE collections SET updated_at = now() WHERE id = %s AND owner = %s RETURNING id", collection, owner
    ):
        raise NotFound


async def add(tx: Tx, owner: UserId, collection: UUID, assets: Sequence[UUID], place: Place) -> int:
    """Put the owner's assets into a place, in this order, those that are there already stay; says how many came.

    Raises NotFound for an asset that is not theirs, TooMany over MOST_ITEMS; then nothing was put.
    """
    await lock(tx, owner, collection)
    wanted = list(dict.fromkeys(assets))
    await _all_owned(tx, owner, wanted)
    start, step = await _room(tx, collection, place, len(wanted))
    done = await tx.execute(
        "INSERT INTO collection_items (collection_id, asset_id, position)"
        " SELECT %s, asset, %s::bigint + %s * (number - 1) FROM unnest(%s::uuid[]) WITH ORDINALITY new (asset, number)"
        " ON CONFLICT (collection_id, asset_id) DO NOTHING",
        [collection, start, step, wanted],
    )
    row = await one(tx, "SELECT count(*) AS items FROM collection_items WHERE collection_id = %s", collection)
    if row and row["items"] > MOST_ITEMS:
        raise TooMany("a collection holds no more", limit=MOST_ITEMS)
    return done.rowcount


async def move(tx: Tx, owner: UserId, collection: UUID, asset: UUID, place: Place) -> None:
    """Put an item elsewhere; NotFound when it, or what it shall stand beside, is not in the collection."""
    await lock(tx, owner, collection)
    start, _ = await _room(tx, collection, place, 1)
    if not await one(
        tx, "UPDATE collection_items SET position = %s WHERE collection_id = %s AND asset_id = %s RETURNING position",
        start, collection, asset,
    ):  # fmt: skip
        raise NotFound


async def take(tx: Tx, owner: UserId, collection: UUID, assets: Sequence[UUID]) -> int:
    """Take items out; says how many there were."""
    await lock(tx, owner, collection)
    done = await tx.execute(
        "DELETE FROM collection_items WHERE collection_id = %s AND asset_id = ANY(%s)", [collection, list(assets)]
    )
    return done.rowcount


async def _all_owned(tx: Tx, owner: UserId, assets: list[UUID]) -> None:
    sql, values = seen_by(Viewer(owner), Is("owner", (str(owner),)))
    row = await one(tx, f"SELECT count(*) AS owned FROM {FROM} WHERE a.id = ANY(%s) AND {sql}", assets, *values)
    if row is None or row["owned"] != len(assets):
        raise NotFound("not all of these are assets of yours")


async def _room(tx: Tx, collection: UUID, place: Place, wanted: int) -> tuple[int, int]:
    """Where the first of so many goes, and how far apart they are; a place without room gets some first."""
    low, high = await _ends(tx, collection, place, wanted)
    if high - low <= wanted:
        await tx.execute(SPREAD, {"gap": GAP, "id": collection})
        low, high = await _ends(tx, collection, place, wanted)
    step = (high - low) // (wanted + 1)
    return low + step, step


async def _ends(tx: Tx, collection: UUID, place: Place, wanted: int) -> tuple[int, int]:
    """The positions between which there is room; NotFound when what the place is beside is not there."""
    beside = place.before or place.after
    said = {"id": collection, "before": place.before, "beside": beside, "room": GAP * (wanted + 1)}
    row = await (await tx.execute(ENDS, said)).fetchone()
    if row is None:
        raise NotFound("there is no such item to stand beside")
    return row["low"], row["high"]
