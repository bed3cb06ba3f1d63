"""Moves that people and repairs ask for: out of the trash, a new run, away for good; each with the fact it makes true."""

from events.types import AssetChanged, AssetDeleted, AssetProcessed, AssetUploaded, ObjectArrived
from functions.core.errors import Conflict, NotFound
from functions.core.ids import AssetId
from functions.core.model import Asset, State
from functions.core.postgres import assets, outbox
from functions.core.tx import Tx, one


async def changed(tx: Tx, *asset_ids: AssetId) -> None:
    """Something that the vectors' payloads show has changed."""
    now = await assets.note_change(tx, *asset_ids)
    await outbox.put(tx, "assets.changed", *map(AssetChanged.of, now))


async def trash(tx: Tx, asset_id: AssetId) -> None:
    """Into the trash; once there, it stays with its first date."""
    if await one(
        tx, "UPDATE assets SET trashed_at = now() WHERE id = %s AND trashed_at IS NULL RETURNING id", asset_id
    ):
        await changed(tx, asset_id)


async def restore(tx: Tx, asset_id: AssetId) -> None:
    """Out of the trash."""
    if await one(
        tx, "UPDATE assets SET trashed_at = NULL WHERE id = %s AND trashed_at IS NOT NULL RETURNING id", asset_id
    ):
        await changed(tx, asset_id)


async def delete(tx: Tx, asset_id: AssetId) -> None:
    """Away for good: the generation rises, so that whatever is still under way removes its own effects."""
    row = await one(
        tx,
        "UPDATE assets SET state = 'deleting', generation = generation + 1, updated_at = now()"
        " WHERE id = %s AND state <> 'deleting' RETURNING id",
        asset_id,
    )
    if row:
        await outbox.put(tx, "assets.deleted", AssetDeleted.of(await _locked(tx, asset_id)))


async def retry(tx: Tx, asset_id: AssetId) -> State:
    """A new run of a failed asset, from its original where there is one; raises Conflict unless it failed."""
    asset = await _locked(tx, asset_id)
    if asset.state is not State.FAILED:
        raise Conflict("only what failed can be tried again", state=asset.state)
    state = State.UPLOADED if asset.content_type else State.NEW
    await tx.execute(
        "UPDATE assets SET state = %s, reason = NULL, run = run + 1, updated_at = now() WHERE id = %s",
        [state, asset_id],
    )
    now = await _locked(tx, asset_id)
    if state is State.UPLOADED:
        await outbox.put(tx, "assets.uploaded", AssetUploaded.of(now))
    else:
        await outbox.put(tx, "storage.events", ObjectArrived(asset_id=asset_id))
    return state


async def redo(tx: Tx, asset_id: AssetId) -> None:
    """Through the pipeline once more, from the state it is in: for repairs of effects that went missing."""
    await tx.execute("UPDATE assets SET run = run + 1, updated_at = now() WHERE id = %s", [asset_id])
    await outbox.put(tx, "assets.uploaded", AssetUploaded.of(await _locked(tx, asset_id)))


async def reindex(tx: Tx, asset_id: AssetId) -> None:
    """Into the index once more."""
    await tx.execute("UPDATE assets SET run = run + 1, updated_at = now() WHERE id = %s", [asset_id])
    await outbox.put(tx, "assets.processed", AssetProcessed.of(await _locked(tx, asset_id)))


async def purge_again(tx: Tx, asset_id: AssetId) -> None:
    """Once more what makes away with an asset that is on its way out."""
    await tx.execute("UPDATE assets SET run = run + 1, updated_at = now() WHERE id = %s", [asset_id])
    await outbox.put(tx, "assets.deleted", AssetDeleted.of(await _locked(tx, asset_id)))


async def _locked(tx: Tx, asset_id: AssetId) -> Asset:
    asset = await assets.find(tx, asset_id, lock=True)
    if asset is None:
        raise NotFound
    return asset
