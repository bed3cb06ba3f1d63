"""What the functions ask of the world. One adapter per technology stands behind each port; wire.py picks it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from functions.core.filters import Clause
from functions.core.ids import AssetId

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store knows about one object, without its bytes."""

    key: str
    size: int
    content_type: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A presigned POST: the client sends `fields`, then `file`, to `url` before `expires_at`."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


class Objects(Protocol):
    """Whole objects by key; writes replace and are durable on return, reads of a missing key raise NotFound(key=…)."""

    async def read(self, key: str) -> bytes:
        """All bytes of one object."""

    def chunks(self, key: str, size: int = 1 << 18) -> AsyncIterator[bytes]:
        """The bytes of one object in pieces of at most `size`."""

    async def write(self, key: str, data: bytes, content_type: str) -> None:
        """Put one object in place, whole or not at all."""

    async def copy(self, source: str, target: str) -> None:
        """Put the bytes and type of `source` at `target`."""

    async def stat(self, key: str) -> StoredObject:
        """Size, type and time of one object."""

    async def delete(self, key: str) -> None:
        """Remove one object; a missing one is fine."""

    def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Every object below a prefix, in the order of their keys."""

    async def presign_post(self, asset: AssetId, content_type: str, size: int, sha256: bytes) -> UploadForm:
        """A form that accepts exactly these bytes at `incoming/{asset}`, for ten minutes."""

    async def sweep_temp(self, older_than_s: float) -> int:
        """Remove unfinished writes that nobody has touched for so long; says how many there were."""

    async def check(self) -> None:
        """Raise Unavailable when the store cannot take an object now."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoded picture made by us, free of any metadata."""

    variant: str
    width: int
    height: int
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that one decode of an original gives."""

    width: int
    height: int
    renditions: tuple[Rendition, ...]
    thumbhash: bytes
    colors: tuple[str, ...]
    """Dominant colours as #rrggbb, the strongest first."""
    phash: int
    """64-bit perceptual hash, unsigned."""
    exif: Mapping[str, object]
    ai: Mapping[str, object]


class Pictures(Protocol):
    """Decodes strangers' bytes in a limited child; refuses with an error of the Rejected family."""

    async def preview(self, data: bytes, content_type: str) -> Preview:
        """Renditions, hashes and metadata of one original, from one decode."""

    async def query(self, data: bytes) -> bytes:
        """A small clean WebP of an example picture, for the embedder only."""

    async def close(self) -> None:
        """End the children."""


class Embedder(Protocol):
    """Pictures and words as unit vectors of one space; thread-safe, without the GIL while it computes."""

    @property
    def model_id(self) -> str:
        """Names the space: vectors of two models never meet."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def embed_images(self, pictures: Sequence[bytes]) -> Vector:
        """Encoded renditions of our own -> float32 of shape (n, dim), unit rows."""

    def embed_texts(self, texts: Sequence[str]) -> Vector:
        """Words -> float32 of shape (n, dim), unit rows."""

    def score_text(self, cosine: float) -> float:
        """Likeness of a text and a picture, calibrated to 0..1."""

    def score_image(self, cosine: float) -> float:
        """Likeness of two pictures, calibrated to 0..1."""


@dataclass(frozen=True, slots=True)
class Point:
    """One vector with what filters may look at; `payload` holds only fields named in filters.FIELDS."""

    id: AssetId
    vector: Vector
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Scored:
    """One neighbour: its id and the cosine."""

    id: AssetId
    cosine: float


class Vectors(Protocol):
    """Points of one model by asset id; a rebuildable cache, never the authority."""

    @property
    def needs_rebuild(self) -> bool:
        """Whether points are missing because the whole index is to be built anew from the rows."""

    async def upsert(self, points: Sequence[Point]) -> None:
        """Put points in place; applied on return."""

    async def delete(self, ids: Sequence[AssetId]) -> None:
        """Remove points; missing ones are fine."""

    async def nearest(self, vector: Vector, where: Clause, limit: int) -> list[Scored]:
        """The `limit` nearest points that satisfy `where`, best first."""

    async def fetch(self, ids: Sequence[AssetId]) -> Mapping[AssetId, Vector]:
        """The vectors of those points that are there."""

    async def ids(self) -> set[UUID]:
        """Every point there is, for audit and repair."""

    async def count(self) -> int:
        """How many points there are."""

    async def close(self) -> None:
        """Flush and let go of the files."""
