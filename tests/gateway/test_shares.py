"""/v1/shares and /s through the door: what a link shows, to whom, and for how long."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from functions.core.ids import AssetId
from functions.core.times import utcnow
from tests.support.doors import Answer, Gallery, Person, until
from tests.support.worlds import MODEL

pytestmark = pytest.mark.promises("S48")
SOMEWHERE = np.eye(MODEL.dim, dtype=np.float32)[7]


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    await gallery.do("DELETE FROM share_tries")
    return await gallery.a_person()


async def shared(gallery: Gallery, person: Person, **said: object) -> dict[str, Any]:
    answer = await gallery.post("/v1/shares", person, json={name: str(value) for name, value in said.items()})
    assert answer.status == 201, answer
    return dict(answer.json)


async def a_collection(gallery: Gallery, person: Person, assets: list[AssetId]) -> str:
    made = (await gallery.post("/v1/collections", person, json={"title": "Harbours"})).json
    ids = {"assetIds": [str(each) for each in assets]}
    assert (await gallery.post(f"/v1/collections/{made['id']}/items", person, json=ids)).status == 200
    return str(made["id"])


async def opened(gallery: Gallery, token: str, password: str, query: str = "") -> Answer:
    return await gallery.post(f"/s/{token}{query}", json={"password": password})


def nameless(answer: Answer) -> Mapping[str, object]:
    """A problem without what is of this one request."""
    return {**answer.json, "requestId": "", "headers": sorted(set(answer.headers) - {"Date"})}


@pytest.mark.promises("S50")
@pytest.mark.parametrize("visibility", ["private", "unlisted", "public"])
async def test_a_link_shows_its_asset_to_anybody_and_what_is_not_public_is_found_by_nothing_else(
    gallery: Gallery, person: Person, visibility: str
) -> None:
    asset = await gallery.a_picture(person, SOMEWHERE, visibility=visibility, title="Harbour at dawn")
    await gallery.do("UPDATE assets SET words = asset_words(id) WHERE id = %s", asset)
    await gallery.index(asset)
    share = await shared(gallery, person, assetId=asset, name="for Mum")
    answer = await gallery.get(f"/s/{share['token']}")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    told = answer.json["asset"]
    assert (told["id"], told["title"]) == (str(asset), "Harbour at dawn")
    assert [told[name] for name in ("sha256", "exif", "reason", "reasonText", "name")] == [None] * 5
    assert b"for Mum" not in answer.data
    assert (await gallery.get(told["renditions"][0]["url"])).data == b"webp"
    other = await gallery.a_person()
    found = [
        str(asset).encode() in (await gallery.get(path, other)).data
        for path in ("/v1/assets?limit=100", f"/v1/assets?owner={person.user}", "/v1/search?q=harbour+at+dawn")
    ]
    assert found == [visibility == "public"] * 3
    seen = 200 if visibility == "public" else 404
    for path in (f"/v1/assets/{asset}", f"/v1/assets/{asset}/similar", f"/v1/search?like={asset}"):
        assert (await gallery.get(path, other)).status == seen
    assert (await gallery.get(f"/v1/assets/{asset}/original", other)).status == 404


async def test_a_links_address_of_a_picture_lives_as_long_as_the_link(gallery: Gallery, person: Person) -> None:
    asset, other = await gallery.a_picture(person), await gallery.a_picture(person)
    shares = [await shared(gallery, person, assetId=asset) for _ in range(3)]
    told = [(await gallery.get(f"/s/{share['token']}")).json["asset"] for share in shares]
    urls = [asset["renditions"][0]["url"] for asset in told]
    url = urls[2]
    shown = await gallery.get(url)
    assert (shown.status, shown.headers["Cache-Control"]) == (200, "private, max-age=300, immutable")
    for changed in (
        re.sub("share=[^&]*", f"share={uuid.uuid4()}", url), re.sub("&share=[^&]*", "", url), url.replace("/256?", "/original?"),
        url.replace(str(asset), str(other)), re.sub("share=[^&]*", re.findall("share=[^&]*", urls[0])[0], url),
    ):  # fmt: skip
        assert (await gallery.get(changed)).status == 403, changed
    assert (await gallery.get(re.sub("share=[^&]*", "share=x", url))).status == 422
    assert (await gallery.ask("DELETE", f"/v1/shares/{shares[2]['id']}", person)).status == 204

    async def gone() -> bool:
        return (await gallery.get(url)).status == 404

    assert await until(gone) <= 5.5
    assert [(await gallery.get(each)).status for each in urls] == [200, 200, 404], "the others live"


@pytest.mark.parametrize("end", [
    "UPDATE shares SET expires_at = now() - interval '1 s' WHERE asset_id = %s",
    "UPDATE shares SET reach = gen_random_uuid() WHERE asset_id = %s",
    "UPDATE assets SET trashed_at = now() WHERE id = %s",
    "UPDATE assets SET moderation = 'restricted' WHERE id = %s",
    "UPDATE users SET banned_at = now() WHERE id = (SELECT owner FROM assets WHERE id = %s)",
])  # fmt: skip
async def test_what_ends_a_link_hides_its_pictures_within_five_seconds(
    gallery: Gallery, person: Person, end: str
) -> None:
    asset = await gallery.a_picture(person)
    share = await shared(gallery, person, assetId=asset)
    url = (await gallery.get(f"/s/{share['token']}")).json["asset"]["renditions"][0]["url"]
    assert (await gallery.get(url)).status == 200
    await gallery.do(end, asset)

    async def gone() -> bool:
        return (await gallery.get(url)).status == 404

    assert await until(gone) <= 5.5


async def test_links_that_are_no_more_never_were(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    revoked, expired, hidden = [await shared(gallery, person, assetId=asset) for _ in range(3)]
    await gallery.ask("DELETE", f"/v1/shares/{revoked['id']}", person)
    await gallery.do("UPDATE shares SET expires_at = now() WHERE id = %s", expired["id"])
    trashed = await gallery.a_picture(person, trashed_at=utcnow())
    await gallery.do("UPDATE shares SET asset_id = %s WHERE id = %s", trashed, hidden["id"])
    tokens = [revoked["token"], expired["token"], hidden["token"], "A" * 22, "%00", "x" * 3000, "%C3%A9"]
    told = [nameless(await gallery.get(f"/s/{token}")) for token in tokens]
    told += [nameless(await opened(gallery, token, "guess")) for token in tokens]
    assert all(each == told[0] for each in told)
    assert told[0]["status"] == 404


async def test_a_password_opens_the_pages_of_a_collection(gallery: Gallery, person: Person) -> None:
    assets = [await gallery.a_picture(person) for _ in range(5)]
    collection = await a_collection(gallery, person, assets)
    share = await shared(gallery, person, collectionId=collection, password="open sesame")
    token = share["token"]
    closed = await gallery.get(f"/s/{token}")
    assert (closed.status, closed.code) == (403, "password_required")
    assert b"Harbours" not in closed.data
    asked = await gallery.get(f"/s/{token}?password=open+sesame")
    assert asked.status == 422, "never in an address"
    wrong = await opened(gallery, token, "sesame")
    assert (wrong.status, wrong.code) == (403, "wrong_password")
    page = (await opened(gallery, token, "open sesame", "?limit=2")).json
    assert page["collection"] == {"title": "Harbours", "description": ""}
    seen, headers = page["items"], {"Share-Unlock": page["unlock"]["value"]}
    while page["nextCursor"]:
        page = (await gallery.get(f"/s/{token}?limit=2&cursor={page['nextCursor']}", headers=headers)).json
        seen += page["items"]
    assert [each["id"] for each in seen] == [str(each) for each in assets]
    assert (await gallery.get(f"/s/{token}", headers={"Share-Unlock": "x" * 300})).status == 422
    assert (await gallery.get(f"/s/{token}", headers={"Share-Unlock": "1.t.x"})).code == "password_required"
    elsewhere = await shared(gallery, person, collectionId=collection, password="open sesame")
    assert (await gallery.get(f"/s/{elsewhere['token']}", headers=headers)).code == "password_required"


async def test_a_link_to_a_collection_shows_what_is_fit_for_others_and_nothing_beside_it(
    gallery: Gallery, person: Person
) -> None:
    fit = [await gallery.a_picture(person, visibility=each) for each in ("private", "unlisted", "public")]
    unfit = [
        await gallery.a_picture(person, **columns)
        for columns in (
            {"moderation": "pending"},
            {"state": "processed"},
            {"trashed_at": utcnow()},
            {"state": "failed"},
        )
    ]
    beside = await gallery.a_picture(person)
    collection = await a_collection(gallery, person, [unfit[0], fit[0], unfit[1], fit[1], *unfit[2:], fit[2]])
    share = await shared(gallery, person, collectionId=collection)
    page = (await gallery.get(f"/s/{share['token']}?limit=2")).json
    assert [each["id"] for each in page["items"]] == [str(each) for each in fit[:2]]
    url = page["items"][0]["renditions"][0]["url"]
    page = (await gallery.get(f"/s/{share['token']}?limit=2&cursor={page['nextCursor']}")).json
    assert ([each["id"] for each in page["items"]], page["nextCursor"]) == ([str(fit[2])], None)
    assert str(beside).encode() not in (await gallery.get(f"/s/{share['token']}")).data
    assert (await gallery.get(url)).status == 200
    taken = await gallery.ask("DELETE", f"/v1/collections/{collection}/items/{fit[0]}", person)
    assert taken.status == 204

    async def gone() -> bool:
        return (await gallery.get(url)).status == 404

    assert await until(gone) <= 5.5
    assert (await gallery.ask("DELETE", f"/v1/collections/{collection}", person)).status == 204
    assert (await gallery.get(f"/s/{share['token']}")).status == 404


async def test_the_sixth_try_in_a_minute_waits(gallery: Gallery, person: Person) -> None:
    share = await shared(gallery, person, assetId=await gallery.a_picture(person), password="open sesame")
    crowd = await asyncio.gather(*(opened(gallery, share["token"], f"guess {n}") for n in range(12)))
    assert sorted(each.status for each in crowd) == [403] * 5 + [429] * 7
    late = await opened(gallery, share["token"], "open sesame")
    assert (late.status, late.code) == (429, "limited")
    assert 0 < int(late.headers["Retry-After"]) <= 60
    await gallery.do("DELETE FROM share_tries")
    assert (await opened(gallery, share["token"], "open sesame")).status == 200


@pytest.mark.parametrize("said", [
    {}, {"assetId": "$asset", "collectionId": "$asset"}, {"assetId": "x"}, {"assetId": "$asset", "password": ""},
    {"assetId": "$asset", "password": "x" * 257}, {"assetId": "$asset", "password": "\ud800abc"},
    {"assetId": "$asset", "password": 5},
    {"assetId": "$asset", "expiresAt": "2020-01-01T00:00:00Z"}, {"assetId": "$asset", "expiresAt": "9999-12-31T23:59:59-12:00"},
    {"assetId": "$asset", "expiresAt": "0001-01-01T00:00:00+12:00"}, {"assetId": "$asset", "expiresAt": "soon"},
    {"assetId": "$asset", "token": "mine"}, {"assetId": "$asset", "maker": "x"}, {"assetId": "$asset", "name": "x" * 201},
])  # fmt: skip
async def test_what_makes_no_link_is_told_why(gallery: Gallery, person: Person, said: dict[str, object]) -> None:
    asset = str(await gallery.a_picture(person))
    body = {name: asset if value == "$asset" else value for name, value in said.items()}
    answer = await gallery.post("/v1/shares", person, json=body)
    assert (answer.status, answer.code) == (422, "invalid")
    changed = await gallery.ask("PATCH", f"/v1/shares/{uuid.uuid4()}", person, json=body)
    assert changed.status in (404, 422)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"password": 1}', b'{"password": "\\ud800"}', b'{"password": null}',
                                  b'{"password": "x", "more": 1}', b'{"password": "' + b"x" * 300 + b'"}'])  # fmt: skip
async def test_what_is_no_password_is_no_try(gallery: Gallery, person: Person, body: bytes) -> None:
    share = await shared(gallery, person, assetId=await gallery.a_picture(person), password="open sesame")
    answer = await gallery.post(f"/s/{share['token']}", data=body, headers={"Content-Type": "application/json"})
    assert answer.status in (400, 422)
    assert answer.code in ("malformed", "invalid")
    assert (await gallery.row("SELECT count(*) AS n FROM share_tries"))["n"] == 0


async def test_links_are_listed_newest_first_and_changed_by_their_maker(gallery: Gallery, person: Person) -> None:
    asset, other = await gallery.a_picture(person), await gallery.a_picture(person)
    made = [await shared(gallery, person, assetId=each) for each in (asset, other, asset)]
    page = (await gallery.get("/v1/shares?limit=2", person)).json
    rest = (await gallery.get(f"/v1/shares?limit=2&cursor={page['nextCursor']}", person)).json
    assert [each["id"] for each in page["items"] + rest["items"]] == [each["id"] for each in made[::-1]]
    assert "token" not in page["items"][0]
    only = (await gallery.get(f"/v1/shares?assetId={other}", person)).json["items"]
    assert [each["id"] for each in only] == [made[1]["id"]]
    at = (utcnow() + timedelta(hours=1)).isoformat()
    changed = await gallery.ask(
        "PATCH", f"/v1/shares/{made[0]['id']}", person, json={"expiresAt": at, "password": "open"}
    )
    assert (changed.json["hasPassword"], changed.json["expiresAt"][:13]) == (True, at[:13])
    assert (await gallery.get(f"/s/{made[0]['token']}")).code == "password_required"
    assert (await gallery.get("/v1/shares?cursor=t.e30.AAAA", person)).code == "invalid_cursor"
    assert (await gallery.get(f"/v1/shares?cursor={page['nextCursor']}", await gallery.a_person())).json["items"] == []
    refused = await gallery.post("/v1/shares", person, json={"assetId": str(asset)}, headers={"Idempotency-Key": "a"})
    assert refused.code == "idempotency_refused", "a token is kept nowhere"
