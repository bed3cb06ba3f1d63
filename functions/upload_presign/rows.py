"""The SQL of upload_presign."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from functions.core.errors import NotFound
from functions.core.ids import AssetId, UserId, uuid7
from functions.core.model import State
from functions.core.postgres.assets import refresh_words
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows
from functions.upload_presign.contract import PresignUpload


@dataclass(frozen=True, slots=True)
class Twin:
    """The living asset of the same owner with the same bytes."""

    id: AssetId
    state: State
    trashed: bool
    has_bytes: bool
    """Whether they need not be sent: an upload that is still to come, or failed before it was taken in, waits for them."""


async def lock_owner(tx: Tx, owner: UserId) -> None:
    """One presign of one owner at a time, until the transaction ends."""
    await tx.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [owner])


async def living_twin(tx: Tx, owner: UserId, sha256: bytes) -> Twin | None:
    """The asset that already has these bytes, or waits for them."""
    row = await one(
        tx,
        "SELECT id, state, trashed_at IS NOT NULL AS trashed, CASE state WHEN 'new' THEN completed_at IS NOT NULL"
        " WHEN 'failed' THEN content_type IS NOT NULL ELSE true END AS has_bytes FROM assets"
        " WHERE owner = %s AND sha256 = %s AND state NOT IN ('expired', 'deleting')",
        owner, sha256,
    )  # fmt: skip
    return Twin(AssetId(row["id"]), State(row["state"]), row["trashed"], row["has_bytes"]) if row else None


async def expect(tx: Tx, owner: UserId, wanted: PresignUpload, twin: Twin | None, until: datetime) -> AssetId:
    """The row that waits for the bytes: the one there is, with a fresh form, or a new one."""
    if twin:
        await tx.execute(
            "UPDATE assets SET form_expires_at = %s, size = %s, declared_type = %s, trashed_at = NULL, updated_at = now(),"
            " run = run + (state = 'failed')::int, state = 'new', reason = NULL, completed_at = NULL WHERE id = %s",
            [until, wanted.size, wanted.content_type, twin.id],
        )
        return twin.id
    asset = AssetId(uuid7())
    await tx.execute(
        "INSERT INTO assets (id, owner, state, name, declared_type, size, sha256, form_expires_at, visibility)"
        " VALUES (%s, %s, 'new', %s, %s, %s, %s, %s,"
        " coalesce((SELECT settings ->> 'defaultVisibility' FROM users WHERE id = %s), 'private'))",
        [asset, owner, wanted.name, wanted.content_type, wanted.size, bytes.fromhex(wanted.sha256), until, owner],
    )
    await refresh_words(tx, asset)
    return asset


async def known(tx: Tx, owner: UserId, digests: list[bytes]) -> dict[str, UUID]:
    """The owner's assets whose bytes have come, by sha256; a trashed or failed one is to be sent again."""
    found = await all_rows(
        tx,
        "SELECT encode(sha256, 'hex') AS sha256, id FROM assets WHERE owner = %s AND sha256 = ANY(%s)"
        " AND (state IN ('uploaded', 'processed', 'ready', 'rejected') OR (state = 'new' AND completed_at IS NOT NULL))"
        " AND trashed_at IS NULL",
        owner, digests,
    )  # fmt: skip
    return {row["sha256"]: row["id"] for row in found}


async def state_of(tx: Tx, owner: UserId, asset: AssetId) -> tuple[State, bool]:
    """The state of an asset of this owner, and whether its form's time is over; or NotFound."""
    row = await one(
        tx, "SELECT state, form_expires_at <= now() AS late FROM assets WHERE id = %s AND owner = %s AND state <> 'deleting'",
        asset, owner,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return State(row["state"]), row["late"]


async def note_complete(tx: Tx, asset: AssetId) -> State | None:
    """Remember that the client said so; the state the first time, None when it is no news."""
    row = await one(
        tx, "UPDATE assets SET completed_at = now() WHERE id = %s AND completed_at IS NULL RETURNING state", asset
    )
    return State(row["state"]) if row else None
