"""POST /v1/assets/bulk: one change to many assets, each answered by itself."""

import asyncio
import random
import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from functions.core.ids import AssetId
from functions.core.tx import rows
from tests.support.doors import Answer, Gallery, Person


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def bulk(gallery: Gallery, who: Person, ids: list[AssetId], **change: Any) -> Answer:
    return await gallery.post("/v1/assets/bulk", who, json={"ids": [str(one) for one in ids], "change": change})


async def columns(gallery: Gallery, asset: AssetId) -> dict[str, Any]:
    return await gallery.row("SELECT * FROM assets WHERE id = %s", asset)


async def tags_of(gallery: Gallery, who: Person, asset: AssetId) -> dict[str, str]:
    told = (await gallery.get(f"/v1/assets/{asset}", who)).json["tags"]
    return {tag["name"]: tag["source"] for tag in told}


async def facts_about(gallery: Gallery, assets: list[AssetId]) -> list[tuple[str, str]]:
    async with gallery.world.database.transaction() as tx:
        found = await rows(tx, "SELECT topic, key FROM outbox WHERE key = ANY(%s)", [str(asset) for asset in assets])
    return sorted((row["topic"], row["key"]) for row in found)


async def test_a_change_reaches_every_asset_whole_and_is_told_once_for_each(gallery: Gallery, person: Person) -> None:
    assets = [await gallery.a_picture(person, title=f"Boat {n}") for n in range(3)]
    await gallery.do("INSERT INTO tags VALUES (%s, 'fog', 'person', 1)", assets[0])
    answer = await bulk(gallery, person, assets, addTags=["Sea", "dawn"], removeTags=["fog"], visibility="public")
    assert answer.json == {"items": [{"id": str(asset), "ok": True, "code": None} for asset in assets]}
    for asset in assets:
        assert await tags_of(gallery, person, asset) == {"sea": "person", "dawn": "person"}
        now = await columns(gallery, asset)
        assert (now["visibility"], now["revision"], now["change"]) == ("public", 2, 1)
        assert "dawn" in now["words"]
    assert await facts_about(gallery, assets) == sorted(("assets.changed", str(asset)) for asset in assets)


async def test_trash_and_restore_keep_the_first_date_and_the_etag(gallery: Gallery, person: Person) -> None:
    assets = [await gallery.a_picture(person) for _ in range(2)]
    await bulk(gallery, person, assets[:1], trash=True)
    first = (await columns(gallery, assets[0]))["trashed_at"]
    assert first
    await bulk(gallery, person, assets, trash=True)
    now = [await columns(gallery, asset) for asset in assets]
    assert now[0]["trashed_at"] == first < now[1]["trashed_at"]
    assert [each["revision"] for each in now] == [1, 1]
    await bulk(gallery, person, assets, restore=True)
    assert [(await columns(gallery, asset))["trashed_at"] for asset in assets] == [None, None]


@pytest.mark.promises("S42")
async def test_what_is_of_others_unknown_or_on_its_way_out_is_not_found_and_left_alone(
    gallery: Gallery, person: Person
) -> None:
    other = await gallery.a_person()
    mine = await gallery.a_picture(person)
    public, leaving = (
        await gallery.a_picture(other, visibility="public"),
        await gallery.a_picture(person, state="deleting"),
    )
    unknown = AssetId(uuid4())
    asked = [public, mine, unknown, leaving, mine]
    answer = await bulk(gallery, person, asked, addTags=["mine"], visibility="unlisted", trash=True)
    assert [(UUID(item["id"]), item["ok"], item["code"]) for item in answer.json["items"]] == [
        (public, False, "not_found"), (mine, True, None), (unknown, False, "not_found"), (leaving, False, "not_found"),
    ]  # fmt: skip
    assert (await columns(gallery, public))["visibility"] == "public"
    assert (await columns(gallery, public))["change"] == 0
    assert await tags_of(gallery, other, public) == {}
    assert await facts_about(gallery, asked) == [("assets.changed", str(mine))]


async def test_an_asset_that_would_have_too_many_tags_stays_as_it_was(gallery: Gallery, person: Person) -> None:
    full, free = await gallery.a_picture(person), await gallery.a_picture(person)
    names = [f"t{n}" for n in range(50)]
    await bulk(gallery, person, [full], addTags=names)
    answer = await bulk(gallery, person, [full, free], addTags=["more"], visibility="public")
    assert [(item["ok"], item["code"]) for item in answer.json["items"]] == [(False, "invalid"), (True, None)]
    assert (await columns(gallery, full))["visibility"] == "private"
    swapped = await bulk(gallery, person, [full], addTags=["more"], removeTags=["t0"])
    assert swapped.json["items"][0]["ok"]
    assert len(await tags_of(gallery, person, full)) == 50


