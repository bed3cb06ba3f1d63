"""How much a request may be, field by field and as a whole; and what happens to text that does not show."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from functions.core.ids import AssetId
from tests.support.doors import Answer, Gallery, Person

pytestmark = pytest.mark.promises("S20")


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


@pytest.fixture
async def asset(gallery: Gallery, person: Person) -> AssetId:
    return await gallery.a_picture(person)


async def changed(gallery: Gallery, who: Person, asset: AssetId, body: Any) -> Answer:
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    return await gallery.ask("PATCH", f"/v1/assets/{asset}", who, data=json.dumps(body), headers=headers)


@pytest.mark.parametrize(("field", "most", "over"), [
    ("title", "é" * 200, "é" * 201), ("alt", "x" * 200, "x" * 201), ("licence", "x" * 200, "x" * 201),
    ("description", "é" * 5_000, "x" * 5_001), ("tags", ["x" * 64], ["x" * 65]),
    ("tags", [f"t{n}" for n in range(50)], [f"t{n}" for n in range(51)]),
])  # fmt: skip
async def test_a_field_at_its_limit_is_taken_and_one_over_it_refused(
    gallery: Gallery, person: Person, asset: AssetId, field: str, most: Any, over: Any
) -> None:
    refused = await changed(gallery, person, asset, {field: over})
    assert (refused.status, refused.code, refused.json["errors"][0]["at"][0]) == (422, "invalid", field)
    assert (await changed(gallery, person, asset, {field: most})).status == 200


async def test_a_question_has_256_characters_at_most(gallery: Gallery, person: Person) -> None:
    for length, status in ((256, 200), (257, 422)):
        assert (await gallery.get(f"/v1/search?q={'x' * length}", person)).status == status
        body = {"texts": [{"q": "x" * length}]}
        assert (await gallery.post("/v1/search", person, json=body)).status == status
    for query in ("limit=101", "limit=0", "&".join(["tag=a"] * 13), "&".join(["not=a"] * 10), "like=x"):
        assert (await gallery.get(f"/v1/search?q=x&{query}", person)).status == 422


async def test_a_body_has_64_kibibytes_at_most_however_it_is_sent(gallery: Gallery, person: Person) -> None:
    async def drips(size: int) -> AsyncIterator[bytes]:
        yield b'{"sha256": ["' + b"x" * (size - 16) + b'"]}'

    kind = {"Content-Type": "application/json"}
    for size, status in ((64 << 10, 422), ((64 << 10) + 1, 413)):
        exact = b"".join([piece async for piece in drips(size)])
        assert len(exact) == size
        for data in (exact, drips(size)):
            answer = await gallery.post("/v1/uploads/check", person, data=data, headers=kind)
            assert (answer.status, answer.code) == (status, "too_large" if status == 413 else "invalid")
    big = await gallery.post("/v1/search", data=b" " * (1 << 17), headers=kind)
    assert (big.status, big.json["maxBytes"]) == (413, 64 << 10)


async def test_json_is_at_most_twenty_deep(gallery: Gallery, person: Person) -> None:
    for deep, status in ((20, 422), (21, 400), (2_500, 400)):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            data = opening * deep + "0" + closing * deep
            answer = await gallery.post("/v1/search", person, data=data, headers={"Content-Type": "application/json"})
            assert (answer.status, answer.code) == (status, "malformed" if status == 400 else "invalid")
    text = json.dumps({"texts": [{"q": "[" * 100 + '"' + "{" * 100}]})
    assert (
        await gallery.post("/v1/search", person, data=text, headers={"Content-Type": "application/json"})
    ).status == 200


async def test_the_head_has_16_kibibytes_at_most(gallery: Gallery, person: Person) -> None:
    for headers in ({"X": "x" * 17_000}, {f"X-{n}": "x" * 90 for n in range(170)}, {"Cookie": "a=" + "x" * 17_000}):
        answer = await gallery.get("/v1/me", person, headers=headers)
        assert (answer.status, answer.code) == (431, "headers_too_large")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await gallery.get("/v1/me", person, headers={"X": "x" * 8_000})).status == 200


@pytest.mark.parametrize(("sent", "kept"), [
    ("a\x00b", "ab"), ("\x1b[31mred\x7f", "[31mred"), ("photo\u202egpj.exe", "photogpj.exe"), ("\u2066x\u2069", "x"),
    ("zero\u200bwidth\ufeff", "zerowidth"), ("  many \t\n spaces ", "many spaces"), ("👩‍👩‍👧", "👩‍👩‍👧"), ("é", "é"),
    ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"), ("' OR 1=1 --", "' OR 1=1 --"), ("\x00", ""),
])  # fmt: skip
async def test_text_is_cleaned_of_what_does_not_show_and_otherwise_kept(
    gallery: Gallery, person: Person, asset: AssetId, sent: str, kept: str
) -> None:
    answer = await changed(gallery, person, asset, {"title": sent, "alt": sent, "licence": sent})
    assert {answer.json[name] for name in ("title", "alt", "licence")} == {kept}
    assert (await gallery.get(f"/v1/assets/{asset}", person)).json["title"] == kept


async def test_a_lone_surrogate_goes_nowhere(gallery: Gallery, person: Person, asset: AssetId) -> None:
    assert (await changed(gallery, person, asset, {"title": "a\ud800b"})).json["title"] == "ab"
    assert (await changed(gallery, person, asset, {"tags": ["\ud800"]})).status == 422
    for body in ({"rating": "\ud800"}, {"\ud800": 1}):
        assert (await changed(gallery, person, asset, body)).code == "invalid"
    for search in ({"texts": [{"q": "\ud800"}]}, {"texts": [{"q": "x"}], "filters": {"owner": "\ud800"}}):
        headers = {"Content-Type": "application/json"}
        assert (await gallery.post("/v1/search", person, data=json.dumps(search), headers=headers)).code == "invalid"


@pytest.mark.parametrize("tag", ["", " ", "\u200b", "\x00"])
async def test_a_tag_that_does_not_show_is_refused(gallery: Gallery, person: Person, asset: AssetId, tag: str) -> None:
    assert (await changed(gallery, person, asset, {"tags": ["good", tag]})).status == 422
