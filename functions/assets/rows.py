"""The SQL of assets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from functions.assets.contract import ChangeAsset, ListAssets
from functions.core.catalog import read
from functions.core.catalog.read import seen_by
from functions.core.errors import Malformed, NotFound
from functions.core.filters import All, Clause, Is
from functions.core.ids import AssetId, UserId
from functions.core.postgres.assets import refresh_words
from functions.core.postgres.where import FROM
from functions.core.tx import Tx
from functions.core.tx import one as one_row
from functions.core.visibility import Viewer

Place = tuple[datetime, UUID]
PLAIN = ("title", "description", "alt", "visibility", "licence", "rating")


async def page(tx: Tx, viewer: Viewer, clause: Clause, asked: ListAssets, after: Place | None) -> list[DictRow]:
    """A page and one row more, by which the caller knows that there is another."""
    newest = asked.sort == "-createdAt"
    state = asked.state or (None if asked.owner else "ready")
    more = "a.state = %s" if state else "true"
    values: list[object] = [state] if state else []
    if asked.id:
        more += " AND a.id = ANY(%s)"
        values += [asked.id]
    if after:
        more += f" AND (a.created_at, a.id) {'<' if newest else '>'} (%s, %s)"
        values += [*after]
    order = "DESC" if newest else "ASC"
    tail = f"ORDER BY a.created_at {order}, a.id {order} LIMIT {asked.limit + 1}"
    return await read.select(tx, viewer, clause, more, values, tail)


def place(row: DictRow) -> dict[str, object]:
    """Where a page ended, for a cursor."""
    return {"at": row["created_at"].isoformat(), "id": str(row["id"])}


def place_of(cursor: Mapping[str, object]) -> Place:
    """Where the page before ended; raises Malformed for the cursor of something else."""
    try:
        return datetime.fromisoformat(str(cursor["at"])), UUID(str(cursor["id"]))
    except (KeyError, ValueError):
        raise Malformed("this cursor belongs to something else", code="invalid_cursor") from None


async def revision(tx: Tx, asset: UUID) -> int:
    """The revision of the editable fields."""
    row = await one_row(tx, "SELECT revision FROM assets WHERE id = %s", asset)
    if row is None:
        raise NotFound
    number: int = row["revision"]
    return number


async def lock(tx: Tx, owner: UserId, asset: UUID) -> bool:
    """Whether it is this owner's, and alive; locked until the transaction ends."""
    row = await one_row(
        tx,
        "SELECT 1 AS mine FROM assets WHERE id = %s AND owner = %s AND state <> 'deleting' FOR NO KEY UPDATE",
        asset, owner,
    )  # fmt: skip
    return row is not None


async def change(tx: Tx, asset: AssetId, wanted: ChangeAsset) -> None:
    """Write the fields that are given."""
    given: dict[str, Any] = {name: value for name in PLAIN if (value := getattr(wanted, name)) is not None}
    sets = "".join(f"{name} = %s, " for name in given)
    await tx.execute(
        f"UPDATE assets SET {sets} revision = revision + 1, updated_at = now() WHERE id = %s", [*given.values(), asset]
    )
    if wanted.tags is not None:
        await _tag(tx, asset, wanted.tags)
    await refresh_words(tx, asset)


async def _tag(tx: Tx, asset: AssetId, tags: list[str]) -> None:
    await tx.execute("DELETE FROM tags WHERE asset_id = %s", [asset])
    for tag in dict.fromkeys(tags):
        await tx.execute("INSERT INTO tags (asset_id, name, source) VALUES (%s, %s, 'person')", [asset, tag])


async def original(tx: Tx, viewer: Viewer, asset: UUID) -> int:
    """The generation whose original the viewer may read; NotFound otherwise, and before the bytes have come."""
    sql, values = seen_by(viewer, All() if viewer.moderator else Is("owner", (str(viewer.user),)))
    row = await one_row(
        tx, f"SELECT a.generation FROM {FROM} WHERE a.id = %s AND a.state <> 'new' AND {sql}", asset, *values
    )
    if row is None:
        raise NotFound
    generation: int = row["generation"]
    return generation
