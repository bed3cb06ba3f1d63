"""What a backup says of itself, which whoever had it in their hands may have changed: read strictly, or not at all."""

import json
from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, NonNegativeInt, StringConstraints, ValidationError

from functions.core.contract import Wire
from functions.core.errors import Invalid

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
LIST: Final = "objects.jsonl"
SECRETS: Final = tuple(f"secrets/{name}" for name in ("identity.pem", "owner", "store.key", "media.key"))
"""Keys and the owner's name for itself; passwords of the database are made anew, and never part of a backup."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
KEY: Final = r"^(incoming|originals|derived)(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)+$"


def _known(files: dict[str, str]) -> dict[str, str]:
    if not {DUMP, LIST} <= files.keys() <= {DUMP, LIST, *SECRETS}:
        raise ValueError("the database, the list and known secrets")
    return files


class Kept(Wire):
    """A line of the list: one object."""

    model_config = ConfigDict(strict=True)

    key: str = Field(pattern=KEY, max_length=200)
    type: str = Field(max_length=100)
    size: NonNegativeInt
    sha256: Digest


class Manifest(Wire):
    """Everything that a restore checks before it begins; `gone` are assets deleted for good meanwhile."""

    model_config = ConfigDict(strict=True)

    format: int
    version: str = Field(max_length=50)
    made_at: datetime
    migrations: dict[str, str]
    sha256: Annotated[dict[str, Digest], AfterValidator(_known)]
    objects: NonNegativeInt
    size: NonNegativeInt
    gone: list[UUID]
    missing: list[str]

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Raises Invalid for a manifest of a later version, and for one that is none."""
        try:
            said = json.loads(data)
            newer = isinstance(said, dict) and isinstance(said.get("format"), int) and said["format"] > FORMAT
            if newer:
                raise Invalid("this backup was made by a newer MiraVeja: install that one first")
            return cls.model_validate_json(data)
        except (ValidationError, ValueError, RecursionError):
            raise Invalid(f"the backup is damaged: its {MANIFEST} is not one of MiraVeja's") from None


def line(data: bytes) -> Kept:
    """One line of the list; raises Invalid for what is none."""
    try:
        return Kept.model_validate_json(data)
    except ValidationError:
        raise Invalid(f"the backup is damaged: {LIST} is not one of MiraVeja's") from None
