"""What people do with collections; who may not see one is told that it is not there."""

from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.collections import rows
from functions.collections.contract import (
    AddItems,
    ChangeCollection,
    CollectionOut,
    CollectionsOut,
    ItemsChangedOut,
    ListCollections,
    MakeCollection,
    MoveItem,
    RemoveItems,
)
from functions.core.catalog import collections, order, read
from functions.core.catalog.contract import OwnerOut, Page, Part
from functions.core.catalog.filters import whose
from functions.core.catalog.read import Desk
from functions.core.errors import PreconditionFailed
from functions.core.ids import AssetId, UserId
from functions.core.postgres import audit_log
from functions.core.runtime.run import World
from functions.core.signing import seal, unseal
from functions.core.tx import Tx

CURSOR: Final = "collections"


async def page(world: World, desk: Desk, asked: ListCollections) -> CollectionsOut:
    """Collections that the viewer may see, newest first."""
    after = UUID(str(unseal(desk.media, CURSOR, asked.cursor)["after"])) if asked.cursor else None
    async with world.database.transaction() as tx:
        owner = await whose(tx, desk.viewer, asked.owner) if asked.owner else None
        found = await rows.page(tx, desk.viewer, owner, after, asked.limit + 1)
        items = await _told(tx, desk, found[: asked.limit])
    more = len(found) > asked.limit
    return CollectionsOut(
        items=items, next_cursor=seal(desk.media, CURSOR, {"after": str(items[-1].id)}) if more else None
    )


async def one(world: World, desk: Desk, collection: UUID) -> tuple[CollectionOut, int]:
    """A collection and the revision of its editable fields."""
    async with world.database.transaction() as tx:
        found = await rows.find(tx, desk.viewer, collection)
        return (await _told(tx, desk, [found]))[0], found["revision"]


async def make(world: World, desk: Desk, owner: UserId, wanted: MakeCollection) -> tuple[CollectionOut, int]:
    """A new collection of the caller's."""
    async with world.database.transaction() as tx:
        made = await rows.make(tx, owner, wanted)
    return await one(world, desk, made)


async def change(
    world: World, desk: Desk, owner: UserId, collection: UUID, wanted: ChangeCollection, revision: int
) -> tuple[CollectionOut, int]:
    """Change one's own, from the revision that was seen; raises PreconditionFailed when it is another by now."""
    async with world.database.transaction() as tx:
        await order.lock(tx, owner, collection)
        if (await rows.find(tx, desk.viewer, collection))["revision"] != revision:
            raise PreconditionFailed
        await rows.change(tx, collection, wanted)
    return await one(world, desk, collection)


async def delete(world: World, owner: UserId, collection: UUID) -> None:
    """Away with it, and with the links that share it; its assets stay."""
    async with world.database.transaction() as tx:
        await rows.delete(tx, owner, collection)
        await audit_log.note(tx, owner, "collection.deleted", f"collection:{collection}")


async def items(world: World, desk: Desk, collection: UUID, part: Part) -> Page:
    """A page of its assets in order, as far as the viewer may see them."""
    async with world.database.transaction() as tx:
        await rows.find(tx, desk.viewer, collection)
        return await collections.items(tx, desk, collection, part)


async def add(world: World, owner: UserId, collection: UUID, wanted: AddItems) -> ItemsChangedOut:
    """Put assets in; all of them, or none."""
    async with world.database.transaction() as tx:
        place = order.Place(wanted.before, wanted.after)
        return ItemsChangedOut(changed=await order.add(tx, owner, collection, wanted.asset_ids, place))


async def move(world: World, owner: UserId, collection: UUID, asset: UUID, wanted: MoveItem) -> None:
    """Put an item elsewhere in the order."""
    async with world.database.transaction() as tx:
        await order.move(tx, owner, collection, asset, order.Place(wanted.before, wanted.after))


async def remove(world: World, owner: UserId, collection: UUID, wanted: RemoveItems) -> ItemsChangedOut:
    """Take items out."""
    async with world.database.transaction() as tx:
        return ItemsChangedOut(changed=await order.take(tx, owner, collection, wanted.asset_ids))


async def _told(tx: Tx, desk: Desk, found: list[DictRow]) -> list[CollectionOut]:
    looks = await rows.looks(tx, desk.viewer, [row["id"] for row in found])
    shown = await read.by_ids(tx, desk, [look.cover for look in looks.values()])
    covers = {collection: shown.get(AssetId(look.cover)) for collection, look in looks.items()}
    return [
        CollectionOut.model_construct(
            **{name: row[name] for name in ("id", *rows.PLAIN, "created_at", "updated_at")},
            owner=OwnerOut(id=row["owner"], handle=row["handle"], name=row["name"]), cover=covers.get(row["id"]),
            count=looks[row["id"]].count if row["id"] in looks else 0,
        )
        for row in found
    ]  # fmt: skip
