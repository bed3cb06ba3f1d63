"""Gives out upload forms, one asset for the same bytes of one owner, and hears that bytes have come."""

from dataclasses import dataclass, replace
from typing import Final

from events.types import ObjectArrived
from functions.core.errors import Conflict, Gone, Limited, NotFound, TooLarge
from functions.core.ids import AssetId, UserId
from functions.core.model import FORM_LIFE, State, incoming_key
from functions.core.ports import UploadForm
from functions.core.postgres import audit_log, outbox, upkeep, usage
from functions.core.runtime.run import World
from functions.core.runtime.step import Rules
from functions.core.times import utcnow
from functions.core.tx import Tx
from functions.upload_presign import rows
from functions.upload_presign.contract import CheckUploads, CompletedOut, FormOut, KnownOut, PresignUpload, UploadOut
from functions.upload_presign.rows import Twin

EXPIRED: Final = "this upload has expired: ask for a new form"


@dataclass(frozen=True, slots=True)
class Presigned:
    """The answer, and whether something was made."""

    upload: UploadOut
    created: bool


async def presign(world: World, owner: UserId, wanted: PresignUpload, *, daily: bool = True) -> Presigned:
    """An asset and its form; the same bytes of one owner are one asset. Raises TooLarge or Limited over the limits.

    `daily` is whether the limit of a day holds for this owner.
    """
    rules = world.ports.rules if daily else replace(world.ports.rules, uploads_per_day=0)
    if wanted.size > rules.max_bytes:
        raise TooLarge(f"files may have {rules.max_bytes} bytes at most", max_bytes=rules.max_bytes)
    async with world.database.transaction() as tx:
        await rows.lock_owner(tx, owner)
        twin = await rows.living_twin(tx, owner, bytes.fromhex(wanted.sha256))
        if twin and twin.has_bytes:
            return Presigned(await _again(tx, owner, twin), created=False)
        await _within_quota(tx, owner, wanted.size, rules, twin)
        asset = await rows.expect(tx, owner, wanted, twin, utcnow() + FORM_LIFE)
        if twin and twin.trashed:
            await audit_log.note(tx, owner, "asset.restored", f"asset:{asset}")
        await audit_log.note(tx, owner, "upload.begun", f"asset:{asset}", after={"sha256": wanted.sha256})
    form = await world.ports.objects.presign_post(asset, wanted.content_type, wanted.size, bytes.fromhex(wanted.sha256))
    return Presigned(UploadOut(asset_id=asset, state=State.NEW, upload=_told(form)), created=True)


async def _again(tx: Tx, owner: UserId, twin: Twin) -> UploadOut:
    """The bytes are here: out of the trash with them, or once more through the pipeline where that failed."""
    state = twin.state
    if twin.trashed:
        await upkeep.restore(tx, twin.id)
    if state is State.FAILED:
        state = await upkeep.retry(tx, twin.id)
    if twin.trashed:
        await audit_log.note(tx, owner, "asset.restored", f"asset:{twin.id}")
    return UploadOut(asset_id=twin.id, state=state, duplicate=True)


async def _within_quota(tx: Tx, owner: UserId, size: int, rules: Rules, twin: Twin | None) -> None:
    """Raise Limited or TooLarge; the owner's row is locked, so that a race cannot pass."""
    now = await usage.used(tx, owner, twin.id if twin else None)
    if now.pending >= rules.uploads_pending:
        raise Limited("too many uploads are under way", retry_after=5, limit=rules.uploads_pending)
    if rules.uploads_per_day and now.today >= rules.uploads_per_day:
        raise Limited("no more uploads today", retry_after=3600, limit=rules.uploads_per_day)
    if rules.quota_count and now.assets >= rules.quota_count:
        raise TooLarge("this would go over the quota", quota_count=rules.quota_count, used_count=now.assets)
    if rules.quota_bytes and now.bytes + size > rules.quota_bytes:
        raise TooLarge("this would go over the quota", quota_bytes=rules.quota_bytes, used_bytes=now.bytes)


def _told(form: UploadForm) -> FormOut:
    return FormOut(url=form.url, fields=dict(form.fields), expires_at=form.expires_at)


async def check(world: World, owner: UserId, asked: CheckUploads) -> KnownOut:
    """Which of these bytes the owner has here and need not send."""
    async with world.database.transaction() as tx:
        return KnownOut(known=await rows.known(tx, owner, [bytes.fromhex(digest) for digest in asked.sha256]))


async def complete(world: World, owner: UserId, asset_id: AssetId) -> tuple[CompletedOut, bool]:
    """Say that the bytes are there; True the first time, also when the store's word was quicker.

    Raises NotFound for an asset of somebody else, Conflict before the object is there, Gone once it can no more come.
    """
    async with world.database.transaction() as tx:
        state, late = await rows.state_of(tx, owner, asset_id)
    if state is State.EXPIRED:
        raise Gone(EXPIRED)
    if state is State.NEW:
        await _ensure_there(world, asset_id, late=late)
    async with world.database.transaction() as tx:
        news = await rows.note_complete(tx, asset_id)
        if news is State.NEW:
            await outbox.put(tx, "storage.events", ObjectArrived(asset_id=asset_id))
        return CompletedOut(asset_id=asset_id, state=news or state), news is not None


async def _ensure_there(world: World, asset_id: AssetId, *, late: bool) -> None:
    try:
        await world.ports.objects.stat(incoming_key(asset_id))
    except NotFound:
        raise (Gone(EXPIRED) if late else Conflict("the file has not arrived yet")) from None
