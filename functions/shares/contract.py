"""What clients ask of share links, and what a link shows."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from functions.core.catalog.contract import AssetOut, Part
from functions.core.catalog.filters import Moment
from functions.core.contract import Time, Title, Wire
from functions.core.times import utcnow

LONGEST_LIFE: Final = timedelta(days=3660)
SHORTEST_PASSWORD: Final = 4
LONGEST_PASSWORD: Final = 256


def _to_come(at: datetime) -> datetime:
    if not timedelta() < at - utcnow() < LONGEST_LIFE:
        raise ValueError("a link expires in the future, within ten years")
    return at


Expiry = Annotated[Moment, AfterValidator(_to_come)]
NewPassword = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]


class ListShares(Part):
    """A page of the caller's links, newest first; those of one thing where it is named."""

    asset_id: UUID | None = None
    collection_id: UUID | None = None


class MakeShare(Wire):
    """A link to an asset or to a collection of one's own."""

    asset_id: UUID | None = None
    collection_id: UUID | None = None
    expires_at: Expiry | None = None
    password: Annotated[NewPassword | None, Field(repr=False)] = None
    name: Title = ""

    @model_validator(mode="after")
    def _one_thing(self) -> "MakeShare":
        if (self.asset_id is None) == (self.collection_id is None):
            raise ValueError("a link shows either an asset or a collection")
        return self


class ChangeShare(Wire):
    """What of a link its maker may change: what is left out stays, null takes an expiry or a password away."""

    expires_at: Expiry | None = None
    password: Annotated[NewPassword | None, Field(repr=False)] = None
    name: Title | None = None


class ShareOut(Wire):
    """A link as its maker sees it; the token was told once, when it was made. `name` is for the maker alone."""

    id: UUID
    asset_id: UUID | None
    collection_id: UUID | None
    name: str
    has_password: bool
    expires_at: Time | None
    created_at: Time


class ShareMadeOut(ShareOut):
    """A new link: this is the only time that its token and address are told."""

    token: str
    url: str


class SharesOut(Wire):
    """A page of links; without `nextCursor` it is the last one."""

    items: list[ShareOut]
    next_cursor: str | None


class Password(Wire):
    """The password of a link."""

    password: Annotated[str, Field(max_length=LONGEST_PASSWORD, repr=False)]


class UnlockOut(Wire):
    """What the next requests to this link show instead of its password, in the header `Share-Unlock`."""

    value: str
    expires_at: Time


class SharedCollectionOut(Wire):
    """What a link tells of its collection."""

    title: str
    description: str


class SharedOut(Wire):
    """What a link shows: an asset, or a page of a collection in its order; without `nextCursor` it is the last one."""

    asset: AssetOut | None = None
    collection: SharedCollectionOut | None = None
    items: list[AssetOut] = []
    next_cursor: str | None = None
    expires_at: Time | None
    unlock: UnlockOut | None = None
