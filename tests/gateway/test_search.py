"""The contract of /v1/search and /v1/query-images."""

from collections.abc import AsyncIterator
from functools import partial
from io import BytesIO
from itertools import pairwise
from typing import Any
from uuid import UUID

import aiohttp
import numpy as np
import pytest

from functions.core.ids import AssetId, uuid7
from functions.core.ports import Point
from functions.core.postgres.assets import refresh_words
from gateway.local import work
from tests.support.doors import Answer, Gallery, Person
from tests.support.images import a_png
from tests.support.worlds import MODEL

AXES = np.eye(MODEL.dim, dtype=np.float32)
MOST = 10 << 20


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def titled(gallery: Gallery, owner: Person, title: str, share: float = 0.0, **columns: object) -> AssetId:
    """A searchable picture: its vector leans from axis 5 towards axis 6."""
    asset = await gallery.a_picture(owner, AXES[5] * (1 - share) + AXES[6] * share, title=title, **columns)
    async with gallery.world.database.transaction() as tx:
        await refresh_words(tx, asset)
    await gallery.index(asset)
    return asset


def found(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [item["id"] for item in answer.json["items"]]


async def sent(gallery: Gallery, who: Person, data: bytes) -> Answer:
    form = aiohttp.FormData()
    form.add_field("image", BytesIO(data), filename="a.png", content_type="image/png")
    body = form()
    return await gallery.post("/v1/query-images", who, data=body, headers={"Content-Type": str(body.content_type)})


async def test_words_examples_and_their_opposites_find(gallery: Gallery, person: Person) -> None:
    harbour = await titled(gallery, person, "zebrafish harbour", 0.0)
    hut = await titled(gallery, person, "zebrafish hut", 0.9)
    by_words = await gallery.get("/v1/search?q=zebrafish&owner=me", person)
    assert set(found(by_words)) == {str(harbour), str(hut)}
    assert all("words" in item["why"] for item in by_words.json["items"])
    assert found(await gallery.get(f"/v1/search?like={hut}&owner=me", person))[0] == str(hut)
    away = {"images": [{"assetId": str(harbour)}, {"assetId": str(hut), "weight": -0.5}], "filters": {"owner": "me"}}
    assert found(await gallery.post("/v1/search", person, json=away)) == [str(harbour), str(hut)]
    without = found(await gallery.get("/v1/search?q=zebrafish&not=hut&owner=me&limit=1", person))
    assert without == [str(harbour)]
    for item in by_words.json["items"]:
        assert 0 <= item["score"] <= 1
        assert round(item["score"], 3) == item["score"]
    assert b"vector" not in by_words.data


async def test_filters_narrow_a_search(gallery: Gallery, person: Person) -> None:
    wide = await titled(gallery, person, "otter wide", width=9, height=6, visibility="public")
    tall = await titled(gallery, person, "otter tall", width=6, height=9)
    cases: list[tuple[dict[str, Any], set[AssetId]]] = [
        ({}, {wide, tall}), ({"orientation": "portrait"}, {tall}), ({"visibility": "public"}, {wide}),
        ({"tag": ["none"]}, set()), ({"from": "2100-01-01"}, set()), ({"to": "2100-01-01T00:00:00Z"}, {wide, tall}),
        ({"trashed": True}, set()), ({"type": "image/png"}, {wide, tall}), ({"color": "teal"}, set()),
        ({"state": "ready"}, {wide, tall}), ({"state": "failed"}, set()),
    ]  # fmt: skip
    for filters, wanted in cases:
        body = {"texts": [{"q": "otter"}], "filters": {"owner": "me"} | filters}
        ids = {str(asset) for asset in wanted}
        assert set(found(await gallery.post("/v1/search", person, json=body))) == ids, filters
        query = "&".join(f"{name}={value}" for name, value in filters.items() if not isinstance(value, list))
        if query:
            assert set(found(await gallery.get(f"/v1/search?q=otter&owner=me&{query}", person))) == ids, filters


async def test_pages_of_a_search_have_no_gaps_and_no_doubles(gallery: Gallery, person: Person) -> None:
    made = [str(await titled(gallery, person, "walrus", n / 20)) for n in range(8)]
    query = f"like={made[0]}&owner=me&limit=3"
    whole = found(await gallery.get(f"/v1/search?like={made[0]}&owner=me", person))
    page = (await gallery.get(f"/v1/search?{query}", person)).json
    seen = [item["id"] for item in page["items"]]
    while page["nextCursor"]:
        page = (await gallery.get(f"/v1/search?{query}&cursor={page['nextCursor']}", person)).json
        seen += [item["id"] for item in page["items"]]
    assert seen == whole == made


@pytest.mark.promises("S49")
async def test_a_cursor_belongs_to_its_search(gallery: Gallery, person: Person) -> None:
    for n in range(2):
        await titled(gallery, person, "badger", n / 2)
    cursor = (await gallery.get("/v1/search?q=badger&owner=me&limit=1", person)).json["nextCursor"]
    assert cursor
    for query in (f"q=fox&owner=me&cursor={cursor}", f"q=badger&cursor={cursor}", f"q=badger&owner=me&cursor={cursor[:-1]}",
                  "q=badger&owner=me&cursor=x"):  # fmt: skip
        answer = await gallery.get(f"/v1/search?{query}", person)
        assert (answer.status, answer.code) == (400, "invalid_cursor"), query


@pytest.mark.promises("S44", "S39")
async def test_what_the_rows_do_not_confirm_is_not_told_and_leaves_no_gap(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    mine = [await titled(gallery, person, "lynx", 0.3 + n / 50) for n in range(4)]
    hidden = [await titled(gallery, other, "lynx", n / 50) for n in range(3)]
    said = {"owner": str(person.user), "visibility": "public", "moderation": "approved", "trashed": False, "banned": False,
            "tags": [], "colors": [], "orientation": "landscape", "type": "image/png", "created": 0.0}  # fmt: skip
    # The index lies: strangers' private pictures as my own and public, and points of assets that never were.
    points = [Point(asset, AXES[5], said) for asset in [*hidden, *(AssetId(uuid7()) for _ in range(3))]]
    await gallery.world.ports.vectors.upsert(points)
    example = f"like={mine[0]}&owner={person.user}"
    assert found(await gallery.get(f"/v1/search?{example}&limit=4", person)) == [str(asset) for asset in mine]
    assert found(await gallery.get(f"/v1/assets/{mine[0]}/similar?limit=3", person)) == [
        str(asset) for asset in mine[1:]
    ]
    assert not {str(asset) for asset in hidden} & set(found(await gallery.get("/v1/search?q=lynx&limit=100", person)))
    await gallery.world.ports.vectors.delete([point.id for point in points])


@pytest.mark.promises("S44")
async def test_a_whole_first_look_of_ghosts_does_not_end_a_search(gallery: Gallery, person: Person) -> None:
    mine = await titled(gallery, person, "ibex", 0.5)
    said = {"owner": str(person.user), "visibility": "private", "moderation": "approved", "trashed": False, "banned": False,
            "tags": [], "colors": [], "orientation": "landscape", "type": "image/png", "created": 0.0}  # fmt: skip
    ghosts = [Point(AssetId(uuid7()), AXES[5] * 0.5 + AXES[6] * 0.5, said) for _ in range(250)]
    await gallery.world.ports.vectors.upsert(ghosts)
    assert str(mine) in found(await gallery.get(f"/v1/search?like={mine}&owner=me&limit=5", person))
    await gallery.world.ports.vectors.delete([ghost.id for ghost in ghosts])


@pytest.mark.promises("S45")
async def test_an_example_that_is_not_mine_to_see_is_not_there(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    theirs = await titled(gallery, other, "secret")
    for answer in (
        await gallery.get(f"/v1/search?like={theirs}", person),
        await gallery.post("/v1/search", person, json={"images": [{"assetId": str(theirs)}]}),
        await gallery.post("/v1/search", person, json={"images": [{"queryImageId": str(theirs)}]}),
    ):
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.promises("S46")
@pytest.mark.parametrize("filters", [
    {"$where": "1"}, {"owner": {"$ne": "me"}}, {"owner": "me' OR '1'='1"}, {"owner": "me;--"}, {"or": [{"owner": "me"}]},
    {"must": []}, {"must_not": [{"key": "owner"}]}, {"key": "owner", "match": {"value": "x"}}, {"visibility": ["private"]},
    {"visibility": {"in": ["private"]}}, {"moderation": "pending"}, {"state": "deleting"}, {"banned": False},
    {"tag": {"not": "a"}}, {"tag": [["a"]]}, {"tag": "a"}, {"from": {"gte": 0}}, {"color": "red OR true"},
    {"type": "image/png' --"}, {"created": 1}, {"filters": {"filters": {"filters": {}}}},
    {"trashed": "maybe"}, {"orientation": None, "x": 1}, [], "owner=me", 1,
])  # fmt: skip
async def test_a_filter_that_is_not_ours_is_refused(gallery: Gallery, person: Person, filters: object) -> None:
    answer = await gallery.post("/v1/search", person, json={"texts": [{"q": "fox"}], "filters": filters})
    assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize("body", [
    {}, {"texts": []}, {"texts": [{"q": ""}]}, {"texts": [{"q": " \u200b"}]}, {"texts": [{"q": "x", "weight": 11}]},
    {"texts": [{"q": "x", "weight": -1}]}, {"texts": [{"q": "x", "weight": 0}]}, {"texts": [{"q": "x"}], "limit": 101},
    {"texts": [{"q": "x"}] * 11}, {"images": [{}]}, {"images": [{"assetId": str(UUID(int=1)), "queryImageId": str(UUID(int=1))}]},
    {"texts": [{"q": "x"}], "minScore": 1.1}, {"texts": [{"q": "x", "boost": 1}]}, {"q": "x"}, {"texts": [{"q": "x" * 257}]},
])  # fmt: skip
async def test_a_search_that_makes_no_sense_is_refused(gallery: Gallery, person: Person, body: Any) -> None:
    answer = await gallery.post("/v1/search", person, json=body)
    assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize(
    "query", ["", "q=", "q=%20", "not=fox", "owner=me", "q=x&k=1", "q=" + "x" * 257, "q=x&minScore=NaN"]
)
async def test_an_address_that_looks_for_nothing_is_refused(gallery: Gallery, person: Person, query: str) -> None:
    answer = await gallery.get(f"/v1/search?{query}", person)
    assert (answer.status, answer.code) == (422, "invalid")


async def test_a_least_score_drops_what_only_looks_a_little_alike(gallery: Gallery, person: Person) -> None:
    near, far = await titled(gallery, person, "puffin"), await titled(gallery, person, "puffin", 1.0)
    assert found(await gallery.get(f"/v1/search?like={near}&owner=me", person)) == [str(near), str(far)]
    assert found(await gallery.get(f"/v1/search?like={near}&owner=me&minScore=0.9", person)) == [str(near)]
    assert set(found(await gallery.get("/v1/search?q=puffin&owner=me&minScore=1", person))) == {str(near), str(far)}


async def test_scores_fall(gallery: Gallery, person: Person) -> None:
    made = [await titled(gallery, person, "x", n / 5) for n in range(4)]
    items = (await gallery.get(f"/v1/search?like={made[0]}&owner=me", person)).json["items"]
    assert all(first["score"] >= second["score"] for first, second in pairwise(items))


async def test_a_picture_can_be_searched_by_for_an_hour_by_its_owner(gallery: Gallery, person: Person) -> None:
    await titled(gallery, person, "any")
    made = await sent(gallery, person, a_png(21, (64, 48)))
    assert made.status == 201
    query = made.json["queryImageId"]
    assert made.json["expiresAt"].endswith("Z")
    by_example = {"images": [{"queryImageId": query}], "filters": {"owner": "me"}}
    assert len(found(await gallery.post("/v1/search", person, json=by_example))) == 1
    other = await gallery.a_person()
    assert (await gallery.post("/v1/search", other, json=by_example)).code == "not_found"
    with gallery.with_other({"anonymous_read": True}):
        assert (await gallery.post("/v1/search", json=by_example | {"filters": {}})).code == "not_found"
    await gallery.do("UPDATE query_images SET model = 'another' WHERE id = %s", query)
    gone = await gallery.post("/v1/search", person, json=by_example)
    assert (gone.status, gone.code) == (410, "query_image_expired")
    await gallery.do("UPDATE query_images SET expires_at = now() WHERE id = %s", query)
    assert (await gallery.post("/v1/search", person, json=by_example)).status == 404


@pytest.mark.promises("S31")
async def test_what_is_no_picture_is_refused_with_its_reason(gallery: Gallery, person: Person) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    for data, code in [(b"not a picture", "unsupported"), (svg, "unsupported"), (a_png(1)[:200], "unreadable_image")]:
        answer = await sent(gallery, person, data)
        assert (answer.status, answer.code) == (422, code)
    assert (await sent(gallery, person, b"")).status == 422
    assert (
        await gallery.post("/v1/query-images", person, data=b"x", headers={"Content-Type": "image/png"})
    ).code == "invalid"


async def test_a_query_image_over_ten_mebibytes_is_refused_however_it_is_sent(gallery: Gallery, person: Person) -> None:
    async def drips() -> AsyncIterator[bytes]:
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        yield head
        for _ in range(200):
            yield b"x" * (1 << 16)

    whole = await sent(gallery, person, b"x" * (MOST + 1))
    chunked = await gallery.post(
        "/v1/query-images", person, data=drips(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert [(answer.status, answer.code) for answer in (whole, chunked)] == [(413, "too_large")] * 2


async def test_while_the_decoding_process_is_down_pictures_have_to_wait(gallery: Gallery, person: Person) -> None:
    with gallery.with_other(embed_query=partial(work.embed_query, gallery.door.settings)):
        answer = await sent(gallery, person, a_png(22, (16, 12)))
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "2")
    assert (await gallery.get("/v1/search?q=fox", person)).status == 200


@pytest.mark.promises("S44")
async def test_pages_are_full_however_many_ghosts_are_nearer(gallery: Gallery, person: Person) -> None:
    example = await gallery.a_picture(person, AXES[9], title="narwhal", visibility="public")
    real = [str(await gallery.a_picture(person, AXES[9] * 0.5 + AXES[10] * 0.5, visibility="public")) for _ in range(5)]
    await gallery.index(example, *map(AssetId, map(UUID, real)))
    free = {"visibility": "public", "moderation": "approved", "trashed": False, "banned": False, "owner": str(person.user),
            "tags": [], "colors": [], "type": "image/png", "orientation": "landscape", "created": 0.0}  # fmt: skip
    ghosts = [Point(AssetId(uuid7()), AXES[9], free) for _ in range(400)]
    await gallery.world.ports.vectors.upsert(ghosts)
    stranger = await gallery.a_person()
    alike = found(await gallery.get(f"/v1/assets/{example}/similar?limit=3", stranger))
    assert len(alike) == 3
    assert set(alike) < set(real)
    page = (await gallery.get(f"/v1/search?like={example}&limit=4&owner={person.user}", stranger)).json
    assert len(page["items"]) == 4
    cursor = page["nextCursor"]
    rest = await gallery.get(f"/v1/search?like={example}&limit=4&owner={person.user}&cursor={cursor}", stranger)
    assert len({item["id"] for item in page["items"]} | set(found(rest))) == 6
    await gallery.world.ports.vectors.delete([ghost.id for ghost in ghosts])


async def test_a_search_in_words_is_suggested_again_to_who_made_it(gallery: Gallery, person: Person) -> None:
    await gallery.get("/v1/search?q=Lighthouse%20at%20dusk", person)
    await gallery.post("/v1/search", person, json={"texts": [{"q": "lighthouse"}, {"q": "fog", "weight": -1}]})
    told = (await gallery.get("/v1/suggest?q=light", person)).json
    assert told["searches"] == ["lighthouse", "Lighthouse at dusk"]
    other = await gallery.a_person()
    assert (await gallery.get("/v1/suggest?q=light", other)).json["searches"] == []


async def test_a_page_of_one_is_found_with_few_queries_among_many_that_are_not_good_enough(
    gallery: Gallery, person: Person
) -> None:
    for n in range(6):
        await titled(gallery, person, f"gannet {n}", n / 8)
    none = await gallery.post("/v1/search", person, json={"texts": [{"q": "colibri"}], "filters": {"owner": "me"},
                                                          "minScore": 1.0, "limit": 1})  # fmt: skip
    assert (none.status, none.json["items"], none.json["nextCursor"]) == (200, [], None)


@pytest.mark.promises("S20")
@pytest.mark.parametrize("query", ["q=" + "x" * 257, "q=a&limit=1000", "owner=x", "q=a&q=b&x=1"])
async def test_a_suggestion_takes_one_short_text(gallery: Gallery, person: Person, query: str) -> None:
    assert (await gallery.get(f"/v1/suggest?{query}", person)).code == "invalid"
