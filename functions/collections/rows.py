"""The SQL of collections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.collections.contract import ChangeCollection, MakeCollection
from functions.core.catalog.collections import COLLECTIONS, shown_to
from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound, TooMany
from functions.core.ids import UserId, uuid7
from functions.core.postgres.where import FROM
from functions.core.tx import Tx, one, rows
from functions.core.visibility import Viewer, findable_by

MOST_COLLECTIONS: Final = 1_000
COLUMNS: Final = """
    c.id, c.owner, u.handle, u.name, c.title, c.description, c.visibility, c.cover, c.revision, c.created_at, c.updated_at
"""
SEEN_ITEMS: Final = f"{FROM} JOIN collection_items i ON i.asset_id = a.id WHERE i.collection_id = c.id"
PLAIN: Final = ("title", "description", "visibility")


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody sees in a collection: how many assets, and which of them stands for it."""

    count: int
    cover: UUID


async def page(tx: Tx, viewer: Viewer, owner: UUID | None, after: UUID | None, limit: int) -> list[DictRow]:
    """Collections that the viewer may see, newest first; ids of version 7 sort by time."""
    sql, values = shown_to(viewer)
    more = [("c.owner = %s", owner), ("c.id < %s", after)]
    given = [(part, value) for part, value in more if value]
    return await rows(
        tx,
        f"SELECT {COLUMNS} FROM {COLLECTIONS} WHERE {' AND '.join([sql, *(part for part, _ in given)])}"
        " ORDER BY c.id DESC LIMIT %s",
        *values, *(value for _, value in given), limit,
    )  # fmt: skip


async def find(tx: Tx, viewer: Viewer, collection: UUID) -> DictRow:
    """One collection; NotFound when it is not there or not for this viewer."""
    sql, values = shown_to(viewer)
    row = await one(tx, f"SELECT {COLUMNS} FROM {COLLECTIONS} WHERE c.id = %s AND {sql}", collection, *values)
    if row is None:
        raise NotFound
    return row


async def looks(tx: Tx, viewer: Viewer, collections: Sequence[UUID]) -> dict[UUID, Look]:
    """What the viewer sees in each: the chosen cover or else the first; nothing of those where they see nothing."""
    sql, values = seen_by(viewer, findable_by(viewer))
    found = await rows(
        tx,
        f"SELECT c.id, (SELECT count(*) FROM {SEEN_ITEMS} AND {sql}) AS count,"
        f" coalesce((SELECT a.id FROM {SEEN_ITEMS} AND i.asset_id = c.cover AND {sql}), first.id) AS cover"
        f" FROM collections c JOIN LATERAL"
        f" (SELECT a.id FROM {SEEN_ITEMS} AND {sql} ORDER BY i.position LIMIT 1) first ON true WHERE c.id = ANY(%s)",
        *values, *values, *values, list(collections),
    )  # fmt: skip
    return {row["id"]: Look(row["count"], row["cover"]) for row in found}


async def make(tx: Tx, owner: UserId, wanted: MakeCollection) -> UUID:
    """A new collection; raises TooMany over MOST_COLLECTIONS, also in a race."""
    await tx.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [owner])
    row = await one(tx, "SELECT count(*) AS there FROM collections WHERE owner = %s", owner)
    if row and row["there"] >= MOST_COLLECTIONS:
        raise TooMany("no more collections", limit=MOST_COLLECTIONS)
    made = uuid7()
    await tx.execute(
        "INSERT INTO collections (id, owner, title, description, visibility) VALUES (%s, %s, %s, %s, %s)",
        [made, owner, wanted.title, wanted.description, wanted.visibility],
    )
    return made


async def change(tx: Tx, collection: UUID, wanted: ChangeCollection) -> None:
    """Write the fields that are given; NotFound for a cover that is not in the collection."""
    given: dict[str, object] = {name: value for name in PLAIN if (value := getattr(wanted, name)) is not None}
    if "cover_asset_id" in wanted.model_fields_set:
        given["cover"] = await _item(tx, collection, wanted.cover_asset_id)
    sets = "".join(f"{name} = %s, " for name in given)
    await tx.execute(
        f"UPDATE collections SET {sets} revision = revision + 1, updated_at = now() WHERE id = %s",
        [*given.values(), collection],
    )


async def _item(tx: Tx, collection: UUID, asset: UUID | None) -> UUID | None:
    if asset and not await one(
        tx, "SELECT 1 AS there FROM collection_items WHERE collection_id = %s AND asset_id = %s", collection, asset
    ):
        raise NotFound("a cover is an asset of its collection")
    return asset


async def delete(tx: Tx, owner: UserId, collection: UUID) -> None:
    """The collection and its links, not its assets; NotFound when it is not this owner's."""
    if not await one(tx, "DELETE FROM collections WHERE id = %s AND owner = %s RETURNING id", collection, owner):
        raise NotFound
