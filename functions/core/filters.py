"""Conditions on assets as data: one small tree that SQL, the vector index and plain Python all read alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

FIELDS: Final = (
    "owner", "visibility", "moderation", "trashed", "banned", "tags", "colors", "orientation", "type", "created",
)  # fmt: skip
"""What a condition may look at; `created` is Unix time in seconds, `tags` and `colors` are lists."""

Value = str | bool


@dataclass(frozen=True, slots=True)
class Is:
    """The field is, or its list holds, one of the values."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """low <= field < high, in seconds; None leaves an end open."""

    field: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Within:
    """It is in the collection: SQL looks there itself, `ids` is what was in it, for those who cannot."""

    collection: UUID
    ids: frozenset[UUID] = field(repr=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts it always does."""

    parts: tuple["Clause", ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds; without parts it never does."""

    parts: tuple["Clause", ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Clause"


Clause = Is | Between | Within | All | Some | Not


def holds(clause: Clause, facts: Mapping[str, object]) -> bool:
    """Plain Python's answer, against which the other two renderings are tested; `id` stands beside the payload."""
    match clause:
        case Is(field, values):
            found = facts.get(field)
            return any(value in values for value in (found if isinstance(found, list | tuple) else [found]))
        case Between(field, low, high):
            at = facts.get(field)
            return isinstance(at, int | float) and (low is None or low <= at) and (high is None or at < high)
        case Within(_, ids):
            return facts.get("id") in ids
        case All(parts):
            return all(holds(part, facts) for part in parts)
        case Some(parts):
            return any(holds(part, facts) for part in parts)
        case Not(part):
            return not holds(part, facts)
