"""The asset row as the pipeline reads and moves it."""

from typing import Final, cast

from psycopg.rows import DictRow

from functions.core.ids import AssetId, UserId
from functions.core.model import Asset, Moderation, State, Visibility
from functions.core.tx import Tx, one

COLUMNS: Final = (
    "id, owner, state, moderation, visibility, generation, run, change, name, size, sha256, declared_type,"
    " content_type, width, height, trashed_at, created_at"
)


def asset_of(row: DictRow) -> Asset:
    """A row with (at least) COLUMNS as an Asset."""
    values = {name: row[name] for name in Asset.__dataclass_fields__}
    return Asset(**values | {
        "id": AssetId(row["id"]), "owner": UserId(row["owner"]), "state": State(row["state"]),
        "moderation": Moderation(row["moderation"]), "visibility": Visibility(row["visibility"]),
    })  # fmt: skip


async def find(tx: Tx, asset_id: AssetId, *, lock: bool = False) -> Asset | None:
    """One asset, locked until the transaction ends when asked for; None when it is not there."""
    row = await one(tx, f"SELECT {COLUMNS} FROM assets WHERE id = %s{' FOR NO KEY UPDATE' if lock else ''}", asset_id)
    return asset_of(row) if row else None


async def is_gone_for_good(tx: Tx, asset_id: AssetId) -> bool:
    """Whether the asset was purged."""
    return await one(tx, "SELECT 1 FROM tombstones WHERE asset_id = %s", asset_id) is not None


async def move(tx: Tx, asset: Asset, to: State) -> None:
    """Move a locked asset forward."""
    await tx.execute("UPDATE assets SET state = %s, updated_at = now() WHERE id = %s", [to, asset.id])


async def end(tx: Tx, asset_id: AssetId, state: State, reason: str) -> bool:
    """Bring an asset to an end with a reason; one that is ready, at an end, or on its way out stays. Says if it moved."""
    moved = await one(
        tx,
        "UPDATE assets SET state = %s, reason = %s, updated_at = now()"
        " WHERE id = %s AND state IN ('new', 'uploaded', 'processed') RETURNING id",
        state, reason, asset_id,
    )  # fmt: skip
    return moved is not None


async def note_change(tx: Tx, asset_id: AssetId) -> int:
    """Raise the counter of everything the vector's payload shows; returns its new value."""
    row = await one(
        tx,
        "UPDATE assets SET change = change + 1, updated_at = now() WHERE id = %s RETURNING change",
        asset_id,
    )
    return cast("int", row["change"]) if row else 0


async def refresh_words(tx: Tx, asset_id: AssetId) -> None:
    """Bring the searchable words up to date with title, tags, description, prompt and file name."""
    await tx.execute("UPDATE assets SET words = asset_words(id) WHERE id = %s", [asset_id])