async def test_assets_are_added_to_a_collection_of_one_s_own(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    assets = [await gallery.a_picture(person) for _ in range(3)]
    foreign = await gallery.a_picture(other, visibility="public")
    mine, theirs = uuid4(), uuid4()
    for collection, owner in ((mine, person), (theirs, other)):
        await gallery.do("INSERT INTO collections (id, owner, title) VALUES (%s, %s, 'x')", collection, owner.user)
    asked = [assets[2], foreign, assets[0]]
    answer = await bulk(gallery, person, asked, collection=str(mine))
    assert [item["ok"] for item in answer.json["items"]] == [True, False, True]
    await bulk(gallery, person, [assets[1], assets[0]], collection=str(mine), addTags=["kept"])
    async with gallery.world.database.transaction() as tx:
        found = await rows(tx, "SELECT asset_id FROM collection_items WHERE collection_id = %s ORDER BY position", mine)
    assert [row["asset_id"] for row in found] == [assets[2], assets[0], assets[1]]
    for collection in (theirs, uuid4()):
        refused = await bulk(gallery, person, assets, collection=str(collection), trash=True)
        assert (refused.status, refused.code) == (404, "not_found")
    assert (await columns(gallery, assets[0]))["trashed_at"] is None


@pytest.mark.promises("S20", "S47")
@pytest.mark.parametrize("change", [
    {}, {"trash": True, "restore": True}, {"addTags": ["a"], "removeTags": ["A"]}, {"addTags": ["x" * 65]}, {"addTags": [""]},
    {"addTags": [f"t{n}" for n in range(51)]}, {"visibility": "shared"}, {"owner": "x"}, {"state": "ready"}, {"trash": "maybe"},
    {"moderation": "approved"}, {"addTags": ["\x00"]}, {"addTags": None}, {"title": "x"}, {"rating": "general"},
])  # fmt: skip
async def test_a_change_that_makes_no_sense_is_refused(gallery: Gallery, person: Person, change: Any) -> None:
    asset = await gallery.a_picture(person)
    answer = await bulk(gallery, person, [asset], **change)
    assert (answer.status, answer.code) == (422, "invalid")
    assert (await columns(gallery, asset))["change"] == 0


@pytest.mark.promises("S20")
async def test_five_hundred_at_once_and_no_more_and_none_is_refused(gallery: Gallery, person: Person) -> None:
    for count, status in ((500, 200), (501, 422), (0, 422)):
        ids = [AssetId(uuid4()) for _ in range(count)]
        assert (await bulk(gallery, person, ids, trash=True)).status == status


async def many(gallery: Gallery, owner: Person, count: int) -> list[AssetId]:
    """Rows alone: what a change needs."""
    async with gallery.world.database.transaction() as tx:
        found = await rows(
            tx,
            "INSERT INTO assets (id, owner, state, moderation, name, declared_type, size, sha256, form_expires_at)"
            " SELECT gen_random_uuid(), %s, 'ready', 'approved', 'a.png', 'image/png', 1, sha256(n::text::bytea), now()"
            " FROM generate_series(1, %s) n RETURNING id",
            owner.user, count,
        )  # fmt: skip
    return [AssetId(row["id"]) for row in found]


async def test_five_hundred_are_changed_in_about_a_second(gallery: Gallery, person: Person) -> None:
    assets = await many(gallery, person, 500)
    took = []
    for n in range(3):
        began = time.perf_counter()
        answer = await bulk(gallery, person, assets, addTags=[f"a{n}", f"b{n}"], removeTags=["c"], visibility="public")
        took.append(time.perf_counter() - began)
        assert all(item["ok"] for item in answer.json["items"])
    assert min(took) < 1.0


async def test_changes_to_the_same_assets_at_once_never_wait_for_each_other_in_a_circle(
    gallery: Gallery, person: Person
) -> None:
    assets = await many(gallery, person, 60)
    shuffled = [random.Random(n).sample(assets, len(assets)) for n in range(16)]
    answers = await asyncio.gather(*(
        bulk(gallery, person, ids, addTags=[f"t{n % 3}"], removeTags=[f"t{(n + 1) % 3}"], trash=n % 2 == 0)
        for n, ids in enumerate(shuffled)
    ))  # fmt: skip
    assert [answer.status for answer in answers] == [200] * 16
    assert {(await columns(gallery, asset))["change"] for asset in assets} == {16}


async def test_the_audit_log_names_few_assets_and_counts_many(gallery: Gallery, person: Person) -> None:
    assets = [await gallery.a_picture(person) for _ in range(11)]
    for some, said in ((assets[:1], f"assets:{assets[0]}"), (assets, "assets:11 sha256:%")):
        await bulk(gallery, person, some, trash=True)
        row = await gallery.row(
            "SELECT object LIKE %s AS told, length(object) AS length FROM audit_log ORDER BY seq DESC", said
        )
        assert row["told"]
        assert row["length"] < 100
