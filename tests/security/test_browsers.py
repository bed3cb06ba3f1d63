"""What browsers are told: which pages may read, what a page may load, where a link may lead, whom to tell of a weakness."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from gateway.routes.meta import PAGE_POLICY
from gateway.shell.limits import SAFE
from tests.support.doors import Answer, Gallery

APP = "https://app.example"
SETTINGS = {"cors_origins": f"{APP},http://localhost:5173", "public_url": "https://mira.example"}
STRANGERS = ["https://evil.example", "null", "https://mira.example.evil.example", "http://mira.example", "http://app.example",
             "https://app.example:8443", "https://APP.example", "https://app.example/", "https://xapp.example", "*", "",
             "https://app.example, https://evil.example", "https://sub.app.example", "\xff", "file://"]  # fmt: skip
PLACES = ["/v1/assets", "/livez", "/", "/nowhere", "/v1/session/token", "/store/miraveja", "/.well-known/miraveja"]


async def asked_from(gallery: Gallery, origin: str, path: str, method: str = "GET", **headers: str) -> Answer:
    return await gallery.ask(method, path, headers={"Origin": origin, **headers})


def granted(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


@pytest.mark.promises("S18")
@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("origin", ["https://mira.example", APP, "http://localhost:5173"])
async def test_a_page_on_the_list_may_read_every_answer_but_brings_no_cookie(
    gallery: Gallery, path: str, origin: str
) -> None:
    with gallery.with_other(SETTINGS):
        for method in ("GET", "POST", "HEAD"):
            answer = await asked_from(gallery, origin, path, method)
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Origin" in answer.headers["Vary"]
            assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.promises("S18")
@pytest.mark.parametrize("origin", STRANGERS)
async def test_any_other_page_is_told_nothing(gallery: Gallery, origin: str) -> None:
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    with gallery.with_other(SETTINGS):
        for path in PLACES:
            for answer in (
                await asked_from(gallery, origin, path),
                await asked_from(gallery, origin, path, "OPTIONS", **preflight),
            ):
                assert granted(answer) == {}
                assert "Origin" in answer.headers["Vary"]
    assert granted(await asked_from(gallery, APP, "/livez")) == {}, "the list is empty until it is set"


@pytest.mark.promises("S17", "S18")
async def test_a_preflight_of_a_page_on_the_list_is_answered(gallery: Gallery) -> None:
    with gallery.with_other(SETTINGS):
        for path in ("/v1/assets/x", "/v1/uploads", "/store/miraveja"):
            answer = await asked_from(gallery, APP, path, "OPTIONS", **{"Access-Control-Request-Method": "PATCH"})
            assert (answer.status, answer.data) == (204, b"")
            assert answer.headers["Access-Control-Allow-Origin"] == APP
            assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PATCH, DELETE"
            assert {"Authorization", "If-Match"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
            assert int(answer.headers["Access-Control-Max-Age"]) <= 3600
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await asked_from(gallery, APP, "/v1/me", "OPTIONS")).status == 405, (
            "without a question it is no preflight"
        )


@pytest.mark.promises("S17")
async def test_head_is_get_without_the_body(gallery: Gallery) -> None:
    person = await gallery.a_person()
    asset = await gallery.a_picture(person)
    media = await gallery.media_of(asset, person)
    original = (await gallery.get(f"/v1/assets/{asset}/original", person)).headers["Location"]
    for path in (media, original, f"/v1/assets/{asset}", "/v1/me", "/", "/docs", "/livez", "/nowhere", "/v1/assets/x"):
        got, head = await gallery.get(path, person), await gallery.ask("HEAD", path, person)
        assert (head.status, head.data) == (got.status, b"")
        varying = {"Date", "Content-Length"} if got.status >= 400 else {"Date"}
        for name in got.headers.keys() - varying:
            assert head.headers[name] == got.headers[name], (path, name)
    assert (await gallery.ask("HEAD", "/v1/me")).status == 401


@pytest.mark.promises("S15", "S17")
async def test_looking_at_a_sign_in_link_does_not_use_it_up(gallery: Gallery) -> None:
    link = await gallery.accounts.link(await gallery.accounts.owner())
    assert (await gallery.ask("HEAD", f"/start/{link}")).status == 405
    assert (await gallery.get(f"/start/{link}")).status == 303


@pytest.mark.promises("S16")
async def test_pages_load_what_is_theirs_and_nothing_inline(gallery: Gallery) -> None:
    for path in ("/", "/docs"):
        page = await gallery.get(path)
        assert page.headers["Content-Security-Policy"] == PAGE_POLICY
        text = page.data.decode()
        assert not re.search(
            r"<script(?![^>]*\bsrc=\"/)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://(?!localhost)", text
        )
    assert not re.search(r"unsafe|\*|https?:|data:(?!;)", PAGE_POLICY.replace("img-src 'self' data:", ""))
    for directive in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"):
        assert directive in PAGE_POLICY
    for path in ("/livez", "/nowhere", "/openapi.json", "/pages/home.js", "/.well-known/miraveja"):
        assert (await gallery.get(path)).headers["Content-Security-Policy"] == SAFE["Content-Security-Policy"]


@pytest.mark.promises("S21")
@pytest.mark.parametrize(("wanted", "to"), [
    ("/", "/"), ("/docs", "/docs"), ("/a/b?c=d&e=%2F#f", "/a/b?c=d&e=%2F#f"), ("", "/"), ("//evil.example", "/"),
    ("/\\evil.example", "/"), ("\\/evil.example", "/"), ("https://evil.example", "/"), ("javascript:alert(1)", "/"),
    ("/\t/evil.example", "/"), ("\n//evil.example", "/"), ("/x\r\nSet-Cookie: a=b", "/"), ("/a\\..\\\\evil", "/"), (" /x", "/"),
    ("/%09/evil.example", "/%09/evil.example"), ("evil.example", "/"), ("/é", "/"), ("/\x00", "/"), ("///evil.example", "/"),
])  # fmt: skip
async def test_a_sign_in_link_leads_to_pages_of_this_gallery_only(gallery: Gallery, wanted: str, to: str) -> None:
    with gallery.with_other({"rate_sign_in": 0}):
        link = await gallery.accounts.link(await gallery.accounts.owner())
        answer = await gallery.get(f"/start/{link}?returnTo={quote(wanted, safe='')}")
    assert (answer.status, answer.headers["Location"]) == (303, to)


@pytest.mark.promises("S79")
async def test_security_txt_names_the_contact_until_a_day_that_comes(gallery: Gallery) -> None:
    assert (await gallery.get("/.well-known/security.txt")).code == "not_found"
    with gallery.with_other({"security_contact": "mailto:safe@mira.example", "public_url": "https://mira.example"}):
        answer = await gallery.get("/.well-known/security.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.data.decode().splitlines())
    assert fields["Contact"] == "mailto:safe@mira.example"
    assert fields["Canonical"] == "https://mira.example/.well-known/security.txt"
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)


@pytest.mark.promises("S76")
async def test_what_is_switched_off_is_not_there(gallery: Gallery) -> None:
    with gallery.with_other({"docs": False}):
        for path in ("/docs", "/openapi.json"):
            assert (await gallery.get(path)).code == "not_found"
    for path in (
        "/debug",
        "/redoc",
        "/docs/oauth2-redirect",
        "/admin",
        "/_/ready",
        "/function/embed",
        "/.env",
        "/.git/config",
    ):
        assert (await gallery.get(path)).code == "not_found"


@pytest.mark.promises("S22")
async def test_what_a_body_is_follows_from_the_route_never_from_the_request(gallery: Gallery) -> None:
    person = await gallery.a_person()
    wishes: dict[str, Any] = {"Accept": "text/html", "Content-Type": "text/html", "X-Content-Type": "text/html"}
    for path in ("/v1/me", "/v1/assets", "/nowhere", "/v1/search?q=%3Cscript%3E", "/v1/assets/%3Cscript%3E"):
        answer = await gallery.get(path, person, headers=wishes)
        assert answer.headers["Content-Type"] in ("application/json", "application/problem+json")
        assert b"<script>" not in answer.data


@pytest.mark.promises("S20")
async def test_a_query_and_the_number_of_headers_have_limits(gallery: Gallery) -> None:
    long = await gallery.get(f"/v1/assets?owner={'x' * 8_200}")
    assert (long.status, long.code) == (414, "query_too_large")
    long = await gallery.get(f"/v1/assets/{'x' * 4_200}")
    assert (long.status, long.code) == (414, "path_too_large")
    many = await gallery.get("/v1/me", headers={f"X-{number}": "y" for number in range(120)})
    assert (many.status, many.code) == (431, "headers_too_large")


async def test_what_is_down_is_told_as_a_problem(gallery: Gallery) -> None:
    gallery.door.health.down, gallery.door.health.until = ("database",), float("inf")
    try:
        answer = await gallery.get("/readyz")
    finally:
        gallery.door.health.down, gallery.door.health.until = (), 0.0
    assert (answer.status, answer.code, answer.json["down"], answer.json["ready"]) == (
        503,
        "unavailable",
        ["database"],
        False,
    )
    assert (await gallery.get("/readyz")).json == {"ready": True, "down": []}
