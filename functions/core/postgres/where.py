"""Conditions as SQL over `assets a JOIN users u`: every value travels as a parameter."""

from typing import Any, Final

from functions.core.filters import All, Between, Clause, Is, Not, Some, Within

Sql = tuple[str, list[Any]]
FROM: Final = "assets a JOIN users u ON u.id = a.owner"
ORIENTATION: Final = (
    "CASE WHEN a.width > a.height THEN 'landscape' WHEN a.width < a.height THEN 'portrait'"
    " WHEN a.width = a.height THEN 'square' ELSE '' END"
)

# No expression may be null, or NOT would lose rows.
SHAPES: Final = {
    "owner": "a.owner = ANY(%s::uuid[])",
    "visibility": "a.visibility = ANY(%s)",
    "moderation": "a.moderation = ANY(%s)",
    "trashed": "(a.trashed_at IS NOT NULL) = ANY(%s)",
    "banned": "(u.banned_at IS NOT NULL) = ANY(%s)",
    "tags": "EXISTS (SELECT FROM shown_tags t WHERE t.asset_id = a.id AND t.name = ANY(%s))",
    "colors": "a.color_names && %s",
    "orientation": f"{ORIENTATION} = ANY(%s)",
    "type": "coalesce(a.content_type, '') = ANY(%s)",
}
WITHIN: Final = "EXISTS (SELECT FROM collection_items i WHERE i.asset_id = a.id AND i.collection_id = %s)"


def where(clause: Clause) -> Sql:
    """A condition and its parameters."""
    match clause:
        case Is(field, values):
            return SHAPES[field], [list(values)]
        case Between("created", low, high):
            return _between(low, high)
        case Within(collection):
            return WITHIN, [collection]
        case All(parts):
            return _joined(parts, " AND ", "true")
        case Some(parts):
            return _joined(parts, " OR ", "false")
        case Not(part):
            sql, bound = where(part)
            return f"NOT ({sql})", bound
    raise ValueError(f"no such condition: {clause}")


def _between(low: float | None, high: float | None) -> Sql:
    ends = [("a.created_at >= to_timestamp(%s)", low), ("a.created_at < to_timestamp(%s)", high)]
    known = [(sql, value) for sql, value in ends if value is not None]
    return " AND ".join(sql for sql, _ in known) or "true", [value for _, value in known]


def _joined(parts: tuple[Clause, ...], word: str, empty: str) -> Sql:
    made = [where(part) for part in parts]
    return word.join(f"({sql})" for sql, _ in made) or empty, [value for _, values in made for value in values]
