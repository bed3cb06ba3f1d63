"""What people ask of their API keys."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from functions.core.catalog.filters import Moment
from functions.core.contract import Label, Time, Wire

Scope = Literal["read", "upload", "write"]


def _once(scopes: list[Scope]) -> list[Scope]:
    return sorted(set(scopes))


Scopes = Annotated[
    list[Scope],
    Field(min_length=1, max_length=3, description="`write` includes `read`; `upload` stands alone"),
    AfterValidator(_once),
]


class CreateKey(Wire):
    """A key for a program: what it may do, where `write` includes `read`, and until when.

    90 days where nothing is said, a year at most.
    """

    name: Label
    scopes: Scopes
    expires_at: Moment | None = None


class RenameKey(Wire):
    """Another name; what a key may do and until when never changes."""

    name: Label


class KeyOut(Wire):
    """A key without its secret; `lastUsedAt` to the minute."""

    id: UUID
    name: str
    scopes: list[Scope]
    created_at: Time
    expires_at: Time
    last_used_at: Time | None


class NewKeyOut(KeyOut):
    """A key with its secret, which is told this once."""

    key: str


class KeysOut(Wire):
    """Every key of the caller, newest first, those that have expired included."""

    items: list[KeyOut]
