"""Collections: ordered sets of one's assets."""

from collections.abc import Iterable
from uuid import UUID

from functions.collections.contract import (
    AddItems,
    ChangeCollection,
    CollectionOut,
    CollectionsOut,
    ItemsChangedOut,
    MakeCollection,
    MoveItem,
)
from functions.core.catalog.contract import Page
from gateway.client import request
from gateway.client.request import Request, Revised, get, nothing, post, revised, said


def page(owner: str | None = None, limit: int = 50) -> Request[CollectionsOut]:
    """A page of collections, newest first; without `owner` every one that the caller may see."""
    return get("/v1/collections", CollectionsOut, {"owner": owner, "limit": limit})


def make(wanted: MakeCollection) -> Request[CollectionOut]:
    """A new collection."""
    return post("/v1/collections", CollectionOut, wanted, once=True)


def one(collection: UUID | str) -> Request[Revised[CollectionOut]]:
    """One collection and its revision."""
    return Request("GET", f"/v1/collections/{collection}", revised(CollectionOut))


def change(collection: UUID | str, wanted: ChangeCollection, etag: str) -> Request[Revised[CollectionOut]]:
    """Change the fields that are set, from the revision `etag`; Problem 412 when it is another by now."""
    return request.change(f"/v1/collections/{collection}", CollectionOut, wanted, etag)


def delete(collection: UUID | str) -> Request[None]:
    """Away with it; the assets stay."""
    return request.delete(f"/v1/collections/{collection}")


def items(collection: UUID | str, limit: int = 50) -> Request[Page]:
    """A page of its assets in order, as far as the caller may see them."""
    return get(f"/v1/collections/{collection}/items", Page, {"limit": limit})


def add(collection: UUID | str, wanted: AddItems) -> Request[ItemsChangedOut]:
    """Put at most 500 of one's own assets in."""
    return post(f"/v1/collections/{collection}/items", ItemsChangedOut, wanted)


def remove(collection: UUID | str, ids: Iterable[UUID | str]) -> Request[ItemsChangedOut]:
    """Take at most 500 out."""
    body = {"assetIds": [str(asset) for asset in ids]}
    return post(f"/v1/collections/{collection}/items/remove", ItemsChangedOut, body)


def remove_one(collection: UUID | str, asset: UUID | str) -> Request[None]:
    """Take one out."""
    return request.delete(f"/v1/collections/{collection}/items/{asset}")


def move(collection: UUID | str, asset: UUID | str, wanted: MoveItem) -> Request[None]:
    """Put an item right before or right after another."""
    return Request("PATCH", f"/v1/collections/{collection}/items/{asset}", nothing, json=said(wanted))
