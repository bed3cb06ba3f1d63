"""/v1/collections through the door: ordered sets, and lists and searches narrowed to one."""

import uuid
from typing import Any

import numpy as np
import pytest

from functions.core.ids import AssetId
from tests.support.doors import Answer, Gallery, Person
from tests.support.worlds import MODEL

AXES = np.eye(MODEL.dim, dtype=np.float32)


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def made(gallery: Gallery, person: Person, assets: list[AssetId], **said: Any) -> str:
    answer = await gallery.post("/v1/collections", person, json={"title": "Harbours"} | said)
    assert (answer.status, answer.headers["ETag"]) == (201, '"1"')
    path = f"/v1/collections/{answer.json['id']}"
    if assets:
        put = await gallery.post(f"{path}/items", person, json={"assetIds": [str(each) for each in assets]})
        assert put.json == {"changed": len(assets)}
    return path


async def listed(gallery: Gallery, person: Person, path: str) -> list[str]:
    return [item["id"] for item in (await gallery.get(path, person)).json["items"]]


async def changed(gallery: Gallery, person: Person, path: str, wanted: dict[str, Any], etag: str | None) -> Answer:
    headers = {"If-Match": etag} if etag else {}
    return await gallery.ask("PATCH", path, person, json=wanted, headers=headers)


async def test_a_collection_is_made_changed_and_taken_away(gallery: Gallery, person: Person) -> None:
    assets = [await gallery.a_picture(person) for _ in range(3)]
    path = await made(gallery, person, assets, title=" Harbours\x07 at  dawn ", description="All.\nCold.")
    told = await gallery.get(path, person)
    assert told.json["title"] == "Harbours at dawn"
    assert (told.json["count"], told.json["cover"]["id"]) == (3, str(assets[0]))
    assert told.json["owner"]["id"] == str(person.user)
    done = await changed(gallery, person, path, {"visibility": "public", "coverAssetId": str(assets[2])}, '"1"')
    assert (done.status, done.headers["ETag"]) == (200, '"2"')
    assert (done.json["visibility"], done.json["cover"]["id"]) == ("public", str(assets[2]))
    assert done.json["description"] == "All.\nCold."
    assert (await changed(gallery, person, path, {"coverAssetId": None}, '"2"')).json["cover"]["id"] == str(assets[0])
    assert (await changed(gallery, person, path, {"title": "x"}, '"2"')).code == "precondition_failed"
    assert (await changed(gallery, person, path, {"title": "x"}, None)).code == "precondition_required"
    assert (await changed(gallery, person, path, {"title": "x"}, "*")).status == 422
    assert (await gallery.ask("DELETE", path, person)).status == 204
    assert (await gallery.get(path, person)).status == 404
    assert (await gallery.get(f"/v1/assets/{assets[0]}", person)).status == 200


async def test_items_go_where_they_are_put(gallery: Gallery, person: Person) -> None:
    one, two, three = [await gallery.a_picture(person) for _ in range(3)]
    path = await made(gallery, person, [one, two, three])
    assert (await changed(gallery, person, f"{path}/items/{three}", {"before": str(one)}, None)).status == 204
    assert (await changed(gallery, person, f"{path}/items/{one}", {"after": str(two)}, None)).status == 204
    assert await listed(gallery, person, f"{path}/items") == [str(three), str(two), str(one)]
    first = (await gallery.get(f"{path}/items?limit=2", person)).json
    assert (first["items"][1]["id"], len(first["items"])) == (str(two), 2)
    assert await listed(gallery, person, f"{path}/items?cursor={first['nextCursor']}") == [str(one)]
    assert (await gallery.post(f"{path}/items/remove", person, json={"assetIds": [str(two)]})).json == {"changed": 1}
    for _ in range(2):
        assert (await gallery.ask("DELETE", f"{path}/items/{one}", person)).status == 204
    assert await listed(gallery, person, f"{path}/items") == [str(three)]


