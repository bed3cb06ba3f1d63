"""What the rows say of stored pictures when somebody comes with a signed address."""

from dataclasses import dataclass

from functions.core.postgres.where import FROM, where
from functions.core.signing import Picture
from functions.core.tx import Tx, one
from functions.core.visibility import others_may_see


@dataclass(frozen=True, slots=True)
class Shown:
    """A rendition that is there: its content type, and whether others than its owner may see it."""

    content_type: str
    to_others: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """An original: the file's name as it was sent, the kind we found it to be, and bytes."""

    name: str
    content_type: str
    size: int


async def rendition(tx: Tx, picture: Picture) -> Shown | None:
    """What is known of a rendition, whoever asks; None where there is none."""
    sql, values = where(others_may_see())
    row = await one(
        tx,
        f"SELECT r.content_type, a.state = 'ready' AND {sql} AS to_others FROM {FROM} JOIN renditions r"
        " ON r.asset_id = a.id AND r.generation = a.generation"
        " WHERE (r.asset_id, r.generation, r.variant) = (%s, %s, %s) AND a.state <> 'deleting'",
        *values, *picture,
    )  # fmt: skip
    return Shown(row["content_type"], row["to_others"]) if row else None


async def original(tx: Tx, picture: Picture) -> Kept | None:
    """What is known of an original, for whoever holds an address that was signed for it; None where there is none."""
    row = await one(
        tx,
        "SELECT name, content_type, size FROM assets WHERE id = %s AND generation = %s"
        " AND state <> 'deleting' AND content_type IS NOT NULL",
        picture.asset, picture.generation,
    )  # fmt: skip
    return Kept(row["name"], row["content_type"], row["size"]) if row else None
