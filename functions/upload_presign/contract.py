"""What clients send to upload, and what they get."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from functions.core.contract import Name, Time, Wire

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""As lower-case hex."""
ContentType = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic"]


class PresignUpload(Wire):
    """The bytes that are to come: `name` for show only, `size` in bytes."""

    name: Name
    size: Annotated[int, Field(ge=1, strict=True)]
    content_type: ContentType
    sha256: Sha256


class FormOut(Wire):
    """Post `fields`, then `file`, to `url` before `expiresAt`."""

    method: Literal["POST"] = "POST"
    url: str
    fields: Mapping[str, str]
    expires_at: Time


class UploadOut(Wire):
    """The asset, with a form while its bytes are still to come."""

    asset_id: UUID
    state: str
    duplicate: bool = False
    upload: FormOut | None = None


class CheckUploads(Wire):
    """A question: which of these bytes are here already."""

    sha256: Annotated[list[Sha256], Field(max_length=500)]


class KnownOut(Wire):
    """The caller's own assets by sha256."""

    known: Mapping[str, UUID]


class CompletedOut(Wire):
    """The asset whose bytes have come."""

    asset_id: UUID
    state: str
