"""Odd requests of every kind: whatever is sent, the answer is a refusal in words or a result, never a 500 or silence."""

import asyncio
import json
from itertools import product
from typing import Any

import numpy as np
import pytest

from functions.core.ids import AssetId
from tests.support.doors import Answer, Gallery, Person
from tests.support.worlds import MODEL

IDS = ["0", "-1", "null", "undefined", "%00", "%ff", "%F0%9F%A6%8A", "..%2f..%2fetc", "%2e%2e", "'%20OR%201=1--", "9" * 400,
       "NaN", "00000000-0000-0000-0000-000000000000", "{00000000-0000-7000-8000-000000000000}", "a" * 3_000]  # fmt: skip
PATHS = ["/v1/assets/{}", "/v1/assets/{}/similar", "/v1/assets/{}/timeline", "/v1/assets/{}/original", "/media/{}/1/256",
         "/start/{}", "/pages/{}.css", "/pages/{}", "/{}", "/v1/{}", "/store/{}"]  # fmt: skip
ACTS = [("PATCH", "/v1/assets/{}"), ("DELETE", "/v1/assets/{}"), ("POST", "/v1/assets/{}/restore"),
        ("POST", "/v1/assets/{}/retry"), ("POST", "/v1/uploads/{}/complete")]  # fmt: skip
VALUES = ["", "%00", "%ff", "%F0%9F%A6%8A", "-1", "0", "1e309", "NaN", "inf", "9" * 60, "me%00", "%ED%A0%80", "true", "[]",
          "x" * 2_000, "a,b", "'", "%25", "1;2", "null", "0001-01-01", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00",
          "9999-12-31", "99999999999999999", "-99999999999999", "2026-02-30", "T", "1e12", "%E2%80%AEgpj"]  # fmt: skip
FIELDS = ["owner", "state", "visibility", "tag", "orientation", "color", "type", "from", "to", "trashed", "sort", "limit",
          "cursor", "id", "not", "minScore", "like", "q", "unheard"]  # fmt: skip
JSONS: list[Any] = [None, True, 0, -1, 1 << 70, 10**300, 0.1, "", "\x00", "\ud800", "\u202e", "🦊", "x" * 10_000, [], [None], {},
                    {"a": {}}, {"\ud800": 1}, {"\x00": 1}, "$where", "' OR 1=1 --", float("nan"), float("inf")]  # fmt: skip

Asked = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


def odd(answer: Answer) -> bool:
    """Whether this is no answer that we mean to give."""
    if answer.status < 400:
        return False
    if answer.status >= 500 or answer.headers["Content-Type"] == "application/xml":
        return answer.status >= 500
    return not answer.code


async def strange(gallery: Gallery, person: Person, asked: Asked) -> list[str]:
    """Those of the requests that were not answered properly."""
    found: list[str] = []

    async def ask(method: str, path: str, options: dict[str, Any]) -> None:
        async with few, asyncio.timeout(10):
            answer = await gallery.ask(method, path, person, **options)
        if odd(answer):
            found.append(f"{method} {path[:80]} {str(options)[:80]} -> {answer.status} {answer.data[:80]!r}")

    few = asyncio.Semaphore(8)
    await asyncio.gather(*(ask(*each) for each in asked))
    return found


async def test_odd_ids_and_names_in_paths(gallery: Gallery, person: Person) -> None:
    asked: Asked = [("GET", path.format(value), {}) for path, value in product(PATHS, IDS)]
    asked += [(method, path.format(value), {}) for (method, path), value in product(ACTS, IDS)]
    assert await strange(gallery, person, asked) == []


@pytest.mark.promises("S46")
async def test_odd_values_in_queries(gallery: Gallery, person: Person) -> None:
    asked: Asked = [("GET", f"/v1/assets?{field}={value}", {}) for field, value in product(FIELDS, VALUES)]
    asked += [("GET", f"/v1/search?q=fox&{field}={value}", {}) for field, value in product(FIELDS[:-2], VALUES)]
    asked += [("GET", f"/v1/search?{field}={value}", {}) for field, value in product(("q", "not", "like"), VALUES)]
    assert await strange(gallery, person, asked) == []


