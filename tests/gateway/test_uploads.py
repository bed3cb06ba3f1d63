"""The contract of /v1/uploads and of the form that it gives out."""

import base64
import hashlib
from typing import Any

import aiohttp
import pytest

from functions.core.errors import NotFound
from functions.core.ids import AssetId
from functions.core.model import incoming_key
from functions.core.tx import rows
from tests.support.doors import Answer, Gallery, Person
from tests.support.images import a_jpeg, a_png
from tests.support.worlds import ended, running


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


def declared(data: bytes, **changes: object) -> dict[str, Any]:
    sha256 = hashlib.sha256(data).hexdigest()
    return {"name": "a.png", "size": len(data), "contentType": "image/png", "sha256": sha256} | changes


async def presigned(gallery: Gallery, who: Person, data: bytes, **changes: object) -> Any:
    answer = await gallery.post("/v1/uploads", who, json=declared(data, **changes))
    assert answer.status == 201, answer
    return answer.json


async def sent(gallery: Gallery, upload: dict[str, Any], data: bytes) -> Answer:
    form = aiohttp.FormData(upload["fields"])
    form.add_field("file", data, filename="a.png", content_type="image/png")
    body = form()
    return await gallery.post(upload["url"], data=body, headers={"Content-Type": str(body.content_type)})


@pytest.mark.promises("S23")
async def test_a_form_takes_exactly_the_declared_bytes(gallery: Gallery, person: Person) -> None:
    data = a_png(11, (16, 12))
    told = await presigned(gallery, person, data)
    upload = told["upload"]
    assert (told["state"], told["duplicate"], upload["method"]) == ("new", False, "POST")
    assert upload["url"] == f"{gallery.url}/store/miraveja"
    assert upload["fields"]["key"] == f"incoming/{told['assetId']}"
    assert upload["fields"]["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert upload["expiresAt"].endswith("Z")
    assert (await sent(gallery, upload, data + b"x")).status == 400
    assert (await sent(gallery, upload, data)).status == 201


async def test_the_same_bytes_while_new_are_the_same_asset_with_a_fresh_form(gallery: Gallery, person: Person) -> None:
    first = await presigned(gallery, person, b"one")
    again = await presigned(gallery, person, b"one", name="other name.png")
    assert first["assetId"] == again["assetId"]
    assert again["upload"]["expiresAt"] >= first["upload"]["expiresAt"]


async def test_what_is_here_already_is_a_duplicate_and_known(gallery: Gallery, person: Person) -> None:
    data = a_jpeg(12, (40, 30))
    kind = {"contentType": "image/jpeg", "name": "harbour.jpg"}
    told = await presigned(gallery, person, data, **kind)
    assert (await sent(gallery, told["upload"], data)).status == 201
    complete = f"/v1/uploads/{told['assetId']}/complete"
    assert [(await gallery.post(complete, person)).status for _ in range(3)] == [202, 200, 200]
    async with running(gallery.world):
        assert await ended(gallery.world, AssetId(told["assetId"])) == ["ready"]
    assert (await gallery.post(complete, person)).json == {"assetId": told["assetId"], "state": "ready"}
    again = await gallery.post("/v1/uploads", person, json=declared(data, **kind))
    assert (again.status, again.json) == (
        200,
        {"assetId": told["assetId"], "state": "ready", "duplicate": True, "upload": None},
    )
    digest, other = hashlib.sha256(data).hexdigest(), "0" * 64
    known = await gallery.post("/v1/uploads/check", person, json={"sha256": [digest, other, digest]})
    assert known.json == {"known": {digest: told["assetId"]}}


@pytest.mark.promises("S43")
async def test_the_same_bytes_of_somebody_else_are_nothing_to_me(gallery: Gallery, person: Person) -> None:
    data = b"somebody's bytes"
    other = await gallery.a_person()
    theirs = await presigned(gallery, other, data)
    await gallery.do("UPDATE assets SET state = 'ready' WHERE id = %s", theirs["assetId"])
    digest = hashlib.sha256(data).hexdigest()
    assert (await gallery.post("/v1/uploads/check", person, json={"sha256": [digest]})).json == {"known": {}}
    mine = await presigned(gallery, person, data)
    assert mine["assetId"] != theirs["assetId"]
    assert (mine["state"], mine["duplicate"]) == ("new", False)


@pytest.mark.promises("S29")
async def test_complete_tells_what_is_not_mine_not_there_or_over(gallery: Gallery, person: Person) -> None:
    told = await presigned(gallery, person, b"never sent")
    complete = f"/v1/uploads/{told['assetId']}/complete"
    other = await gallery.a_person()
    assert (await gallery.post(complete, other)).code == "not_found"
    before = await gallery.post(complete, person)
    assert (before.status, before.code) == (409, "conflict")
    await gallery.do("UPDATE assets SET form_expires_at = now() WHERE id = %s", told["assetId"])
    assert ((await gallery.post(complete, person)).status, (await gallery.post(complete, other)).status) == (410, 404)
    await gallery.do("UPDATE assets SET state = 'expired' WHERE id = %s", told["assetId"])
    after = await gallery.post(complete, person)
    assert (after.status, after.code) == (410, "gone")
    again = await presigned(gallery, person, b"never sent")
    assert again["assetId"] != told["assetId"], "an expired asset makes way for a new one"


@pytest.mark.promises("S29")
async def test_bytes_sent_before_the_form_expired_count_afterwards(gallery: Gallery, person: Person) -> None:
    data = a_png(13, (16, 12))
    told = await presigned(gallery, person, data)
    await sent(gallery, told["upload"], data)
    await gallery.do("UPDATE assets SET form_expires_at = now() WHERE id = %s", told["assetId"])
    assert (await gallery.post(f"/v1/uploads/{told['assetId']}/complete", person)).status == 202


@pytest.mark.promises("S29")
async def test_other_bytes_than_declared_are_rejected_and_removed(gallery: Gallery, person: Person) -> None:
    data, other = a_png(14, (16, 12)), a_png(15, (16, 12))
    data = data.ljust(len(other), b"\0")[: len(other)]
    told = await presigned(gallery, person, data)
    key, objects = incoming_key(AssetId(told["assetId"])), gallery.world.ports.objects
    await objects.write(key, other, "image/png")  # past the form, which would have refused them
    assert (await gallery.post(f"/v1/uploads/{told['assetId']}/complete", person)).status == 202
    async with running(gallery.world):
        assert await ended(gallery.world, AssetId(told["assetId"])) == ["rejected"]
    asset = (await gallery.get(f"/v1/assets/{told['assetId']}", person)).json
    assert asset["reason"] == "checksum_mismatch"
    assert "declared" in asset["reasonText"]
    with pytest.raises(NotFound):
        await objects.stat(key)


@pytest.mark.promises("S27")
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "%2e%2e/%00", "/abs.png", "..\\x.png", "e\u0301.png", "\u00e9.png", "n" * 255]
)
async def test_a_file_name_is_text_to_show_and_never_a_key(gallery: Gallery, person: Person, name: str) -> None:
    told = await presigned(gallery, person, name.encode(), name=name)
    assert told["upload"]["fields"]["key"] == f"incoming/{told['assetId']}"
    assert (await gallery.get(f"/v1/assets/{told['assetId']}", person)).json["name"] == name