@pytest.mark.promises("S44", "S50")
async def test_lists_and_searches_narrow_to_a_collection(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    mine = [await gallery.a_picture(person, AXES[0] + AXES[1] * share, visibility="public") for share in (0, 0.1, 0.3)]
    hidden = await gallery.a_picture(person, AXES[0] + AXES[1] * 0.05)
    beside = await gallery.a_picture(person, AXES[0] + AXES[1] * 0.2, visibility="public")
    await gallery.index(*mine, hidden, beside)
    path = await made(gallery, person, [mine[2], hidden, mine[1]], visibility="public")
    collection = path.rsplit("/", 1)[1]
    assert set(await listed(gallery, other, f"/v1/assets?collection={collection}")) == {str(mine[1]), str(mine[2])}
    by_address = f"/v1/search?like={mine[0]}&collection={collection}"
    assert await listed(gallery, other, by_address) == [str(mine[1]), str(mine[2])]
    assert await listed(gallery, person, by_address) == [str(hidden), str(mine[1]), str(mine[2])]
    page = (await gallery.get(f"{by_address}&limit=1", other)).json
    assert await listed(gallery, other, f"{by_address}&limit=1&cursor={page['nextCursor']}") == [str(mine[2])]
    body = {"images": [{"assetId": str(mine[0])}], "filters": {"collection": collection, "owner": str(person.user)}}
    found = (await gallery.post("/v1/search", other, json=body)).json["items"]
    assert [item["id"] for item in found] == [str(mine[1]), str(mine[2])]
    await gallery.do("UPDATE assets SET title = 'Zanzibar' WHERE id = ANY(%s)", [mine[1], beside, hidden])
    await gallery.do("UPDATE assets SET words = asset_words(id) WHERE title = 'Zanzibar'")
    words = (await gallery.get(f"/v1/search?q=zanzibar&collection={collection}", other)).json["items"]
    assert [item["id"] for item in words if "words" in item["why"]] == [str(mine[1])]
    assert {item["id"] for item in words} <= {str(mine[1]), str(mine[2])}
    # What the index still says of an asset that has left the collection counts for nothing.
    await gallery.ask("DELETE", f"{path}/items/{mine[1]}", person)
    assert await listed(gallery, other, by_address) == [str(mine[2])]
    empty = (await made(gallery, person, [])).rsplit("/", 1)[1]
    assert await listed(gallery, person, f"/v1/search?like={mine[0]}&collection={empty}") == []


@pytest.mark.promises("S50")
@pytest.mark.parametrize("visibility", ["private", "unlisted"])
async def test_what_is_not_public_is_for_others_not_there(gallery: Gallery, person: Person, visibility: str) -> None:
    other = await gallery.a_person()
    asset = await gallery.a_picture(person, AXES[2], visibility="public")
    path = await made(gallery, person, [asset], visibility=visibility)
    collection = path.rsplit("/", 1)[1]
    for asked in (
        path,
        f"{path}/items",
        f"/v1/assets?collection={collection}",
        f"/v1/search?q=x&collection={collection}",
    ):
        refused = await gallery.get(asked, other)
        missing = await gallery.get(asked.replace(collection, str(uuid.uuid4())), other)
        assert (refused.status, missing.status) == (404, 404)
        assert refused.json | {"requestId": ""} == missing.json | {"requestId": ""}, "the two are told apart nowhere"
    assert await listed(gallery, other, f"/v1/collections?owner={person.user}") == []
    assert await listed(gallery, person, "/v1/collections?owner=me") == [collection]
    await changed(gallery, person, path, {"visibility": "public"}, '"1"')
    assert await listed(gallery, other, f"/v1/collections?owner={person.user}") == [collection]
    with gallery.with_other({"anonymous_read": True}):
        assert (await gallery.get(path)).json["count"] == 1
    assert (await gallery.get(path)).status == 401


@pytest.mark.promises("S43")
async def test_what_is_somebody_elses_goes_into_no_collection(gallery: Gallery, person: Person) -> None:
    theirs = await gallery.a_picture(await gallery.a_person(), visibility="public")
    path = await made(gallery, person, [])
    told = [
        (await gallery.post(f"{path}/items", person, json={"assetIds": [str(asset)]})).json | {"requestId": ""}
        for asset in (theirs, uuid.uuid4())
    ]
    assert told[0] == told[1]
    assert told[0]["status"] == 404


IDS = [str(uuid.UUID(int=number)) for number in range(1, 502)]


@pytest.mark.promises("S46", "S47")
@pytest.mark.parametrize(("method", "path", "body"), [
    ("POST", "", {"title": ""}), ("POST", "", {"title": " \u200b "}), ("POST", "", {}),
    ("POST", "", {"title": "x" * 201}), ("POST", "", {"title": "x", "owner": IDS[0]}),
    ("POST", "", {"title": "x", "visibility": "all"}), ("POST", "", {"title": "\ud800"}),
    ("PATCH", "/$", {"revision": 9}), ("PATCH", "/$", {"title": ""}), ("PATCH", "/$", {"coverAssetId": "x"}),
    ("PATCH", "/$", {"owner": IDS[0]}), ("POST", "/$/items", {"assetIds": []}),
    ("POST", "/$/items", {"assetIds": IDS}), ("POST", "/$/items", {"assetIds": ["x"]}),
    ("POST", "/$/items", {"assetIds": IDS[:1], "before": IDS[0], "after": IDS[1]}),
    ("POST", "/$/items", {"assetIds": IDS[:1], "position": 1}), ("POST", "/$/items/remove", {"assetIds": IDS}),
    ("PATCH", f"/$/items/{IDS[0]}", {}), ("PATCH", f"/$/items/{IDS[0]}", {"position": 0}),
    ("PATCH", "/x", {"title": "x"}), ("GET", "?owner=%27%20OR%201=1", None), ("GET", "?limit=0", None),
    ("GET", "?sort=x", None), ("GET", "/$/items?limit=101", None), ("GET", "/$/items?$where=1", None),
    ("GET", "/x/items", None),
])  # fmt: skip
async def test_what_makes_no_sense_is_told_why(
    gallery: Gallery, person: Person, method: str, path: str, body: dict[str, object] | None
) -> None:
    mine = await made(gallery, person, [])
    options: dict[str, Any] = {} if body is None else {"json": body}
    asked = f"/v1/collections{path}".replace("/v1/collections/$", mine)
    answer = await gallery.ask(method, asked, person, headers={"If-Match": '"1"'}, **options)
    assert (answer.status, answer.code) == (422, "invalid")
    told = await gallery.get(mine, person)
    assert (told.headers["ETag"], told.json["count"]) == ('"1"', 0)


@pytest.mark.promises("S49")
@pytest.mark.parametrize("cursor", ["x", "..", "t.e30.AAAA", "%00", "%C3%A9"])
async def test_strange_cursors_are_refused(gallery: Gallery, person: Person, cursor: str) -> None:
    path = await made(gallery, person, [await gallery.a_picture(person) for _ in range(2)])
    good = (await gallery.get("/v1/assets?owner=me&limit=1", person)).json["nextCursor"]
    for asked in (f"{path}/items", "/v1/collections", "/v1/shares"):
        for strange in (cursor, good):
            answer = await gallery.get(f"{asked}?cursor={strange}", person)
            assert (answer.status, answer.code) == (400, "invalid_cursor"), asked