def bodies() -> list[tuple[str, str, Any]]:
    """Each field of each body with each odd value, and each odd value as the body."""
    good: dict[str, dict[str, Any]] = {
        "/v1/uploads": {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": "0" * 64},
        "/v1/uploads/check": {"sha256": ["0" * 64]},
        "/v1/search": {"texts": [{"q": "fox", "weight": 1}], "minScore": 0.1, "limit": 5, "cursor": None},
    }
    found: list[tuple[str, str, Any]] = []
    for path, body in good.items():
        found += [("POST", path, value) for value in JSONS]
        found += [("POST", path, body | {field: value}) for field, value in product([*body, "unheard"], JSONS)]
    words = product(("q", "weight"), JSONS)
    found += [("POST", "/v1/search", {"texts": [{"q": "fox", "weight": 1} | {field: value}]}) for field, value in words]
    narrowed = product(FIELDS[:10], JSONS)
    found += [("POST", "/v1/search", {"texts": [{"q": "fox"}], "filters": {field: value}}) for field, value in narrowed]
    examples = product(("assetId", "queryImageId"), JSONS)
    found += [("POST", "/v1/search", {"images": [{field: value}]}) for field, value in examples]
    return found


@pytest.mark.promises("S20", "S46")
async def test_odd_values_in_bodies(gallery: Gallery, person: Person) -> None:
    headers = {"Content-Type": "application/json"}
    asked = [(method, path, {"data": json.dumps(value), "headers": headers}) for method, path, value in bodies()]
    assert await strange(gallery, person, asked) == []


@pytest.mark.promises("S20", "S47")
async def test_odd_values_in_changes(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    for field, value in product(
        ("title", "description", "alt", "tags", "visibility", "licence", "rating", "state"), JSONS
    ):
        revision = (await gallery.get(f"/v1/assets/{asset}", person)).headers["ETag"]
        headers = {"Content-Type": "application/json", "If-Match": revision}
        body = json.dumps({field: value})
        assert (
            await strange(gallery, person, [("PATCH", f"/v1/assets/{asset}", {"data": body, "headers": headers})]) == []
        )


async def test_bodies_that_are_not_what_they_say(gallery: Gallery, person: Person) -> None:
    kinds = [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "*/*",
        "a/b; =;;",
    ]
    broken = [b"", b"{", b"\xff\xfe", b'{"q":"\xff"}', b"\x00", b"[" * 21, b'{"size":' + b"9" * 5_000 + b"}", b"null", b'"',
              b"NaN", '{"name": "a"}'.encode("utf-16")]  # fmt: skip
    places = [
        "/v1/uploads",
        "/v1/uploads/check",
        "/v1/search",
        "/v1/query-images",
        "/v1/session/token",
        "/store/miraveja",
    ]
    asked = [
        ("POST", path, {"data": data, "headers": {"Content-Type": kind}})
        for path, kind, data in product(places, kinds, broken)
    ]
    assert await strange(gallery, person, asked) == []


# The framework leaves the temporary file of a form that was cut short to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_odd_forms(gallery: Gallery, person: Person) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    forms = {
        "multipart/form-data": part, "multipart/form-data; boundary=": part, "multipart/form-data; boundary=c": part,
        "multipart/form-data; boundary=b": b"", 'multipart/form-data; boundary="b': part,
        "multipart/form-data; boundary=b; charset=undefined": part.replace(b'"image"', b'"\xff"'),
        "multipart/form-data; boundary=b; charset=idna": part.replace(b'"image"', b'"\xff.a"'),
        "multipart/form-data; boundary=b; charset=utf-16": part, "multipart/form-data; charset=hex; boundary=b": part,
        f"multipart/form-data; boundary={'b' * 300}": part, "Multipart/Form-Data; Boundary=b": part[:-6],
        "multipart/form-data;boundary=b;boundary=b": part.replace(b"\r\n\r\n", b"\r\n"),
    }  # fmt: skip
    asked: Asked = [
        ("POST", path, {"data": data, "headers": {"Content-Type": kind}})
        for path, (kind, data) in product(("/v1/query-images", "/store/miraveja"), forms.items())
    ]
    many = (
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(50))
        + b"--b--\r\n"
    )
    asked.append(
        ("POST", "/v1/query-images", {"data": many, "headers": {"Content-Type": "multipart/form-data; boundary=b"}})
    )
    assert await strange(gallery, person, asked) == []