@pytest.mark.promises("S20")
async def test_names_are_cleaned_of_what_does_not_show(gallery: Gallery, person: Person) -> None:
    told = await presigned(gallery, person, b"named", name=" a\x00b\x1b[0m\u202egpj\n.png ")
    assert (await gallery.get(f"/v1/assets/{told['assetId']}", person)).json["name"] == "ab[0mgpj .png"


@pytest.mark.parametrize("change", [
    {"size": 0}, {"size": -1}, {"size": "3"}, {"size": 1.5}, {"size": True}, {"size": None}, {"contentType": "image/svg+xml"},
    {"contentType": "IMAGE/PNG"}, {"sha256": "A" * 64}, {"sha256": "0" * 63}, {"sha256": "0" * 64 + "\n"}, {"name": None},
    {"name": "n" * 256}, {"key": "originals/x"}, {"assetId": "x"}, {"bucket": "other"},
])  # fmt: skip
async def test_a_declaration_that_makes_no_sense_is_refused_by_field(
    gallery: Gallery, person: Person, change: dict[str, object]
) -> None:
    answer = await gallery.post("/v1/uploads", person, json=declared(b"x", **change))
    assert (answer.status, answer.code) == (422, "invalid")
    assert [error["at"] for error in answer.json["errors"]] == [[next(iter(change))]]


@pytest.mark.parametrize("size", [(50 << 20) + 1, 10**30])
async def test_a_file_over_the_limit_is_too_large(gallery: Gallery, person: Person, size: int) -> None:
    answer = await gallery.post("/v1/uploads", person, json=declared(b"x", size=size))
    assert (answer.status, answer.code, answer.json["maxBytes"]) == (413, "too_large", 50 << 20)


@pytest.mark.promises("S28")
async def test_too_many_uploads_under_way_have_to_wait(gallery: Gallery, person: Person) -> None:
    answers = [await gallery.post("/v1/uploads", person, json=declared(b"%d" % n)) for n in range(11)]
    assert [answer.status for answer in answers] == [201] * 10 + [429]
    assert (answers[-1].code, answers[-1].headers["Retry-After"], answers[-1].json["retryAfter"]) == ("limited", "5", 5)


async def test_five_hundred_can_be_asked_for_at_once_and_no_more(gallery: Gallery, person: Person) -> None:
    digests = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(501)]
    assert (await gallery.post("/v1/uploads/check", person, json={"sha256": digests[:500]})).status == 200
    assert (await gallery.post("/v1/uploads/check", person, json={"sha256": digests})).status == 422


async def test_a_complete_puts_the_fact_into_the_outbox_with_the_asset(gallery: Gallery, person: Person) -> None:
    data = a_png(16, (16, 12))
    told = await presigned(gallery, person, data)
    await gallery.world.ports.objects.write(incoming_key(AssetId(told["assetId"])), data, "image/png")
    await gallery.post(f"/v1/uploads/{told['assetId']}/complete", person)
    async with gallery.world.database.transaction() as tx:
        found = await rows(tx, "SELECT topic, event FROM outbox WHERE key LIKE %s", f"%{told['assetId']}")
    assert [row["topic"] for row in found] == ["storage.events"]
