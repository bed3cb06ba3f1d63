"""collections: an order that holds under races, shown to each as far as they may see what is in it."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from functions.assets import handler as assets
from functions.assets.contract import ListAssets
from functions.collections import handler
from functions.collections.contract import (
    AddItems,
    ChangeCollection,
    ListCollections,
    MakeCollection,
    MoveItem,
    RemoveItems,
)
from functions.core.catalog import order
from functions.core.catalog.contract import Part
from functions.core.errors import CursorExpired, Malformed, NotFound, PreconditionFailed, TooMany
from functions.core.ids import AssetId, UserId
from functions.core.runtime.run import World
from tests.support.runs import count, write
from tests.support.worlds import a_desk, a_user, an_upload


async def some_assets(world: World, owner: UserId, number: int) -> list[UUID]:
    """Assets that others could see if they were public."""
    made = [UUID(str(await an_upload(world, owner, f"{owner} {each}".encode()))) for each in range(number)]
    await write(world, "UPDATE assets SET state = 'ready', moderation = 'approved' WHERE id = ANY(%s)", made)
    return made


async def a_collection(world: World, owner: UserId, items: list[UUID], visibility: str = "private") -> UUID:
    wanted = MakeCollection.model_validate({"title": "Harbours", "visibility": visibility})
    made, _ = await handler.make(world, a_desk(owner), owner, wanted)
    if items:
        await handler.add(world, owner, made.id, AddItems(asset_ids=items))
    return made.id


async def order_of(world: World, viewer: UserId | None, collection: UUID, limit: int = 100) -> list[UUID]:
    """Every item that somebody sees, by pages."""
    page = await handler.items(world, a_desk(viewer), collection, Part(limit=limit))
    seen = [item.id for item in page.items]
    while page.next_cursor:
        assert len(page.items) == limit
        page = await handler.items(world, a_desk(viewer), collection, Part(limit=limit, cursor=page.next_cursor))
        seen += [item.id for item in page.items]
    return seen


async def test_items_stay_in_their_order_and_each_once(world: World) -> None:
    owner = await a_user(world)
    made = await some_assets(world, owner, 6)
    collection = await a_collection(world, owner, [made[2], made[0], made[2]])
    assert (await handler.add(world, owner, collection, AddItems(asset_ids=[made[0], made[1]]))).changed == 1
    assert (await handler.add(world, owner, collection, AddItems(asset_ids=made[3:5], before=made[0]))).changed == 2
    assert (await handler.add(world, owner, collection, AddItems(asset_ids=[made[5]], after=made[2]))).changed == 1
    expected = [made[2], made[5], made[3], made[4], made[0], made[1]]
    assert await order_of(world, owner, collection, limit=2) == expected
    assert (await handler.remove(world, owner, collection, RemoveItems(asset_ids=[made[5], uuid4()]))).changed == 1
    assert await order_of(world, owner, collection) == [each for each in expected if each != made[5]]
    assert await count(world, "SELECT count(*) FROM assets") == 6, "the assets stay"


async def test_a_thousand_moves_end_as_in_a_plain_list_and_room_is_made_where_it_ends(world: World) -> None:
    rng = random.Random(20261124)
    owner = await a_user(world)
    plain = await some_assets(world, owner, 5)
    collection = await a_collection(world, owner, plain)
    for number in range(200):
        moved, beside = (plain[1], plain[2]) if number < 80 else rng.sample(plain, 2)
        before = number < 80 or rng.random() < 0.5
        if number < 80:  # always into the same place
            moved, beside = plain[0], plain[2]
        plain.remove(moved)
        plain.insert(plain.index(beside) + (0 if before else 1), moved)
        wanted = MoveItem(before=beside) if before else MoveItem(after=beside)
        await handler.move(world, owner, collection, moved, wanted)
        if number % 10 == 0:
            assert await order_of(world, owner, collection) == plain
    assert await order_of(world, owner, collection) == plain
    await handler.move(world, owner, collection, plain[0], MoveItem(after=plain[0]))
    assert await order_of(world, owner, collection) == plain, "beside itself is where it is"


async def test_a_move_writes_one_row(world: World) -> None:
    owner = await a_user(world)
    made = await some_assets(world, owner, 4)
    collection = await a_collection(world, owner, made)
    stamp = "SELECT count(DISTINCT xmin::text) FROM collection_items WHERE collection_id = %s"
    assert await count(world, stamp, collection) == 1
    await handler.move(world, owner, collection, made[3], MoveItem(before=made[1]))
    changed = "SELECT count(*) FROM collection_items GROUP BY xmin::text ORDER BY 1"
    assert await count(world, changed) == 1
    assert await order_of(world, owner, collection) == [made[0], made[3], made[1], made[2]]


async def test_moves_and_additions_at_the_same_time_lose_and_double_nothing(world: World) -> None:
    owner = await a_user(world)
    made = await some_assets(world, owner, 24)
    collection = await a_collection(world, owner, made[:4])
    await asyncio.gather(
        *(handler.add(world, owner, collection, AddItems(asset_ids=[each], before=made[0])) for each in made[4:14]),
        *(handler.add(world, owner, collection, AddItems(asset_ids=[each], after=made[0])) for each in made[10:24]),
        *(handler.move(world, owner, collection, made[2], MoveItem(before=made[0])) for _ in range(6)),
    )
    assert sorted(await order_of(world, owner, collection)) == sorted(made)


@pytest.mark.promises("S43")
async def test_only_ones_own_assets_go_in_and_then_all_of_them_or_none(world: World) -> None:
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    mine, theirs = await some_assets(world, ann, 2), await some_assets(world, bob, 1)
    await write(world, "UPDATE assets SET visibility = 'public'")
    collection = await a_collection(world, ann, [])
    for stranger in (theirs[0], uuid4()):
        with pytest.raises(NotFound) as refused:
            await handler.add(world, ann, collection, AddItems(asset_ids=[mine[0], stranger]))
        assert refused.value.detail == "not all of these are assets of yours"
    await write(world, "UPDATE assets SET state = 'deleting' WHERE id = %s", mine[1])
    with pytest.raises(NotFound):
        await handler.add(world, ann, collection, AddItems(asset_ids=mine))
    with pytest.raises(NotFound):
        await handler.add(world, ann, collection, AddItems(asset_ids=mine[:1], before=uuid4()))
    assert await order_of(world, ann, collection) == []


async def test_a_full_collection_takes_no_more_also_in_a_race(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "MOST_ITEMS", 5)
    owner = await a_user(world)
    made = await some_assets(world, owner, 9)
    collection = await a_collection(world, owner, made[:2])
    wanted = [handler.add(world, owner, collection, AddItems(asset_ids=[each])) for each in made[2:]]
    done = await asyncio.gather(*wanted, return_exceptions=True)
    assert sum(isinstance(each, TooMany) for each in done) == 4
    assert len(await order_of(world, owner, collection)) == 5
    assert (await handler.add(world, owner, collection, AddItems(asset_ids=made[:2]))).changed == 0


@pytest.mark.promises("S44", "S50")
async def test_others_see_of_a_public_collection_only_what_they_may_see_anyway(world: World) -> None:
    owner, other = await a_user(world, "Ann"), await a_user(world, "Bob")
    made = await some_assets(world, owner, 12)
    collection = await a_collection(world, owner, made, "public")
    shown = [made[3], made[7], made[8], made[11]]
    await write(world, "UPDATE assets SET visibility = 'public' WHERE id = ANY(%s)", [*shown, made[1], made[9]])
    await write(world, "UPDATE assets SET moderation = 'pending' WHERE id = %s", made[1])
    await write(world, "UPDATE assets SET trashed_at = now() WHERE id = %s", made[9])
    await write(world, "UPDATE assets SET visibility = 'unlisted' WHERE id = %s", made[5])
    for viewer in (other, None):
        assert await order_of(world, viewer, collection, limit=2) == shown
        told, _ = await handler.one(world, a_desk(viewer), collection)
        assert (told.count, told.cover and told.cover.id) == (4, made[3])
    mine, revision = await handler.one(world, a_desk(owner), collection)
    assert (mine.count, mine.cover and mine.cover.id) == (11, made[0])
    await handler.change(world, a_desk(owner), owner, collection, ChangeCollection(cover_asset_id=made[7]), revision)
    for viewer in (owner, other):
        told, _ = await handler.one(world, a_desk(viewer), collection)
        assert told.cover
        assert told.cover.id == made[7]
    listed = await assets.page(world, a_desk(other), ListAssets(collection=collection, sort="createdAt"))
    assert [item.id for item in listed.items] == shown


@pytest.mark.promises("S50")
@pytest.mark.parametrize("visibility", ["private", "unlisted"])
async def test_what_is_not_public_is_not_there_for_others(world: World, visibility: str) -> None:
    owner, other = await a_user(world, "Ann"), await a_user(world, "Bob")
    made = await some_assets(world, owner, 1)
    await write(world, "UPDATE assets SET visibility = 'public'")
    collection = await a_collection(world, owner, made, visibility)
    for viewer in (other, None):
        desk = a_desk(viewer)
        for asked in (
            handler.one(world, desk, collection),
            handler.items(world, desk, collection, Part()),
            assets.page(world, desk, ListAssets(collection=collection)),
        ):
            with pytest.raises(NotFound):
                await asked
        assert (await handler.page(world, desk, ListCollections(owner=str(owner)))).items == []
    for change in (
        handler.change(world, a_desk(other), other, collection, ChangeCollection(title="Mine"), 1),
        handler.delete(world, other, collection),
        handler.add(world, other, collection, AddItems(asset_ids=made)),
        handler.move(world, other, collection, made[0], MoveItem(after=made[0])),
        handler.remove(world, other, collection, RemoveItems(asset_ids=made)),
    ):
        with pytest.raises(NotFound):
            await change
    assert await order_of(world, owner, collection) == made


async def test_a_ban_hides_collections_with_their_owner(world: World) -> None:
    owner, other = await a_user(world, "Ann"), await a_user(world, "Bob")
    collection = await a_collection(world, owner, [], "public")
    await handler.one(world, a_desk(other), collection)
    await write(world, "UPDATE users SET banned_at = now() WHERE id = %s", owner)
    with pytest.raises(NotFound):
        await handler.one(world, a_desk(other), collection)


async def test_a_change_is_made_from_the_revision_that_was_seen(world: World) -> None:
    owner = await a_user(world)
    made = await some_assets(world, owner, 2)
    collection = await a_collection(world, owner, made[:1])
    desk = a_desk(owner)
    wanted = ChangeCollection(title="Ports", description="All.", visibility="public")
    told, revision = await handler.change(world, desk, owner, collection, wanted, 1)
    assert (told.title, told.description, told.visibility, revision) == ("Ports", "All.", "public", 2)
    with pytest.raises(PreconditionFailed):
        await handler.change(world, desk, owner, collection, ChangeCollection(title="Lakes"), 1)
    with pytest.raises(NotFound):
        await handler.change(world, desk, owner, collection, ChangeCollection(cover_asset_id=made[1]), 2)
    results = await asyncio.gather(
        *(handler.change(world, desk, owner, collection, ChangeCollection(title=f"T{n}"), 2) for n in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, PreconditionFailed) for each in results) == 4


async def test_pages_of_collections_have_neither_gaps_nor_doubles(world: World) -> None:
    owner = await a_user(world)
    made = [await a_collection(world, owner, []) for _ in range(5)]
    seen, cursor = list[UUID](), None
    for expected in (2, 2, 1):
        asked = ListCollections(owner="me", limit=2, cursor=cursor)
        page = await handler.page(world, a_desk(owner), asked)
        assert len(page.items) == expected
        seen, cursor = seen + [item.id for item in page.items], page.next_cursor
    assert (seen, cursor) == (made[::-1], None)
    with pytest.raises(Malformed):
        await handler.page(world, a_desk(owner), ListCollections(cursor="t.e30.AAAA"))


async def test_a_page_goes_on_after_its_last_item_wherever_that_is_now(world: World) -> None:
    owner = await a_user(world)
    made = await some_assets(world, owner, 4)
    collection, other = await a_collection(world, owner, made), await a_collection(world, owner, made)
    page = await handler.items(world, a_desk(owner), collection, Part(limit=2))
    with pytest.raises(Malformed):
        await handler.items(world, a_desk(owner), other, Part(cursor=page.next_cursor))
    await handler.move(world, owner, collection, made[1], MoveItem(after=made[2]))
    further = await handler.items(world, a_desk(owner), collection, Part(cursor=page.next_cursor))
    assert [item.id for item in further.items] == [made[3]]
    await handler.remove(world, owner, collection, RemoveItems(asset_ids=[made[1]]))
    with pytest.raises(CursorExpired):
        await handler.items(world, a_desk(owner), collection, Part(cursor=page.next_cursor))


async def test_a_purged_asset_leaves_its_collections(world: World) -> None:
    owner = await a_user(world)
    made = await some_assets(world, owner, 2)
    collection = await a_collection(world, owner, made)
    await handler.change(world, a_desk(owner), owner, collection, ChangeCollection(cover_asset_id=made[0]), 1)
    await write(world, "DELETE FROM assets WHERE id = %s", AssetId(made[0]))
    told, _ = await handler.one(world, a_desk(owner), collection)
    assert (told.count, told.cover and told.cover.id) == (1, made[1])
