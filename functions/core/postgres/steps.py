"""The timeline that people see: one row for each step of each run, written by the runtime."""

from typing import Any

from functions.core.ids import AssetId
from functions.core.model import Asset
from functions.core.tx import Tx, rows


async def begin(tx: Tx, asset: Asset, step: str, attempts: int) -> None:
    """A step takes the asset on."""
    await tx.execute(
        "INSERT INTO pipeline_steps (asset_id, run, step, state, attempts) VALUES (%s, %s, %s, 'working', %s)"
        " ON CONFLICT (asset_id, run, step) DO UPDATE SET state = 'working', attempts = excluded.attempts,"
        " finished_at = NULL, error = NULL",
        [asset.id, asset.run, step, attempts],
    )


async def end(tx: Tx, asset: Asset, step: str, state: str, error: str | None = None) -> None:
    """A step is through with it: done, rejected or failed. Nothing happens when the asset was purged."""
    await tx.execute(
        "UPDATE pipeline_steps SET state = %s, error = %s, finished_at = now()"
        " WHERE asset_id = %s AND run = %s AND step = %s",
        [state, error, asset.id, asset.run, step],
    )


async def timeline(tx: Tx, asset_id: AssetId) -> list[dict[str, Any]]:
    """All steps of all runs, in the order in which they began."""
    return await rows(
        tx,
        "SELECT step, state, run, attempts, started_at, finished_at, error FROM pipeline_steps"
        " WHERE asset_id = %s ORDER BY started_at",
        asset_id,
    )
