"""The asset row as the pipeline reads and moves it."""

from typing import Final

from psycopg.rows import DictRow

from functions.core.ids import AssetId, UserId
from functions.core.model import Asset, Moderation, State, Visibility
from functions.core.tx import Tx, one, rows

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


async def move(tx: Tx, asset: Asset, to: State) -> float:
    """Move a locked asset forward; returns the seconds since this run of it began."""
    row = await one(
        tx,
        "UPDATE assets a SET state = %s, updated_at = now() WHERE id = %s RETURNING (SELECT extract(epoch FROM"
        " clock_timestamp() - min(started_at)) FROM pipeline_steps p WHERE p.asset_id = a.id AND p.run = a.run)::float AS s",
        to, asset.id,
    )  # fmt: skip
    return (row["s"] if row else None) or 0.0


async def end(tx: Tx, asset_id: AssetId, state: State, reason: str) -> bool:
    """Bring an asset to an end with a reason; one that is ready, at an end, or on its way out stays. Says if it moved."""
    moved = await one(
        tx,
        "UPDATE assets SET state = %s, reason = %s, updated_at = now()"
        " WHERE id = %s AND state IN ('new', 'uploaded', 'processed') RETURNING id",
        state, reason, asset_id,
    )  # fmt: skip
    return moved is not None


async def note_change(tx: Tx, *asset_ids: AssetId) -> list[Asset]:
    """Raise the counters of everything the vectors' payloads show; the assets as they are then, by id."""
    found = await rows(
        tx,
        f"UPDATE assets SET change = change + 1, updated_at = now() WHERE id = ANY(%s) RETURNING {COLUMNS}",
        list(asset_ids),
    )
    return sorted(map(asset_of, found), key=lambda asset: asset.id)


async def refresh_words(tx: Tx, *asset_ids: AssetId) -> None:
    """Bring the searchable words up to date with title, tags, description, prompt and file name."""
    await tx.execute("UPDATE assets SET words = asset_words(id) WHERE id = ANY(%s)", [list(asset_ids)])
