"""The SQL of purge."""

from functions.core.model import Asset
from functions.core.tx import Tx


async def bury(tx: Tx, asset: Asset) -> None:
    """Everything about the asset goes with its row."""
    await tx.execute("INSERT INTO tombstones (asset_id) VALUES (%s) ON CONFLICT DO NOTHING", [asset.id])
    await tx.execute("DELETE FROM assets WHERE id = %s", [asset.id])
