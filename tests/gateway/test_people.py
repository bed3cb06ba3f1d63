"""People at the door: themselves, each other, invitations, and what a ban takes away."""

import uuid
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from functions.core.errors import Conflict, NotFound
from functions.core.ids import UserId
from functions.core.postgres import audit_log
from functions.core.times import utcnow
from functions.people import handler as people
from gateway.local.identity import LocalIdentity
from gateway.local.operators import people as operators
from tests.support.doors import Gallery, Person, until


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


def a_handle() -> str:
    return f"h{uuid.uuid4().hex[:16]}"


async def test_people_change_what_is_theirs_to_change(gallery: Gallery, person: Person) -> None:
    handle = a_handle()
    wanted = {"handle": handle.upper(), "name": " Ann \u202e Lee ", "settings": {"theme": "dark"}}
    changed = await gallery.ask("PATCH", "/v1/me", person, json=wanted)
    assert changed.status == 200
    assert (changed.json["handle"], changed.json["name"]) == (handle, "Ann Lee")
    assert changed.json["settings"] == {"defaultVisibility": "private", "theme": "dark"}
    assert (await gallery.get("/v1/me", person)).json == changed.json, "at once"
    assert (await gallery.get(f"/v1/users/{handle}", person)).json["name"] == "Ann Lee"


async def test_a_handle_of_somebody_is_taken(gallery: Gallery, person: Person) -> None:
    handle = a_handle()
    assert (await gallery.ask("PATCH", "/v1/me", person, json={"handle": handle})).status == 200
    other = await gallery.a_person("Bob")
    for alike in (handle, handle.upper(), f"{handle[:3]}.{handle[3:]}", "admin"):
        answer = await gallery.ask("PATCH", "/v1/me", other, json={"handle": alike})
        assert (answer.status, answer.code) == (409, "handle_taken")


@pytest.mark.promises("S20", "S47")
@pytest.mark.parametrize("odd", [
    {"handle": "a b"}, {"handle": "x" * 10_000}, {"handle": "-" * 10_000}, {"handle": None, "id": 1}, {"settings": {"x": 1}},
    {"settings": {"theme": {"$ne": 1}}}, {"roles": ["admin"]}, {"bannedAt": None}, {"name": "\x00"}, {"name": {}}, [], "x",
])  # fmt: skip
async def test_odd_changes_are_refused(gallery: Gallery, person: Person, odd: object) -> None:
    answer = await gallery.ask("PATCH", "/v1/me", person, json=odd)
    assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize(
    "handle",
    ["%00", "a%00b", "..", "%2e%2e%2fme", "x" * 5_000, "%f0%9f%a6%8a", "%ff", "' OR 1=1 --", "%25", "nobody-here"],
)
async def test_odd_handles_are_nobodys(gallery: Gallery, person: Person, handle: str) -> None:
    answer = await gallery.get(f"/v1/users/{quote(handle, safe='%')}", person)
    assert answer.status in (404, 414, 422)
    assert answer.code


async def test_a_profile_tells_no_more_than_its_reader_may_see(gallery: Gallery, person: Person) -> None:
    await gallery.a_picture(person)
    await gallery.a_picture(person, visibility="public")
    me = (await gallery.get("/v1/me", person)).json
    path = f"/v1/users/{me['handle']}"
    stranger = await gallery.a_person("Bob")
    told = (await gallery.get(path, stranger)).json
    assert told == {name: me[name] for name in ("id", "handle", "name", "createdAt")} | {"counts": {"assets": 1}}
    assert (await gallery.get(path, person)).json["counts"] == {"assets": 2}
    assert (await gallery.get(path)).status == 401
    with gallery.with_other({"anonymous_read": True}):
        assert (await gallery.get(path)).json == told


