"""People on the wire: to themselves, and to others."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from functions.core.contract import Label, Time, Wire

Handle = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$", min_length=2, max_length=32, to_lower=True),
    Field(description="2 to 32 of a-z and 0-9, single `.`, `_` or `-` between; kept in small letters"),
]
Visibility = Literal["private", "unlisted", "public"]
Theme = Literal["system", "light", "dark"]


class Preferences(Wire):
    """Who else may see a person's new uploads, unless it is said otherwise, and what their pages look like."""

    default_visibility: Visibility = "private"
    theme: Theme = "system"


class ChangePreferences(Wire):
    """What is left out stays."""

    default_visibility: Visibility | None = None
    theme: Theme | None = None


class ChangeMe(Wire):
    """What people may change of themselves; what is left out stays."""

    handle: Handle | None = None
    name: Label | None = None
    settings: ChangePreferences | None = None


class MeOut(Wire):
    """The caller; the roles are those of the token."""

    id: UUID
    handle: str
    name: str
    roles: list[str]
    settings: Preferences
    created_at: Time


class Share(Wire):
    """How much of something is used, and how much there may be; null is no limit."""

    used: int
    limit: int | None


class UsageOut(Wire):
    """What counts against the caller's limits: `today` is 24 hours, `states` counts what is in the trash too."""

    bytes: Share
    assets: Share
    pending: Share
    today: Share
    states: Mapping[str, int]


class CountsOut(Wire):
    """How many there are that the viewer may see."""

    assets: int


class ProfileOut(Wire):
    """Somebody, as others see them."""

    id: UUID
    handle: str
    name: str
    created_at: Time
    counts: CountsOut
