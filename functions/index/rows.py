"""The SQL of index: the point that a row asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import DictRow, dict_row

from functions.core.ids import AssetId
from functions.core.model import Asset
from functions.core.models.embedding import from_bytes
from functions.core.ports import Point
from functions.core.tx import Tx, one

SHOWN: Final = """
    SELECT a.id, a.change, e.model, e.vector, a.owner, a.visibility, a.moderation, a.trashed_at IS NOT NULL AS trashed,
        u.banned_at IS NOT NULL AS banned, a.color_names, a.width, a.height, a.content_type,
        extract(epoch FROM a.created_at)::float AS created,
        ARRAY(SELECT name FROM shown_tags t WHERE t.asset_id = a.id) AS tags
    FROM assets a JOIN users u ON u.id = a.owner JOIN embeddings e ON e.asset_id = a.id AND e.generation = a.generation
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A point, or none where none may be, the change of the row that it was made from, and its vector's model."""

    change: int
    point: Point | None
    model: str = ""


async def shown(tx: Tx, asset: Asset) -> Shown | None:
    """What the index is to show of an asset; None while it has no vector."""
    row = await one(tx, SHOWN + " WHERE a.id = %s", asset.id)
    return Shown(row["change"], point_of(row), row["model"]) if row else None


def every_point(url: str, model: str) -> Iterator[Point]:
    """Every point that the index of a model is to hold, streamed from the rows; for building a shard in a process of its own."""
    with psycopg.connect(url, row_factory=dict_row) as connection, connection.cursor("points") as cursor:
        cursor.itersize = 500
        findable = " WHERE a.state IN ('processed', 'ready') AND a.moderation <> 'rejected' AND e.model = %s"
        for row in cursor.execute((SHOWN + findable).encode(), [model]):
            yield point_of(row)


def point_of(row: DictRow) -> Point:
    """A row of SHOWN as a point; the payload's fields are those of filters.FIELDS."""
    payload: dict[str, Any] = {
        name: row[name] for name in ("visibility", "moderation", "trashed", "banned", "tags", "created")
    }
    payload |= {"owner": str(row["owner"]), "colors": row["color_names"], "type": row["content_type"],
                "orientation": orientation(row["width"], row["height"])}  # fmt: skip
    return Point(AssetId(row["id"]), from_bytes(row["vector"]), payload)


def orientation(width: int, height: int) -> str:
    """landscape, portrait or square, as filters say it."""
    if width == height:
        return "square"
    return "landscape" if width > height else "portrait"
