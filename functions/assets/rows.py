"""The SQL of assets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from functions.assets.contract import Change, ChangeAsset, ListAssets
from functions.core.catalog import read
from functions.core.catalog.facets import Facets, counted
from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound
from functions.core.filters import All, Clause, Is
from functions.core.ids import AssetId, UserId
from functions.core.postgres import tags
from functions.core.postgres.assets import refresh_words
from functions.core.postgres.where import FROM, Sql
from functions.core.tx import Tx
from functions.core.tx import one as one_row
from functions.core.tx import rows as all_rows
from functions.core.visibility import Viewer

CURSOR = "assets"
"""Whose cursors are whose: one of another list is refused where it is opened."""
PLAIN = ("title", "description", "alt", "visibility", "licence", "rating")


class Place(NamedTuple):
    """Where a page ended, and how many there were until then."""

    at: datetime
    id: UUID
    seen: int


async def page(tx: Tx, viewer: Viewer, clause: Clause, asked: ListAssets, after: Place | None) -> list[DictRow]:
    """A page and one row more, by which the caller knows that there is another."""
    newest = asked.sort == "-createdAt"
    more, values = _narrowed(asked)
    if after:
        more += f" AND (a.created_at, a.id) {'<' if newest else '>'} (%s, %s)"
        values += [after.at, after.id]
    order = "DESC" if newest else "ASC"
    tail = f"ORDER BY a.created_at {order}, a.id {order} LIMIT {asked.limit + 1}"
    return await read.select(tx, viewer, clause, more, values, tail)


async def facets(tx: Tx, viewer: Viewer, clause: Clause, asked: ListAssets) -> Facets:
    """What the whole list is made of."""
    more, values = _narrowed(asked)
    return await counted(tx, viewer, clause, asked.facets, more, values)


def _narrowed(asked: ListAssets) -> Sql:
    """What a list asks for beside its filters: without `owner` only what is ready."""
    state = asked.state or (None if asked.owner else "ready")
    parts = [("a.state = %s", state), ("a.id = ANY(%s)", asked.id)]
    return " AND ".join(sql for sql, value in parts if value) or "true", [value for _, value in parts if value]


def place(row: DictRow, seen: int) -> dict[str, object]:
    """Where a page ended, for a cursor."""
    return {"at": row["created_at"].isoformat(), "id": str(row["id"]), "n": seen}


def place_of(cursor: Mapping[str, object]) -> Place:
    """Where the page before ended."""
    return Place(datetime.fromisoformat(str(cursor["at"])), UUID(str(cursor["id"])), int(str(cursor["n"])))


async def revision(tx: Tx, asset: UUID) -> int:
    """The revision of the editable fields."""
    row = await one_row(tx, "SELECT revision FROM assets WHERE id = %s", asset)
    if row is None:
        raise NotFound
    number: int = row["revision"]
    return number


async def visibilities(tx: Tx, owner: UUID | None, assets: Sequence[AssetId]) -> dict[str, str]:
    """Who else may see each of an owner's, as it is now, by their ids as text."""
    found = await all_rows(
        tx, "SELECT id::text, visibility FROM assets WHERE owner = %s AND id = ANY(%s)", owner, list(assets)
    )
    return {row["id"]: row["visibility"] for row in found}


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
        await tags.replace(tx, asset, wanted.tags)
    await refresh_words(tx, asset)


async def lock_all(tx: Tx, owner: UserId, assets: Sequence[UUID]) -> list[AssetId]:
    """Those that are this owner's, and alive, by id; locked in that order, so that no two can wait for each other."""
    found = await all_rows(
        tx, "SELECT id FROM assets WHERE owner = %s AND id = ANY(%s) AND state <> 'deleting' ORDER BY id FOR NO KEY UPDATE",
        owner, list(assets),
    )  # fmt: skip
    return [AssetId(row["id"]) for row in found]


async def change_all(tx: Tx, assets: Sequence[AssetId], change: Change) -> None:
    """Write one change to all of the assets."""
    given = {"visibility": change.visibility} if change.visibility else {}
    sets = "".join(f"{name} = %s, " for name in given)
    if change.trash or change.restore:
        sets += f"trashed_at = {'coalesce(trashed_at, now())' if change.trash else 'NULL'}, "
    await tx.execute(
        f"UPDATE assets SET {sets} revision = revision + %s, updated_at = now() WHERE id = ANY(%s)",
        [*given.values(), int(change.edits), list(assets)],
    )
    if change.add_tags or change.remove_tags:
        await tags.remove(tx, assets, change.remove_tags)
        await tags.add(tx, assets, change.add_tags)
        await refresh_words(tx, *assets)


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
