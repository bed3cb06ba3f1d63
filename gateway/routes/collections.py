"""/v1/collections: ordered sets of assets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from functions.collections import handler
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
from functions.core.catalog.contract import Page, Part
from gateway import etags
from gateway.door import TheAsset, TheDoor, TheViewer, TheWriter
from gateway.etags import IfMatch

router = APIRouter(prefix="/v1/collections", tags=["collections"])
TheCollection = Annotated[UUID, Path(alias="collectionId")]


@router.get("", name="listCollections")
async def page(here: TheDoor, looking: TheViewer, asked: Annotated[ListCollections, Query()]) -> CollectionsOut:
    """A page, newest first; without `owner` every collection the caller may see."""
    return await handler.page(here.world, here.desk(looking), asked)


@router.post("", name="createCollection", status_code=201)
async def create(here: TheDoor, who: TheWriter, wanted: MakeCollection, response: Response) -> CollectionOut:
    """A new collection, private unless said otherwise."""
    made, revision = await handler.make(here.world, here.desk(who.viewer), who.user, wanted)
    etags.tell(response, revision)
    return made


@router.get("/{collectionId}", name="readCollection")
async def read(here: TheDoor, looking: TheViewer, collection: TheCollection, response: Response) -> CollectionOut:
    """One collection; its ETag is the revision of what may be edited, its items left out."""
    found, revision = await handler.one(here.world, here.desk(looking), collection)
    etags.tell(response, revision)
    return found


@router.patch("/{collectionId}", name="changeCollection")
async def change(
    here: TheDoor, who: TheWriter, collection: TheCollection, wanted: ChangeCollection, response: Response,
    if_match: IfMatch = None,
) -> CollectionOut:  # fmt: skip
    """Change the given fields, from the revision that `If-Match` names."""
    seen, desk = etags.revision(if_match), here.desk(who.viewer)
    changed, revision = await handler.change(here.world, desk, who.user, collection, wanted, seen)
    etags.tell(response, revision)
    return changed


@router.delete("/{collectionId}", name="deleteCollection", status_code=204)
async def delete(here: TheDoor, who: TheWriter, collection: TheCollection) -> None:
    """Away with it and its share links; the assets stay."""
    await handler.delete(here.world, who.user, collection)


@router.get("/{collectionId}/items", name="listItems")
async def items(here: TheDoor, looking: TheViewer, collection: TheCollection, asked: Annotated[Part, Query()]) -> Page:
    """A page of its assets in order, as far as the caller may see them."""
    return await handler.items(here.world, here.desk(looking), collection, asked)


@router.post("/{collectionId}/items", name="addItems")
async def add(here: TheDoor, who: TheWriter, collection: TheCollection, wanted: AddItems) -> ItemsChangedOut:
    """Put assets of one's own in, at the end or beside another; what is there already stays where it is."""
    return await handler.add(here.world, who.user, collection, wanted)


@router.post("/{collectionId}/items/remove", name="removeItems")
async def remove(here: TheDoor, who: TheWriter, collection: TheCollection, wanted: RemoveItems) -> ItemsChangedOut:
    """Take assets out; they themselves stay."""
    return await handler.remove(here.world, who.user, collection, wanted)


@router.patch("/{collectionId}/items/{assetId}", name="moveItem", status_code=204)
async def move(here: TheDoor, who: TheWriter, collection: TheCollection, asset_id: TheAsset, wanted: MoveItem) -> None:
    """Put an item right before or right after another."""
    await handler.move(here.world, who.user, collection, asset_id, wanted)


@router.delete("/{collectionId}/items/{assetId}", name="removeItem", status_code=204)
async def remove_one(here: TheDoor, who: TheWriter, collection: TheCollection, asset_id: TheAsset) -> None:
    """Take one asset out; 204 also when it was not in it."""
    await handler.remove(here.world, who.user, collection, RemoveItems(asset_ids=[asset_id]))
