"""Every answer is careful with browsers, every refusal a problem, and a bug tells the caller nothing."""

import logging

import aiohttp
import pytest
from starlette.responses import PlainTextResponse

from functions.core.ports import Vector
from gateway.shell.limits import HSTS, SafeHeaders
from tests.support.doors import Answer, Gallery, Person, a_server
from tests.support.images import a_png

SECRET = "the database password is hunter2"


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def broken(_: bytes) -> tuple[str, Vector]:
    raise RuntimeError(SECRET)


async def a_bug(gallery: Gallery, who: Person) -> Answer:
    """What comes of a part that raises what nobody foresaw."""
    part = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        + a_png(1, (8, 6))
        + b"\r\n--b--\r\n"
    )
    with gallery.with_other(embed_query=broken):
        return await gallery.post(
            "/v1/query-images", who, data=part, headers={"Content-Type": "multipart/form-data; boundary=b"}
        )


async def every_kind(gallery: Gallery, who: Person) -> dict[int, Answer]:
    asset = await gallery.a_picture(who)
    json = {"Content-Type": "application/json"}
    answers = [
        await gallery.get("/v1/me", who), await gallery.get("/v1/me"), await gallery.get("/nowhere"), await a_bug(gallery, who),
        await gallery.get("/v1/assets?x=1", who), await gallery.post("/v1/search", who, data=b"{", headers=json),
        await gallery.ask("PUT", "/v1/me", who), await gallery.get("/livez", headers={"Host": "evil.example"}),
        await gallery.get("/v1/me", headers={"X": "x" * 17_000}), await gallery.get(f"/v1/assets/{asset}/original", who),
        await gallery.post("/v1/search", who, data=b"x" * 70_000),
        await gallery.ask("PATCH", f"/v1/assets/{asset}", who, json={}),
        await gallery.post(f"/v1/assets/{asset}/retry", who), await gallery.post("/v1/session/token"),
        await gallery.get("/start/x"), await gallery.ask("DELETE", f"/v1/assets/{asset}", who),
    ]  # fmt: skip
    return {answer.status: answer for answer in answers}


@pytest.mark.promises("S17")
async def test_every_kind_of_answer_has_the_safe_headers(gallery: Gallery, person: Person) -> None:
    answers = await every_kind(gallery, person)
    assert answers.keys() == {200, 204, 302, 400, 401, 403, 404, 405, 409, 410, 413, 421, 422, 428, 431, 500}
    for status, answer in answers.items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", status
        assert answer.headers["Referrer-Policy"] == "no-referrer", status
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", status
        assert "clipboard-write=(self), web-share=(self)" in answer.headers["Permissions-Policy"], status
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], status
        assert answer.headers["Cache-Control"] == "no-store", status
        assert not {"Server", "X-Powered-By", "Strict-Transport-Security"} & answer.headers.keys(), status


@pytest.mark.promises("S17")
async def test_pages_and_the_store_have_them_too(gallery: Gallery) -> None:
    for path in (
        "/",
        "/docs",
        "/pages/style.css",
        "/openapi.json",
        "/readyz",
        "/store/miraveja",
        "/.well-known/miraveja",
    ):
        answer = await gallery.get(path)
        assert {
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Content-Security-Policy",
            "Permissions-Policy",
        } <= answer.headers.keys()
        assert "Server" not in answer.headers


@pytest.mark.promises("S17")
async def test_over_https_browsers_are_told_to_stay_there() -> None:
    app = SafeHeaders(PlainTextResponse("x"), https=True)
    async with aiohttp.ClientSession() as http, a_server(app) as url, http.get(url) as answer:
        assert answer.headers["Strict-Transport-Security"] == HSTS
    assert HSTS.startswith("max-age=63072000")


@pytest.mark.promises("S1")
async def test_every_refusal_is_a_problem_with_a_code_and_a_number(gallery: Gallery, person: Person) -> None:
    answers = await every_kind(gallery, person)
    codes = {status: answer.code for status, answer in answers.items() if status >= 400}
    assert codes == {
        400: "malformed", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 409: "conflict",
        410: "gone", 413: "too_large", 421: "misdirected_request", 422: "invalid", 428: "precondition_required",
        431: "headers_too_large", 500: "internal_error",
    }  # fmt: skip
    numbers = [answer.json["requestId"] for status, answer in answers.items() if status >= 400]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.promises("S1")
async def test_a_bug_tells_the_log_everything_and_the_caller_a_number(
    gallery: Gallery, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await a_bug(gallery, person)
    assert (answer.status, answer.code) == (500, "internal_error")
    for word in (SECRET, "RuntimeError", "Traceback", ".py"):
        assert word.encode() not in answer.data
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in records] == [f"request {answer.json['requestId']} failed"]
    assert records[0].exc_info
    assert SECRET in str(records[0].exc_info[1])


async def test_a_refusal_names_fields_and_repeats_no_value(gallery: Gallery, person: Person) -> None:
    answer = await gallery.post(
        "/v1/search", person, json={"texts": [{"q": "x", "weight": "<b>heavy</b>"}], "limit": "lots"}
    )
    assert sorted(error["at"] for error in answer.json["errors"]) == [["limit"], ["texts", "0", "weight"]]
    assert answer.json["detail"] == "not valid: limit, texts.0.weight"
    assert b"heavy" not in answer.data
    long = await gallery.post("/v1/search", person, json={f"{n}" + "x" * 900: 1 for n in range(60)})
    assert (long.status, len(long.json["errors"]) <= 20, len(long.data) < 8_000) == (422, True, True)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"{'q': 1}", b'{"a": 1}{', b"nul", '{"é": 1}'.encode("latin-1")])
async def test_what_is_not_json_cannot_be_read(gallery: Gallery, person: Person, data: bytes) -> None:
    answer = await gallery.post("/v1/uploads/check", person, data=data, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) in {(400, "malformed"), (422, "invalid")}
    assert answer.status == 400 or data == b""


@pytest.mark.promises("S18")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "https://localhost"]
)
async def test_no_other_origin_is_let_in(gallery: Gallery, person: Person, origin: str) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    for method in ("OPTIONS", "GET"):
        answer = await gallery.ask(method, "/v1/me", person, headers=asked)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
