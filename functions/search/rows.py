"""The SQL of search."""

from datetime import datetime
from typing import Final
from uuid import UUID

from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound, QueryImageExpired
from functions.core.filters import All, Clause
from functions.core.ids import AssetId, UserId, uuid7
from functions.core.models.embedding import from_bytes, to_bytes
from functions.core.ports import Vector
from functions.core.postgres.where import FROM, where
from functions.core.tx import Tx, one, rows
from functions.core.visibility import Viewer

# The file name (weight C) is its owner's to search: what is not shown must not be told by a hit either.
SAYS: Final = "a.words @@ %s::tsquery AND (a.owner = %s OR ts_filter(a.words, '{a,b}') @@ %s::tsquery)"

# Rows that another search of the same person holds are left to it: none waits for the other.
REMEMBER: Final = """
WITH kept AS (
    INSERT INTO recent_searches (user_id, said) VALUES (%(user)s, %(said)s)
    ON CONFLICT (user_id, said) DO UPDATE SET searched_at = now()
)
DELETE FROM recent_searches WHERE user_id = %(user)s AND said = ANY(ARRAY(
    SELECT said FROM recent_searches WHERE user_id = %(user)s AND said <> %(said)s
    ORDER BY searched_at DESC OFFSET 19 FOR UPDATE SKIP LOCKED))
"""


async def by_words(tx: Tx, viewer: Viewer, clause: Clause, words: str, unwanted: str, limit: int) -> list[AssetId]:
    """Assets whose title, tags, description, prompt or (for their owner) file name say it, best first."""
    query = await _query(tx, words, unwanted)
    if not query:
        return []
    sql, values = where(clause)
    found = await rows(
        tx,
        f"SELECT a.id FROM {FROM} WHERE {SAYS} AND a.state = 'ready' AND {sql}"
        " ORDER BY ts_rank(a.words, %s::tsquery, 1) DESC, a.id LIMIT %s",
        query, viewer.user, query, *values, query, limit,
    )  # fmt: skip
    return [AssetId(row["id"]) for row in found]


async def _query(tx: Tx, words: str, unwanted: str) -> str:
    """All the words and none of the unwanted; empty for a text of nothing but small words."""
    row = await one(
        tx, "SELECT websearch_to_tsquery('english', %s)::text AS said, plainto_tsquery('english', %s)::text AS without",
        words, unwanted,
    )  # fmt: skip
    if row is None or not row["said"]:
        return ""
    return f"({row['said']}) & !({row['without']})" if row["without"] else str(row["said"])


async def remember(tx: Tx, user: UserId, said: str) -> None:
    """Keep what somebody searched for among their last twenty searches; losing one to a crash is no loss."""
    await tx.execute("SET LOCAL synchronous_commit = off")
    await tx.execute(REMEMBER, {"user": user, "said": said})


async def asset_vector(tx: Tx, viewer: Viewer, asset: UUID, model: str) -> Vector:
    """The vector of an asset that the viewer may see; NotFound otherwise, and while it has none."""
    sql, values = seen_by(viewer, All())
    row = await one(
        tx,
        f"SELECT e.vector FROM {FROM} JOIN embeddings e ON e.asset_id = a.id AND e.model = %s WHERE a.id = %s AND {sql}",
        model, asset, *values,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return from_bytes(row["vector"])


async def keep_query(tx: Tx, owner: UserId, model: str, vector: Vector, expires_at: datetime) -> UUID:
    """Keep the vector of an example picture; the picture itself is not kept."""
    query = uuid7()
    await tx.execute(
        "INSERT INTO query_images (id, owner, model, vector, expires_at) VALUES (%s, %s, %s, %s, %s)",
        [query, owner, model, to_bytes(vector), expires_at],
    )
    return query


async def query_vector(tx: Tx, viewer: Viewer, query: UUID | None, model: str) -> Vector:
    """The vector of the viewer's own example; NotFound otherwise, QueryImageExpired when another model made it."""
    row = await one(
        tx, "SELECT vector, model FROM query_images WHERE id = %s AND owner = %s AND expires_at > now()",
        query, viewer.user,
    )  # fmt: skip
    if row is None:
        raise NotFound
    if row["model"] != model:
        raise QueryImageExpired
    return from_bytes(row["vector"])
