"""The SQL of ingest."""

from functions.core.model import Asset
from functions.core.tx import Tx, one


async def is_blocked(tx: Tx, sha256: bytes) -> bool:
    """Whether these bytes are on the block list."""
    return await one(tx, "SELECT 1 FROM block_sha256 WHERE sha256 = %s", sha256) is not None


async def store_type(tx: Tx, asset: Asset, content_type: str) -> None:
    """Keep what the bytes themselves say they are."""
    await tx.execute("UPDATE assets SET content_type = %s, reason = NULL WHERE id = %s", [content_type, asset.id])
