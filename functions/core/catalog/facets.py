"""How many of a viewer's matches there are by tag, colour and the like; nothing is counted that they may not see."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from functions.core.catalog.read import seen_by
from functions.core.contract import Wire
from functions.core.filters import Clause
from functions.core.postgres.where import FROM, ORIENTATION
from functions.core.tx import Tx, rows
from functions.core.visibility import Viewer

MOST_VALUES: Final = 50
"""How many values a facet tells, the most frequent first."""
MOST_COUNTED: Final = 100_000
"""How many assets are looked at, the newest first: the work has an end in a gallery of any size."""
VALUES: Final = {
    "tag": ("t.name", "seen JOIN shown_tags t ON t.asset_id = seen.id"),
    "color": ("c", "seen, unnest(seen.color_names) c"),
    "orientation": ("orientation", "seen"),
    "type": ("content_type", "seen"),
    "owner": ("handle", "seen"),
    "rating": ("rating", "seen"),
    "year": ("to_char(created, 'YYYY')", "seen"),
    "month": ("to_char(created, 'YYYY-MM')", "seen"),
}
"""What is counted, and where it is read."""


def _apart(said: object) -> object:
    """Names may share one text, commas between them."""
    if not isinstance(said, list):
        return said
    return [name for part in said for name in (part.split(",") if isinstance(part, str) else [part])]


FacetName = Literal["tag", "color", "orientation", "type", "owner", "rating", "year", "month"]
FacetNames = Annotated[
    list[FacetName], BeforeValidator(_apart), Field(max_length=12, description="what to count the matches by")
]


class FacetOut(Wire):
    """A value (an owner's is the handle, times are UTC) and how many of the matches have it."""

    value: str
    count: int


Facets = Mapping[FacetName, list[FacetOut]]


async def counted(
    tx: Tx, viewer: Viewer, clause: Clause, names: Sequence[FacetName], more: str, values: Sequence[Any]
) -> Facets:
    """For each of the names the most frequent values among what the viewer may see and satisfies both conditions."""
    if not names:
        return {}
    sql, bound = seen_by(viewer, clause)
    seen = (
        f"SELECT a.id, a.color_names, {ORIENTATION} AS orientation, a.content_type, u.handle, a.rating,"
        f" a.created_at AT TIME ZONE 'UTC' AS created FROM {FROM} WHERE {sql} AND {more}"
        f" ORDER BY a.created_at DESC, a.id DESC LIMIT {MOST_COUNTED}"
    )
    each = " UNION ALL ".join(_of(name) for name in dict.fromkeys(names))
    facets: dict[FacetName, list[FacetOut]] = {name: [] for name in names}
    for row in await rows(tx, f"WITH seen AS MATERIALIZED ({seen}) {each}", *bound, *values):
        facets[row["facet"]].append(FacetOut(value=row["value"], count=row["count"]))
    return facets


def _of(name: FacetName) -> str:
    value, source = VALUES[name]
    return (
        f"(SELECT '{name}' AS facet, {value} AS value, count(*) AS count FROM {source}"
        f" WHERE {value} <> '' GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {MOST_VALUES})"
    )
