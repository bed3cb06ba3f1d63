"""What clients ask of collections."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, model_validator

from functions.core.catalog.contract import AssetOut, OwnerOut, Part
from functions.core.contract import Description, Time, Title, Wire

MOST_AT_ONCE: Final = 500
Said = Annotated[Title, Field(min_length=1)]
Visibility = Literal["private", "unlisted", "public"]
Some = Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


class ListCollections(Part):
    """A page of collections, newest first."""

    owner: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$", description="`me`, an id or a handle")] | None = None


class MakeCollection(Wire):
    """A new collection, empty."""

    title: Said
    description: Description = ""
    visibility: Visibility = "private"


class ChangeCollection(Wire):
    """What of a collection its owner may change; what is left out stays, a cover of null is the first asset again."""

    title: Said | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    cover_asset_id: UUID | None = None


class AddItems(Wire):
    """Assets to put in, in this order: before or after one that is in it, or at the end."""

    asset_ids: Some
    before: UUID | None = None
    after: UUID | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "AddItems":
        if self.before and self.after:
            raise ValueError("a place is either before or after something")
        return self


class RemoveItems(Wire):
    """Assets to take out; they themselves stay."""

    asset_ids: Some


class MoveItem(Wire):
    """Where an item goes: right before or right after another."""

    before: UUID | None = None
    after: UUID | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "MoveItem":
        if (self.before is None) == (self.after is None):
            raise ValueError("a place is either before or after something")
        return self


class CollectionOut(Wire):
    """A collection; `count` and `cover` are of what the caller may see in it."""

    id: UUID
    owner: OwnerOut
    title: str
    description: str
    visibility: str
    cover: AssetOut | None
    count: int
    created_at: Time
    updated_at: Time


class CollectionsOut(Wire):
    """A page of collections; without `nextCursor` it is the last one."""

    items: list[CollectionOut]
    next_cursor: str | None


class ItemsChangedOut(Wire):
    """How many items came or went."""

    changed: int
