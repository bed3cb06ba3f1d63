"""Conditions and payloads in qdrant-edge's own terms.

The binding reads a Python bool as the integer 0 or 1, which then equals no stored boolean: so booleans are
stored as these integers, which also keeps Python's own True == 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from qdrant_edge import (
    FieldCondition,
    Filter,
    HasIdCondition,
    MatchAny,
    PayloadSchemaType,
    RangeFloat,
)

from functions.core.filters import All, Between, Clause, Is, Not, Some, Within

INDEXES: Final = {
    "owner": PayloadSchemaType.Keyword,
    "visibility": PayloadSchemaType.Keyword,
    "moderation": PayloadSchemaType.Keyword,
    "trashed": PayloadSchemaType.Integer,
    "banned": PayloadSchemaType.Integer,
    "tags": PayloadSchemaType.Keyword,
    "colors": PayloadSchemaType.Keyword,
    "orientation": PayloadSchemaType.Keyword,
    "type": PayloadSchemaType.Keyword,
    "created": PayloadSchemaType.Float,
}
"""One index for every field of filters.FIELDS; without it a filtered search reads every payload."""


def to_filter(clause: Clause) -> Filter:
    """The filter that lets through exactly the payloads for which filters.holds says yes."""
    match clause:
        case Is(field, values):
            return _either(_is_any(field, values))
        case Between(field, low, high):
            return Filter(must=[FieldCondition(field, range=RangeFloat(gte=low, lt=high))])
        case Within(_, ids):
            return Filter(must=[HasIdCondition(set(ids))])
        case All(parts):
            return Filter(must=[to_filter(part) for part in parts])
        case Some(parts):
            return _either(map(to_filter, parts))
        case Not(part):
            return Filter(must_not=[to_filter(part)])


def to_payload(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts as they are stored: booleans as 0 and 1, everything else as it is."""
    return {field: _plain(value) for field, value in facts.items()}


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, bool) else value


def _is_any(field: str, values: Sequence[str | bool]) -> Iterable[FieldCondition]:
    words = [value for value in values if isinstance(value, str)]
    flags = [int(value) for value in values if isinstance(value, bool)]
    if words:
        yield FieldCondition(field, match=MatchAny(words))
    if flags:
        yield FieldCondition(field, match=MatchAny(flags))


def _either(conditions: Iterable[FieldCondition | Filter]) -> Filter:
    # To the engine an empty `should` means everything; here nothing must mean nothing.
    return Filter(should=list(conditions) or [HasIdCondition(set())])
