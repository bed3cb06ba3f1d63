"""An asset on the wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from functions.core.contract import Time, Wire


class OwnerOut(Wire):
    """Whose asset it is."""

    id: UUID
    handle: str
    name: str


class TagOut(Wire):
    """A tag, who said it, and how sure they are, 0 to 1."""

    name: str
    source: str
    confidence: float


class RenditionOut(Wire):
    """One size of the picture; `url` is signed and good for about a day."""

    variant: str
    width: int
    height: int
    content_type: str
    url: str


class AssetOut(Wire):
    """An asset; times are UTC, sizes in bytes and pixels.

    `name` (of the file), `sha256`, `exif` and `reason` are for its owner and for moderators.
    """

    id: UUID
    owner: OwnerOut
    title: str
    description: str
    alt: str
    state: str
    moderation: str
    reason: str | None
    reason_text: str | None
    width: int | None
    height: int | None
    bytes: int
    content_type: str | None
    name: str | None
    sha256: str | None
    color: str | None
    colors: list[str]
    thumbhash: str | None
    tags: list[TagOut]
    visibility: str
    rating: str
    licence: str
    trashed_at: Time | None
    renditions: list[RenditionOut]
    exif: dict[str, Any] | None
    ai: dict[str, Any]
    created_at: Time
    updated_at: Time


class HitOut(AssetOut):
    """An asset that a search found: likeness 0 to 1, and what it was found by."""

    score: float
    why: list[str]


class Part(Wire):
    """Which part of a list is asked for."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=1024)] | None = None


class Page(Wire):
    """A page of assets; without `nextCursor` it is the last one."""

    items: list[AssetOut]
    next_cursor: str | None
