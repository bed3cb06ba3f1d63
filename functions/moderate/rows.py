"""The SQL of moderate."""

from typing import Final

from functions.core.model import Asset, Moderation
from functions.core.models.embedding import from_bytes
from functions.core.ports import Vector
from functions.core.tx import Tx, one

NEAR: Final = 6
"""Of 64 bits: perceptual hashes this close are one picture, resized or compressed anew."""


async def vector(tx: Tx, asset: Asset) -> tuple[str, Vector] | None:
    """The stored vector of this generation, after the name of its model."""
    row = await one(
        tx, "SELECT model, vector FROM embeddings WHERE asset_id = %s AND generation = %s", asset.id, asset.generation
    )
    return (row["model"], from_bytes(row["vector"])) if row else None


async def looks_blocked(tx: Tx, asset: Asset) -> bool:
    """Whether a blocked perceptual hash is near."""
    row = await one(
        tx,
        "SELECT 1 FROM assets a JOIN block_phash b ON bit_count((a.phash # b.phash)::bit(64)) <= %s WHERE a.id = %s LIMIT 1",
        NEAR, asset.id,
    )  # fmt: skip
    return row is not None


async def store_verdict(tx: Tx, asset: Asset, verdict: Moderation) -> None:
    """Write the verdict; the counter rises, since the vector's payload shows it."""
    await tx.execute("UPDATE assets SET moderation = %s, change = change + 1 WHERE id = %s", [verdict, asset.id])
