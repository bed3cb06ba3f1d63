"""The SQL of embed."""

from functions.core.model import Asset
from functions.core.models.embedding import to_bytes
from functions.core.ports import Vector
from functions.core.tx import Tx, one


async def rendition_type(tx: Tx, asset: Asset, variant: str) -> str | None:
    """The content type of one rendition, None when there is no such rendition."""
    row = await one(
        tx, "SELECT content_type FROM renditions WHERE (asset_id, generation, variant) = (%s, %s, %s)",
        asset.id, asset.generation, variant,
    )  # fmt: skip
    return row["content_type"] if row else None


async def store_vector(tx: Tx, asset: Asset, model: str, vector: Vector) -> None:
    """One vector per asset: that of another model is of no more use."""
    await tx.execute("DELETE FROM embeddings WHERE asset_id = %s AND model <> %s", [asset.id, model])
    await tx.execute(
        "INSERT INTO embeddings (asset_id, model, generation, vector) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (asset_id, model) DO UPDATE SET generation = excluded.generation, vector = excluded.vector",
        [asset.id, model, asset.generation, to_bytes(vector)],
    )
