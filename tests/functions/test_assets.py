"""assets: what owners do with theirs; what somebody may not see is not there."""

from collections.abc import Awaitable

import pytest

from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset, ListAssets
from functions.core.errors import Conflict, Malformed, NotFound, PreconditionFailed
from functions.core.ids import AssetId
from functions.core.runtime.run import World
from functions.search import handler as search
from tests.support.images import a_jpeg
from tests.support.runs import outbox, ready, row, write
from tests.support.worlds import a_desk, a_user, an_upload, state_of


async def test_a_list_is_newest_first_and_its_pages_have_neither_gaps_nor_doubles(world: World) -> None:
    owner = await a_user(world)
    made = [await an_upload(world, owner, bytes([number])) for number in range(7)]
    seen, cursor = list[AssetId](), None
    for expected in (3, 3, 1):
        page = await assets.page(world, a_desk(owner), ListAssets(owner="me", limit=3, cursor=cursor))
        assert len(page.items) == expected
        seen, cursor = seen + [AssetId(item.id) for item in page.items], page.next_cursor
    assert cursor is None
    assert seen == made[::-1]
    oldest = await assets.page(world, a_desk(owner), ListAssets(owner="me", sort="createdAt", limit=1))
    assert oldest.items[0].id == made[0]
    assert (await assets.page(world, a_desk(owner), ListAssets())).items == [], "without an owner only what is ready"


async def test_a_cursor_of_something_else_is_refused(world: World) -> None:
    owner = await a_user(world)
    with pytest.raises(Malformed):
        await assets.page(world, a_desk(owner), ListAssets(owner="me", cursor="1.e30.AAAA"))


async def test_a_change_is_made_from_the_revision_that_was_seen(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, a_jpeg(1))
    desk = a_desk(owner)
    changed, revision = await assets.change(world, desk, asset, ChangeAsset(title=" Sea \x07", tags=["B", "a", "b"]), 1)
    assert (changed.title, sorted(tag.name for tag in changed.tags), revision) == ("Sea", ["a", "b"], 2)
    with pytest.raises(PreconditionFailed):
        await assets.change(world, desk, asset, ChangeAsset(title="Lake"), 1)
    kept, _ = await assets.change(world, desk, asset, ChangeAsset(visibility="public"), 2)
    assert (kept.title, kept.visibility) == ("Sea", "public")


async def test_the_trash_keeps_its_first_date_and_gives_back(world: World) -> None:
    owner = await a_user(world)
    desk = a_desk(owner)
    [asset] = await ready(world, owner, [a_jpeg(2)])
    await assets.delete(world, desk, asset, permanent=False)
    first = (await row(world, asset))["trashed_at"]
    await assets.delete(world, desk, asset, permanent=False)
    assert (await row(world, asset))["trashed_at"] == first
    assert (await assets.page(world, desk, ListAssets(owner="me"))).items == []
    assert len((await assets.page(world, desk, ListAssets(owner="me", trashed=True))).items) == 1
    assert (await assets.restore(world, desk, asset)).trashed_at is None
    assert len((await assets.page(world, desk, ListAssets(owner="me"))).items) == 1


async def test_only_what_failed_can_be_tried_again(world: World) -> None:
    owner = await a_user(world)
    desk = a_desk(owner)
    asset = await an_upload(world, owner, a_jpeg(3))
    with pytest.raises(Conflict):
        await assets.retry(world, desk, asset)
    await write(world, "UPDATE assets SET state = 'failed', reason = 'internal_error' WHERE id = %s", asset)
    failed, _ = await assets.one(world, desk, asset)
    assert failed.reason == "internal_error"
    assert "our side" in (failed.reason_text or "")
    assert (await assets.retry(world, desk, asset)).state == "new"
    assert [topic for topic, _ in await outbox(world)] == ["storage.events"]


async def test_the_timeline_tells_of_every_step(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(4)])
    told = (await assets.timeline(world, a_desk(owner), asset)).items
    assert [each.step for each in told] == ["ingest", "thumbnail", "embed", "moderate", "index"]
    assert {(each.state, each.run, each.attempts, each.error) for each in told} == {("done", 0, 1, None)}
    assert all(each.finished_at and each.finished_at >= each.started_at for each in told)


async def test_a_deleted_asset_is_gone_at_once(world: World) -> None:
    owner = await a_user(world)
    desk = a_desk(owner)
    [asset] = await ready(world, owner, [a_jpeg(5)])
    await assets.delete(world, desk, asset, permanent=True)
    assert await state_of(world, asset) == "deleting"
    for asked in (assets.one(world, desk, asset), search.similar(world, desk, asset, 3)):
        with pytest.raises(NotFound):
            await asked
    with pytest.raises(NotFound):
        await assets.restore(world, desk, asset)


async def test_somebody_elses_assets_are_not_there(world: World) -> None:
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    [hers] = await ready(world, ann, [a_jpeg(6)])
    await assets.change(world, a_desk(ann), hers, ChangeAsset(visibility="public"), 1)
    desk = a_desk(bob)
    seen, _ = await assets.one(world, desk, hers)
    assert (seen.sha256, seen.exif, seen.reason) == (None, None, None)
    refused: list[Awaitable[object]] = [
        assets.change(world, desk, hers, ChangeAsset(title="mine"), 2),
        assets.delete(world, desk, hers, permanent=True),
        assets.restore(world, desk, hers),
        assets.retry(world, desk, hers),
        assets.timeline(world, desk, hers),
        assets.original(world, desk, hers),
    ]
    for asked in refused:
        with pytest.raises(NotFound):
            await asked
    assert (await row(world, hers))["title"] == ""
