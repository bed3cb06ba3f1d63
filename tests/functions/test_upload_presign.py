"""upload_presign: forms, one asset for the same bytes of one owner, limits, and word of the bytes."""

import hashlib

import pytest

from functions.core.errors import Conflict, Limited, NotFound, TooLarge
from functions.core.ids import AssetId, UserId
from functions.core.postgres import upkeep
from functions.core.runtime.run import World
from functions.upload_presign import handler as uploads
from functions.upload_presign.contract import CheckUploads, PresignUpload
from functions.upload_presign.handler import Presigned
from tests.support.images import a_png
from tests.support.runs import arrived, outbox, ready, row, rule, write
from tests.support.worlds import a_user, an_upload, state_of

DATA = a_png(1)


def declared(data: bytes = DATA, size: int | None = None) -> PresignUpload:
    digest = hashlib.sha256(data).hexdigest()
    return PresignUpload(name="a.png", size=size or len(data), content_type="image/png", sha256=digest)


async def ask(world: World, owner: UserId, data: bytes = DATA) -> Presigned:
    return await uploads.presign(world, owner, declared(data))


async def test_the_same_bytes_are_the_same_asset_with_a_fresh_form_until_they_come(world: World) -> None:
    owner = await a_user(world)
    first, again = await ask(world, owner), await ask(world, owner)
    assert again.upload.asset_id == first.upload.asset_id
    assert again.upload.upload is not None
    assert not again.upload.duplicate


async def test_bytes_that_are_here_need_not_be_sent_again(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [DATA])
    again = await ask(world, owner)
    assert (again.upload.asset_id, again.upload.duplicate, again.upload.upload) == (asset, True, None)
    digest = hashlib.sha256(DATA).hexdigest()
    known = await uploads.check(world, owner, CheckUploads(sha256=[digest, "0" * 64]))
    assert known.known == {digest: asset}


async def test_sending_trashed_bytes_again_takes_them_out_of_the_trash(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [DATA])
    async with world.database.transaction() as tx:
        await upkeep.trash(tx, asset)
    assert (await ask(world, owner)).upload.asset_id == asset
    assert (await row(world, asset))["trashed_at"] is None


async def test_sending_failed_bytes_again_is_a_new_run(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, DATA)
    await arrived(world, asset)
    await write(world, "UPDATE assets SET state = 'failed', reason = 'internal_error' WHERE id = %s", asset)
    again = await ask(world, owner)
    now = await row(world, asset)
    assert (again.upload.asset_id, again.upload.state) == (asset, "uploaded")
    assert (now["run"], now["reason"]) == (1, None)
    assert (await outbox(world))[-1][0] == "assets.uploaded"


async def test_sending_rejected_bytes_again_gets_the_same_verdict(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, b"\x89PNG\r\n\x1a\nbroken", kind="image/jpeg")
    await arrived(world, asset)
    assert await state_of(world, asset) == "rejected"
    again = await ask(world, owner, b"\x89PNG\r\n\x1a\nbroken")
    assert (again.upload.asset_id, again.upload.state, again.upload.upload) == (asset, "rejected", None)


async def test_after_a_delete_the_same_bytes_are_a_new_asset(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, DATA)
    async with world.database.transaction() as tx:
        await upkeep.delete(tx, asset)
    assert (await ask(world, owner)).upload.asset_id != asset


@pytest.mark.promises("S43")
async def test_what_somebody_else_has_is_neither_shared_nor_betrayed(world: World) -> None:
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    [hers] = await ready(world, ann, [DATA])
    his = await ask(world, bob)
    assert his.created
    assert his.upload.asset_id != hers
    assert his.upload.upload is not None
    assert not his.upload.duplicate
    assert (await uploads.check(world, bob, CheckUploads(sha256=[hashlib.sha256(DATA).hexdigest()]))).known == {}


async def test_limits_are_kept_and_say_which(world: World) -> None:
    owner = await a_user(world)
    rule(world, max_bytes=100)
    with pytest.raises(TooLarge):
        await uploads.presign(world, owner, declared(size=101))
    rule(world, uploads_pending=1)
    await ask(world, owner, b"one")
    with pytest.raises(Limited) as limited:
        await ask(world, owner, b"two")
    assert limited.value.facts["retry_after"] == 5
    rule(world, quota_bytes=10)
    with pytest.raises(TooLarge):
        await ask(world, owner, b"twelve bytes")
    rule(world, uploads_per_day=1)
    with pytest.raises(Limited):
        await ask(world, owner, b"three")


async def test_complete_is_refused_before_the_bytes_are_there(world: World) -> None:
    owner = await a_user(world)
    asset = AssetId((await ask(world, owner)).upload.asset_id)
    with pytest.raises(Conflict):
        await uploads.complete(world, owner, asset)
    assert await outbox(world) == []


async def test_complete_is_news_once_and_only_for_the_owner(world: World) -> None:
    owner, other = await a_user(world), await a_user(world, "Bob")
    asset = await an_upload(world, owner, DATA)
    with pytest.raises(NotFound):
        await uploads.complete(world, other, asset)
    assert [(await uploads.complete(world, owner, asset))[1] for _ in range(2)] == [True, False]
    assert [topic for topic, _ in await outbox(world)] == ["storage.events"]


async def test_complete_is_news_also_when_the_store_was_quicker_and_then_nothing_is_said_twice(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, DATA)
    await arrived(world, asset)
    told = [await uploads.complete(world, owner, asset) for _ in range(2)]
    assert [(done.state, news) for done, news in told] == [("uploaded", True), ("uploaded", False)]
    assert await outbox(world) == []


async def test_the_quota_cannot_be_passed_by_asking_for_the_same_bytes_again(world: World) -> None:
    owner = await a_user(world)
    rule(world, quota_bytes=100)
    small = {"name": "a.png", "content_type": "image/png", "sha256": hashlib.sha256(b"x").hexdigest()}
    await uploads.presign(world, owner, PresignUpload.model_validate(small | {"size": 1}))
    await uploads.presign(world, owner, PresignUpload.model_validate(small | {"size": 100}))
    with pytest.raises(TooLarge):
        await uploads.presign(world, owner, PresignUpload.model_validate(small | {"size": 101}))
