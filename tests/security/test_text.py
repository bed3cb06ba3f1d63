"""Strangers' text stays text: whatever field it is sent in, it is told as JSON or refused, and no header can be split by it."""

import hashlib
import json
import uuid
from email.message import Message
from urllib.parse import quote

import pytest

from tests.support.doors import Answer, Gallery, Person
from tests.support.payloads import XSS

JSONS = ("application/json", "application/problem+json")
NAMES = ("a\r\nX-Evil: 1.png", "a\nSet-Cookie: b=c.png", 'a"; filename=evil.html; x=".png', "a;b=c.png", "höhe \u202egnp.exe",
         "../../etc/passwd", "%0d%0aX-Evil: 1", "a\x00b\x7f\x85\u2028c.png", "x" * 255, "'%s'*''.png",
         "=?utf-8?b?YQ==?=")  # fmt: skip


def told(answer: Answer, *texts: str, status: int = 200) -> None:
    """JSON that no browser takes for a page; with these texts, just as they were sent."""
    assert answer.headers["Content-Type"] in JSONS, answer
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.status == status, answer.data
    found = strings(answer.json)
    assert set(texts) <= found, found


def strings(part: object) -> set[str]:
    if isinstance(part, str):
        return {part}
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return {text for each in inside for text in strings(each)}


def upload(name: str) -> dict[str, object]:
    return {
        "name": name,
        "size": 3,
        "contentType": "image/png",
        "sha256": hashlib.sha256(uuid.uuid4().bytes).hexdigest(),
    }


@pytest.mark.promises("S19")
@pytest.mark.parametrize("payload", XSS)
async def test_markup_in_any_field_comes_back_as_it_was_sent(gallery: Gallery, payload: str) -> None:
    person = await gallery.a_person()
    asset = await gallery.a_picture(person, visibility="public")
    short = payload[:64].strip()
    said = {"title": payload, "description": payload, "alt": payload, "licence": payload, "tags": [short]}
    told(await gallery.ask("PATCH", f"/v1/assets/{asset}", person, json=said, headers={"If-Match": '"1"'}), payload)
    told(await gallery.get(f"/v1/assets/{asset}", person), payload, short.lower())
    told(await gallery.get(f"/v1/assets?id={asset}&facets=tag", person), payload, short.lower())
    told(await gallery.ask("PATCH", "/v1/me", person, json={"name": short}), short)
    handle = (await gallery.get("/v1/me", person)).json["handle"]
    told(await gallery.get(f"/v1/users/{handle}", person), short)
    told(await gallery.post("/v1/keys", person, json={"name": short, "scopes": ["read"]}), short, status=201)
    told(await gallery.get("/v1/keys", person), short)
    made = await gallery.post("/v1/collections", person, json={"title": payload, "description": payload})
    told(made, payload, status=201)
    told(await gallery.get("/v1/collections?owner=me", person), payload)
    link = await gallery.post("/v1/shares", person, json={"collectionId": made.json["id"], "name": payload})
    told(link, payload, status=201)
    told(await gallery.get("/v1/shares", person), payload)
    told(await gallery.get(link.json["url"].removeprefix(gallery.url)), payload)


@pytest.mark.promises("S19")
@pytest.mark.parametrize("payload", XSS)
async def test_markup_that_is_asked_for_is_answered_as_text(gallery: Gallery, payload: str) -> None:
    person = await gallery.a_person()
    at = quote(payload, safe="")
    told(await gallery.get(f"/v1/search?q={at}", person))
    told(await gallery.get(f"/v1/suggest?q={quote(payload[:10], safe='')}", person), payload)
    new = await gallery.post("/v1/uploads", person, json=upload(payload))
    told(new, status=201)
    told(await gallery.get(f"/v1/assets/{new.json['assetId']}", person), payload)
    told(await gallery.get(f"/v1/assets?owner={at}", person), status=422)
    told(await gallery.get(f"/v1/assets?{at}=1", person), status=422)
    told(await gallery.get(f"/v1/assets?cursor={at}", person), status=400)
    told(await gallery.post("/v1/uploads", person, json=upload("a.png") | {payload: payload}), status=422)
    told(await gallery.get(f"/v1/assets/{at}", person), status=404 if "/" in payload else 422)
    told(await gallery.get(f"/{at}"), status=404)
    told(await gallery.get("/v1/me", headers={"Authorization": f"Bearer {payload}"}), status=401)


@pytest.mark.promises("S19", "S36")
@pytest.mark.parametrize("name", NAMES)
async def test_a_file_name_splits_no_header(gallery: Gallery, name: str) -> None:
    person = await gallery.a_person()
    new = await gallery.post("/v1/uploads", person, json=upload(name))
    kept = name.replace("\0", "") if new.status == 422 else (await known(gallery, person, new))
    asset = await gallery.a_picture(person, name=kept)
    to = (await gallery.get(f"/v1/assets/{asset}/original", person)).headers["Location"]
    answer = await gallery.get(to)
    assert answer.status == 200
    dispositions = answer.headers.getall("Content-Disposition")
    assert len(dispositions) == 1
    assert dispositions[0].isascii()
    assert dispositions[0].isprintable()
    head = Message()
    head["Content-Disposition"] = dispositions[0]
    assert (head.get_content_disposition(), head.get_filename()) == ("attachment", kept)
    assert not {"X-Evil", "Set-Cookie"} & set(answer.headers)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def known(gallery: Gallery, person: Person, new: Answer) -> str:
    """The name that a file has here."""
    name = (await gallery.get(f"/v1/assets/{new.json['assetId']}", person)).json["name"]
    assert name.isprintable(), json.dumps(name)
    return str(name)


@pytest.mark.promises("S19")
async def test_the_name_of_an_export_is_ours(gallery: Gallery) -> None:
    person = await gallery.a_person('Ann"\r\nX-Evil: 1')
    answer = await gallery.get("/v1/me/export", person)
    attached = answer.headers.getall("Content-Disposition")
    assert len(attached) == 1
    assert attached[0].startswith('attachment; filename="miraveja-20')
    assert attached[0].endswith('.zip"')
    assert "X-Evil" not in answer.headers
