"""The SQL of thumbnail."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from functions.core.model import Asset
from functions.core.pictures.colors import color_names
from functions.core.ports import Preview, Rendition
from functions.core.postgres.assets import refresh_words
from functions.core.tx import Tx


async def store_facts(tx: Tx, asset: Asset, preview: Preview) -> None:
    """Shape, hashes, colours and metadata; the words of a prompt become searchable."""
    await tx.execute(
        "UPDATE assets SET width = %s, height = %s, phash = %s, thumbhash = %s, colors = %s, color_names = %s,"
        " change = change + 1, updated_at = now() WHERE id = %s",
        [
            preview.width, preview.height, signed(preview.phash), preview.thumbhash, list(preview.colors),
            list(color_names(preview.colors)), asset.id,
        ],
    )  # fmt: skip
    await tx.execute(
        "INSERT INTO metadata (asset_id, exif, ai) VALUES (%s, %s, %s)"
        " ON CONFLICT (asset_id) DO UPDATE SET exif = excluded.exif, ai = excluded.ai",
        [asset.id, Jsonb(dict(preview.exif)), Jsonb(dict(preview.ai))],
    )
    await refresh_words(tx, asset.id)


async def store_renditions(tx: Tx, asset: Asset, made: Sequence[Rendition]) -> None:
    """The renditions there are of this generation, and no others."""
    await tx.execute("DELETE FROM renditions WHERE asset_id = %s", [asset.id])
    for rendition in made:
        await tx.execute(
            "INSERT INTO renditions (asset_id, generation, variant, width, height, content_type, size)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [asset.id, asset.generation, rendition.variant, rendition.width, rendition.height,
             rendition.content_type, len(rendition.data)],
        )  # fmt: skip


def signed(phash: int) -> int:
    """A 64-bit hash as a bigint holds it."""
    return phash - (1 << 64) if phash >= 1 << 63 else phash