async def test_usage_is_held_against_the_limits(gallery: Gallery, person: Person) -> None:
    await gallery.a_picture(person)
    wanted = {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": "cd" * 32}
    assert (await gallery.post("/v1/uploads", person, json=wanted)).status == 201
    told = (await gallery.get("/v1/me/usage", person)).json
    assert told["states"] == {"new": 1, "ready": 1}
    assert told["pending"] == {"used": 1, "limit": 10}
    assert told["bytes"]["used"] > 3
    assert told["bytes"]["limit"] is told["assets"]["limit"] is None


async def signed_in(gallery: Gallery, link: str) -> Person:
    """Whoever a one-time link signs in."""
    cookie = (await gallery.get(link)).headers["Set-Cookie"].split(";")[0]
    token = await gallery.post("/v1/session/token", headers={"Cookie": cookie, "Origin": gallery.url})
    somebody = Person(UserId(uuid.uuid4()), "", token.json["accessToken"])  # the token alone says who it is
    me = (await gallery.get("/v1/me", somebody)).json
    return replace(somebody, user=UserId(uuid.UUID(me["id"])))


@pytest.mark.promises("S9", "S15")
async def test_an_invited_person_is_themselves_and_a_user(gallery: Gallery) -> None:
    owner = await gallery.accounts.link(await gallery.accounts.owner())
    admin = await signed_in(gallery, f"/start/{owner}")
    invited = await gallery.post("/v1/invitations", admin, json={"name": "Grace"})
    assert invited.status == 201
    link = str(invited.json["link"])
    guest = await signed_in(gallery, link)
    me = (await gallery.get("/v1/me", guest)).json
    assert (me["id"], me["name"], me["roles"]) == (invited.json["id"], "Grace", ["user"])
    assert (await gallery.get("/v1/me", admin)).json["roles"] == ["admin", "moderator", "user"]
    assert (await gallery.post("/v1/invitations", guest, json={"name": "x"})).code == "insufficient_scope"
    assert (await gallery.get(link)).code == "gone"


@pytest.mark.promises("S15")
async def test_an_invitation_is_too_old_after_three_days(gallery: Gallery) -> None:
    admin = await gallery.a_person(roles=("user", "admin"))
    for age, status in (("71 hours", 303), ("72 hours", 410)):
        invited = (await gallery.post("/v1/invitations", admin, json={"name": "Grace"})).json
        await gallery.do(
            "UPDATE local_link SET expires_at = expires_at - %s::interval WHERE user_id = %s", age, invited["id"]
        )
        assert (await gallery.get(invited["link"])).status == status


async def test_where_people_sign_in_elsewhere_nobody_is_invited(gallery: Gallery) -> None:
    admin = await gallery.a_person(roles=("user", "admin"))
    with gallery.with_other(accounts=None):
        assert (await gallery.post("/v1/invitations", admin, json={"name": "Grace"})).code == "not_found"


@pytest.mark.promises("S9")
@pytest.mark.parametrize(("age_s", "status"), [(290, 201), (302, 403)])
async def test_an_old_token_invites_nobody(gallery: Gallery, age_s: int, status: int) -> None:
    admin = await gallery.a_person(roles=("user", "admin"))
    secrets = gallery.door.settings.data_dir / "secrets"
    before = LocalIdentity(secrets, clock=lambda: utcnow() - timedelta(seconds=age_s))
    token = before.mint(uuid.UUID(admin.subject), ["admin", "user"], "Ann", lifetime_s=3_600)
    old = replace(admin, token=token)
    assert (await gallery.get("/v1/me", old)).json["roles"] == ["admin", "user"]
    assert (await gallery.post("/v1/invitations", old, json={"name": "x"})).status == status


@pytest.mark.promises("S7", "S30")
async def test_addresses_that_were_given_before_a_ban_show_nothing_after_it(gallery: Gallery, person: Person) -> None:
    hidden, public = await gallery.a_picture(person), await gallery.a_picture(person, visibility="public")
    stranger = await gallery.a_person("Bob")
    original = (await gallery.get(f"/v1/assets/{hidden}/original", person)).headers["Location"]
    urls = [
        await gallery.media_of(hidden, person),
        await gallery.media_of(public, person),
        await gallery.media_of(public, stranger),
        original,
    ]

    async def statuses() -> set[int]:
        return {(await gallery.get(url)).status for url in urls}

    async def gone() -> bool:
        return await statuses() == {404}

    async def back() -> bool:
        return await statuses() == {200}

    assert await back()
    assert await people.ban(gallery.world, None, person.user, banned=True)
    assert await until(gone) <= 5.5
    moderator = await gallery.a_person(roles=("user", "moderator"))
    for who in (person.user, f"user-{person.user.hex[-12:]}"):
        for path in (f"/v1/assets?owner={who}", f"/v1/collections?owner={who}", f"/v1/search?q=x&owner={who}"):
            assert (await gallery.get(path, stranger)).status == 404, path
            assert (await gallery.get(path, moderator)).status == 200, path
    assert (await gallery.get(f"/v1/users/user-{person.user.hex[-12:]}", stranger)).status == 404
    assert await people.ban(gallery.world, None, person.user, banned=False)
    assert await until(back) <= 5.5


async def test_operators_find_ban_and_invite(gallery: Gallery, person: Person) -> None:
    handle = (await gallery.get("/v1/me", person)).json["handle"]
    assert (await operators.ban(gallery.door, {"who": handle}))["news"]
    [found] = (await operators.everyone(gallery.door, {"part": handle}))["users"]
    assert (found["id"], found["bannedAt"] is None) == (str(person.user), False)
    assert not (await operators.ban(gallery.door, {"who": str(person.user)}))["news"]
    assert (await operators.unban(gallery.door, {"who": handle}))["news"]
    owner = await gallery.accounts.owner()
    with pytest.raises(Conflict):
        await operators.ban(gallery.door, {"who": str(owner)})
    with pytest.raises(NotFound):
        await operators.ban(gallery.door, {"who": "nobody-here"})
    invited = await operators.invite(gallery.door, {"name": "Grace"})
    assert (await gallery.get(invited["link"])).status == 303
    async with gallery.world.database.transaction() as tx:
        named = await audit_log.person(tx, person.user)
    said = await gallery.row("SELECT count(*) AS n FROM audit_log WHERE object = %s", named)
    assert said["n"] == 2
