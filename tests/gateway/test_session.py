"""Signing in to the embedded gallery over HTTP: a link once, a cookie that pages cannot read, short tokens."""

from http.cookies import Morsel, SimpleCookie

import pytest

from tests.support.doors import Answer, Gallery, Person

pytestmark = pytest.mark.promises("S15")


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person("Ann")


def cookie_of(answer: Answer) -> Morsel[str]:
    return SimpleCookie(answer.headers["Set-Cookie"])["miraveja_session"]


async def signed_in(gallery: Gallery, person: Person) -> dict[str, str]:
    """Headers of a page of the gallery, with its cookie."""
    link = await gallery.accounts.link(person.user)
    cookie = cookie_of(await gallery.get(f"/start/{link}"))
    return {"Cookie": f"miraveja_session={cookie.value}", "Origin": gallery.url}


async def test_a_link_signs_in_once_and_goes_to_the_gallery(gallery: Gallery, person: Person) -> None:
    link = await gallery.accounts.link(person.user)
    answer = await gallery.get(f"/start/{link}")
    assert (answer.status, answer.headers["Location"], answer.headers["Cache-Control"]) == (303, "/", "no-store")
    cookie = cookie_of(answer)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/v1/session")
    assert int(cookie["max-age"]) == 30 * 24 * 3_600
    again = await gallery.get(f"/start/{link}")
    assert (again.status, again.code) == (410, "gone")
    assert "Set-Cookie" not in again.headers


async def test_a_link_is_too_old_after_ten_minutes(gallery: Gallery, person: Person) -> None:
    link = await gallery.accounts.link(person.user)
    await gallery.do(
        "UPDATE local_link SET expires_at = expires_at - interval '10 minutes' WHERE user_id = %s", person.user
    )
    assert (await gallery.get(f"/start/{link}")).code == "gone"


async def test_the_cookie_gives_tokens_that_work(gallery: Gallery, person: Person) -> None:
    page = await signed_in(gallery, person)
    answer = await gallery.post("/v1/session/token", headers=page)
    assert (answer.status, answer.json["expiresIn"]) == (200, 300)
    me = await gallery.get("/v1/me", headers={"Authorization": f"Bearer {answer.json['accessToken']}"})
    assert (me.json["id"], me.json["name"], me.json["roles"]) == (str(person.user), "Ann", ["user"])
    assert (await gallery.get("/v1/me", headers=page)).status == 401, "a cookie alone is no token"


async def test_the_owner_of_the_gallery_has_every_role(gallery: Gallery) -> None:
    link = await gallery.accounts.link(await gallery.accounts.owner())
    cookie = cookie_of(await gallery.get(f"/start/{link}"))
    page = {"Cookie": f"miraveja_session={cookie.value}", "Origin": gallery.url}
    token = (await gallery.post("/v1/session/token", headers=page)).json["accessToken"]
    me = await gallery.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json["roles"] == ["admin", "moderator", "user"]


@pytest.mark.parametrize("origin", [
    None, "null", "https://evil.example", "http://localhost", "http://localhost:1", "https://localhost:PORT", "HTTP://LOCALHOST:PORT",
    "http://localhost:PORT.evil.example", "http://evil.example:PORT", "http://localhost:PORT/", "",
])  # fmt: skip
async def test_another_page_gets_no_token_and_ends_no_session(
    gallery: Gallery, person: Person, origin: str | None
) -> None:
    page = await signed_in(gallery, person)
    del page["Origin"]
    elsewhere = page | ({} if origin is None else {"Origin": origin.replace("PORT", gallery.url.rsplit(":", 1)[1])})
    for method, path in (("POST", "/v1/session/token"), ("DELETE", "/v1/session")):
        answer = await gallery.ask(method, path, headers=elsewhere)
        assert (answer.status, answer.code) == (403, "forbidden")
        assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert (await gallery.post("/v1/session/token", headers=page | {"Origin": gallery.url})).status == 200


@pytest.mark.parametrize(
    "cookie", ["", "miraveja_session=", "miraveja_session=x", "miraveja_session=" + "x" * 128, "other=1"]
)
async def test_without_a_session_there_is_no_token(gallery: Gallery, cookie: str) -> None:
    answer = await gallery.post("/v1/session/token", headers={"Origin": gallery.url, "Cookie": cookie})
    assert (answer.status, answer.code) == (401, "unauthenticated")


async def test_signing_out_ends_the_session(gallery: Gallery, person: Person) -> None:
    page = await signed_in(gallery, person)
    answer = await gallery.ask("DELETE", "/v1/session", headers=page)
    assert (answer.status, answer.data) == (204, b"")
    assert (cookie_of(answer)["max-age"], cookie_of(answer)["path"]) == ("0", "/v1/session")
    assert (await gallery.post("/v1/session/token", headers=page)).status == 401
    assert (await gallery.ask("DELETE", "/v1/session", headers={"Origin": gallery.url})).status == 204


@pytest.mark.promises("S7")
async def test_the_session_of_somebody_banned_gives_no_tokens(gallery: Gallery, person: Person) -> None:
    page = await signed_in(gallery, person)
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", person.user)
    assert (await gallery.post("/v1/session/token", headers=page)).status == 401


async def test_where_people_sign_in_elsewhere_there_are_no_links(gallery: Gallery) -> None:
    with gallery.with_other(accounts=None):
        assert (await gallery.get("/start/x")).code == "not_found"
        assert (await gallery.post("/v1/session/token", headers={"Origin": gallery.url})).code == "not_found"


@pytest.mark.promises("S64")
async def test_a_request_to_another_name_is_misdirected(gallery: Gallery, person: Person) -> None:
    link = await gallery.accounts.link(person.user)
    for path in (f"/start/{link}", "/livez", "/v1/me", "/store/miraveja"):
        answer = await gallery.get(path, headers={"Host": "evil.example"})
        assert (answer.status, answer.code) == (421, "misdirected_request")
    assert (await gallery.get(f"/start/{link}")).status == 303
