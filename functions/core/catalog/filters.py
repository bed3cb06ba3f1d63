"""The filters that lists and searches share, as clients write them and as a condition."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from functions.core.catalog.collections import members
from functions.core.contract import Tag, Wire
from functions.core.errors import NotFound, Unauthenticated
from functions.core.filters import All, Between, Clause, Is, Within
from functions.core.tx import Tx, one
from functions.core.visibility import Viewer, findable_by

Color = Literal[
    "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "black", "grey", "white"
]  # fmt: skip


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]
"""A time; without an offset it is UTC."""


class AssetFilters(Wire):
    """What narrows a list or a search; every given one must hold."""

    owner: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$", description="`me`, an id or a handle")] | None = None
    state: Annotated[
        Literal["new", "uploaded", "processed", "ready", "rejected", "failed", "expired"] | None,
        Field(description="searches find what is `ready`, and nothing in another state"),
    ] = None
    visibility: Literal["private", "unlisted", "public"] | None = None
    tag: Annotated[list[Tag], Field(max_length=12, description="all of them")] = []
    collection: Annotated[UUID | None, Field(description="in a collection that the caller may see")] = None
    orientation: Literal["landscape", "portrait", "square"] | None = None
    color: Color | None = None
    type: Annotated[str, Field(pattern=r"^image/[a-z]{2,8}$", description="a content type")] | None = None
    from_: Annotated[Moment | None, Field(alias="from", description="created at or after")] = None
    to: Annotated[Moment | None, Field(description="created before")] = None
    trashed: Annotated[bool, Field(description="look into the trash instead")] = False


async def condition(tx: Tx, viewer: Viewer, filters: AssetFilters) -> Clause:
    """The filters and who is looking as one condition; states are the query's own matter.

    NotFound for an unknown owner, and for a collection that the viewer may not see.
    """
    parts: list[Clause] = [findable_by(viewer, trashed=filters.trashed)]
    if filters.owner:
        parts.append(Is("owner", (str(await whose(tx, viewer, filters.owner)),)))
    parts += [Is("tags", (tag,)) for tag in filters.tag]
    single = {"visibility": filters.visibility, "orientation": filters.orientation, "colors": filters.color}
    parts += [Is(field, (value,)) for field, value in (single | {"type": filters.type}).items() if value]
    if filters.collection:
        parts.append(Within(filters.collection, await members(tx, viewer, filters.collection)))
    if filters.from_ or filters.to:
        parts.append(Between("created", _seconds(filters.from_), _seconds(filters.to)))
    return All(tuple(parts))


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


async def whose(tx: Tx, viewer: Viewer, who: str) -> UUID:
    """The user that `me`, an id or a handle means; Unauthenticated for `me` without a token.

    NotFound for nobody, and for the banned as their profile is, but for a moderator.
    """
    if who == "me":
        if viewer.user is None:
            raise Unauthenticated
        return viewer.user
    row = await one(tx, "SELECT id, banned_at FROM users WHERE handle = %s OR id::text = %s", who.lower(), who.lower())
    if row is None or (row["banned_at"] and not viewer.moderator):
        raise NotFound("there is no such person here")
    found: UUID = row["id"]
    return found
