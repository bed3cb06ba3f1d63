"""Collections as people see them: who may see one, and the pages of its assets."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from functions.core.catalog import read
from functions.core.catalog.contract import Page, Part
from functions.core.catalog.read import Desk, seen_by
from functions.core.errors import CursorExpired, NotFound
from functions.core.postgres.where import FROM, Sql
from functions.core.signing import seal, unseal
from functions.core.tx import Tx, one, rows
from functions.core.visibility import Viewer, findable_by

COLLECTIONS: Final = "collections c JOIN users u ON u.id = c.owner"
SEEN: Final = "(c.owner = %s OR (c.visibility = 'public' AND u.banned_at IS NULL))"


def shown_to(viewer: Viewer) -> Sql:
    """Whether somebody may see a collection, as SQL over COLLECTIONS: their own, and public ones of people in good standing."""
    return SEEN, [viewer.user]


async def members(tx: Tx, viewer: Viewer, collection: UUID) -> frozenset[UUID]:
    """What is in a collection, seen or not; NotFound for a collection that the viewer may not see."""
    sql, values = shown_to(viewer)
    row = await one(
        tx,
        "SELECT ARRAY(SELECT asset_id FROM collection_items WHERE collection_id = c.id) AS ids"
        f" FROM {COLLECTIONS} WHERE c.id = %s AND {sql}",
        collection, *values,
    )  # fmt: skip
    if row is None:
        raise NotFound("there is no such collection here")
    return frozenset(row["ids"])


async def items(tx: Tx, desk: Desk, collection: UUID, part: Part) -> Page:
    """A page of a collection that was found for the viewer, in its order: of its assets those that they may see."""
    after = await _place(tx, collection, unseal(desk.media, _list(collection), part.cursor)) if part.cursor else None
    ids = await _ids(tx, desk.viewer, collection, after, part.limit + 1)
    seen = await read.by_ids(tx, desk, ids[: part.limit])
    shown = {UUID(str(asset)): told for asset, told in seen.items()}
    more = len(ids) > part.limit
    return Page(
        items=[shown[asset] for asset in ids[: part.limit] if asset in shown],
        next_cursor=seal(desk.media, _list(collection), {"asset": str(ids[part.limit - 1])}) if more else None,
    )


async def _ids(tx: Tx, viewer: Viewer, collection: UUID, after: int | None, limit: int) -> list[UUID]:
    sql, values = seen_by(viewer, findable_by(viewer))
    found = await rows(
        tx,
        f"SELECT a.id FROM {FROM} JOIN collection_items i ON i.asset_id = a.id WHERE i.collection_id = %s"
        f" AND (%s::bigint IS NULL OR i.position > %s) AND {sql} ORDER BY i.position LIMIT %s",
        collection, after, after, *values, limit,
    )  # fmt: skip
    return [row["id"] for row in found]


def _list(collection: UUID) -> str:
    """Which list a cursor is of; it names an asset, since a position would tell how much lies hidden before it."""
    return f"items:{collection}"


async def _place(tx: Tx, collection: UUID, cursor: Mapping[str, object]) -> int:
    """The position after which to go on; CursorExpired when that item has been taken out."""
    row = await one(
        tx,
        "SELECT position FROM collection_items WHERE collection_id = %s AND asset_id = %s",
        collection,
        cursor["asset"],
    )
    if row is None:
        raise CursorExpired("where the page before ended is nothing any more: begin again")
    place: int = row["position"]
    return place
