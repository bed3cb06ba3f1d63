"""The asset and the words that every function uses for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from functions.core.ids import AssetId, UserId


class State(StrEnum):
    """Where an asset is on its way; it only moves forward."""

    NEW = "new"
    UPLOADED = "uploaded"
    PROCESSED = "processed"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"
    DELETING = "deleting"
    DELETED = "deleted"


ENDS: Final = frozenset({State.REJECTED, State.FAILED, State.EXPIRED})
PATH: Final = (State.NEW, State.UPLOADED, State.PROCESSED, State.READY)


class Moderation(StrEnum):
    """The verdict; anything but approved is hidden from others."""

    PENDING = "pending"
    APPROVED = "approved"
    RESTRICTED = "restricted"
    REJECTED = "rejected"


class Visibility(StrEnum):
    """Who else may see an approved asset."""

    PRIVATE = "private"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Variant(StrEnum):
    """Renditions by their longest side in pixels."""

    SMALL = "256"
    MEDIUM = "720"
    LARGE = "1600"


EXTENSIONS: Final[Mapping[str, str]] = {"image/webp": "webp", "image/jpeg": "jpg"}
BUCKET: Final = "miraveja"
"""The one bucket, wherever it is."""
FORM_LIFE: Final = timedelta(minutes=10)
"""How long an upload form is good."""
NEAR: Final = 6
"""Of 64 bits: perceptual hashes this close are one picture, resized or compressed anew."""
ACCEPTED: Final = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic")


def incoming_key(asset: AssetId) -> str:
    """Where the browser puts the bytes: quarantine, emptied after seven days."""
    return f"incoming/{asset}"


def original_key(asset: AssetId, generation: int) -> str:
    """Where the untouched original stays."""
    return f"originals/{asset}/{generation}"


def derived_key(asset: AssetId, generation: int, variant: str, content_type: str) -> str:
    """Where one rendition of one generation stays."""
    return f"derived/{asset}/{generation}/{variant}.{EXTENSIONS[content_type]}"


@dataclass(frozen=True, slots=True)
class Asset:
    """One row of `assets`, as the pipeline sees it."""

    id: AssetId
    owner: UserId
    state: State
    moderation: Moderation
    visibility: Visibility
    generation: int
    run: int
    change: int
    name: str
    size: int
    sha256: bytes
    declared_type: str
    content_type: str | None
    width: int | None
    height: int | None
    trashed_at: datetime | None
    created_at: datetime

    @property
    def incoming_key(self) -> str:
        """The quarantined upload."""
        return incoming_key(self.id)

    @property
    def original_key(self) -> str:
        """The original of the present generation."""
        return original_key(self.id, self.generation)

    def derived_key(self, variant: str, content_type: str) -> str:
        """One rendition of the present generation."""
        return derived_key(self.id, self.generation, variant, content_type)