async def test_odd_headers(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    picture = await gallery.media_of(asset, person)
    heads = [{"Range": "bytes=0-1"}, {"Range": "bytes=9-1,,-"}, {"If-None-Match": "*"}, {"If-Match": "*"}, {"Accept": "\xff"},
             {"If-Modified-Since": "never"}, {"Expect": "nothing"}, {"Upgrade": "websocket", "Connection": "Upgrade"},
             {"Cookie": "miraveja_session=" + "x" * 500}, {"Cookie": "=;;\xff=\xfe"}, {"Origin": "null"},
             {"Content-Encoding": "gzip"}, {"Last-Event-ID": "-"}, {"X-Forwarded-Host": "evil.example"}]  # fmt: skip
    places = [f"/v1/assets/{asset}", "/v1/me", picture, "/readyz", "/"]
    assert (
        await strange(gallery, person, [("GET", path, {"headers": head}) for path, head in product(places, heads)])
        == []
    )
    verbs = ["HEAD", "OPTIONS", "TRACE", "PUT", "CONNECT", "PROPFIND", "POST", "DELETE"]
    for verb, path in product(verbs, ["/v1/me", "/", "/v1/search", picture, "/store/miraveja"]):
        answer = await gallery.ask(verb, path, person)
        fine = {200, 403, 422} if verb == "HEAD" else {400, 403, 404, 405, 422}
        assert answer.status in fine, (verb, path)


@pytest.mark.promises("S49")
@pytest.mark.parametrize("match", ["*", 'W/"1"', '"1", "2"', '""', "-1", "1e3", "9" * 30, "١", "\xb2"])
async def test_an_if_match_that_is_no_etag_of_ours(gallery: Gallery, person: Person, match: str) -> None:
    asset = await gallery.a_picture(person)
    answer = await gallery.ask("PATCH", f"/v1/assets/{asset}", person, headers={"If-Match": match}, json={"title": "x"})
    assert (answer.status, answer.code) == (422, "invalid")


async def test_words_and_examples_that_cancel_each_other_find_something_or_nothing(
    gallery: Gallery, person: Person
) -> None:
    asset = await gallery.a_picture(person, np.eye(MODEL.dim, dtype=np.float32)[0])
    texts = [{"q": "fox", "weight": weight} for weight in (1, -1)]
    images = [{"assetId": str(asset), "weight": weight} for weight in (3, -3)]
    for body in ({"texts": texts}, {"images": images}, {"texts": texts, "images": images}, {"texts": texts * 5}):
        assert (await gallery.post("/v1/search", person, json=body)).status == 200


async def test_a_time_without_an_offset_is_utc(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, created_at="2026-03-01T12:00:00Z")
    for span, there in [
        ("from=2026-03-01T12:00:00&to=2026-03-01T12:00:01", True),
        ("from=2026-03-01T12:00:01", False),
        ("from=2026-03-01&to=2026-03-02", True),
        ("from=2026-03-01T14:00:00%2B02:00&to=2026-03-01T14:00:01%2B02:00", True),
        ("from=2026-03-02&to=2026-03-01", False),
        ("from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00", True),
    ]:
        items = (await gallery.get(f"/v1/assets?owner=me&{span}", person)).json["items"]
        assert [item["id"] for item in items] == ([str(asset)] if there else []), span


@pytest.mark.parametrize("lines", [
    b"GET /v1/me HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\n\r\n",
    b"GET /v1/me\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"GET /v1/assets?owner=\xff HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"GET http://evil.example/v1/me HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"POST /v1/search HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/search HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /v1/search HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/search HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"GET /v1/me HTTP/1.1\r\nHost: HOST\r\nX: a\x00b\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
])  # fmt: skip
async def test_lines_that_no_client_would_send_are_answered_or_cut_off(gallery: Gallery, lines: bytes) -> None:
    host, port = gallery.url.removeprefix("http://").replace("localhost", "127.0.0.1").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(lines.replace(b"HOST", gallery.url.removeprefix("http://").encode()))
    writer.write_eof()
    async with asyncio.timeout(5):
        answer = await reader.read(200)
    writer.close()
    assert answer == b"" or 400 <= int(answer.split(b" ")[1]) < 500, answer
    assert (await gallery.get("/livez")).status == 200


async def test_a_client_that_hangs_up_in_the_middle_of_a_body_is_forgotten(
    gallery: Gallery, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    port = gallery.url.rsplit(":", 1)[1]
    for path in (b"/v1/search", b"/v1/query-images", b"/store/miraveja"):
        _, writer = await asyncio.open_connection("127.0.0.1", int(port))
        head = b"POST %s HTTP/1.1\r\nHost: localhost:%s\r\nAuthorization: Bearer %s\r\nContent-Length: 99\r\n"
        head += b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b"
        writer.write(head % (path, port.encode(), person.token.encode()))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    for _ in range(3):
        assert (await gallery.get("/livez")).status == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_an_asset_id_in_other_spellings_is_the_same_asset(gallery: Gallery, person: Person) -> None:
    asset = AssetId(await gallery.a_picture(person))
    for spelling in (str(asset).upper(), asset.hex):
        assert (await gallery.get(f"/v1/assets/{spelling}", person)).json["id"] == str(asset)
