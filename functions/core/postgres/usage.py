"""What one person keeps and has under way: the one count that limits are held against and people are told."""

from dataclasses import dataclass

from functions.core.ids import AssetId, UserId
from functions.core.tx import Tx, one

# An expired form counts no more, until a fresh one is given out for its asset.
USED = """
SELECT count(*) FILTER (WHERE state = 'new' AND form_expires_at > now()) AS pending,
    count(*) FILTER (WHERE created_at > now() - interval '1 day') AS today,
    count(*) FILTER (WHERE state NOT IN ('expired', 'rejected')) AS assets,
    coalesce(sum(size) FILTER (WHERE state NOT IN ('expired', 'rejected')), 0)::bigint AS bytes
FROM assets WHERE owner = %s AND id IS DISTINCT FROM %s
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Uploads under way and begun in 24 h; assets and bytes that are kept, the trash included."""

    pending: int
    today: int
    assets: int
    bytes: int


async def used(tx: Tx, owner: UserId, but: AssetId | None = None) -> Usage:
    """What counts against one person's limits, but for an asset that is asked for again."""
    row = await one(tx, USED, owner, but)
    return Usage(**row) if row else Usage(0, 0, 0, 0)
