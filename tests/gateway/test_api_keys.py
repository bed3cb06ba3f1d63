"""API keys at the door: as much as they were made for, never more than a user, and gone when they are revoked."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tests.support.doors import Answer, Gallery, Person, until

pytestmark = pytest.mark.promises("S13")
UPLOAD = {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": "ab" * 32}
YEAR_ONE, YEAR_LAST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def made(gallery: Gallery, person: Person, *scopes: str) -> dict[str, Any]:
    answer = await gallery.post("/v1/keys", person, json={"name": "Camera", "scopes": scopes})
    assert answer.status == 201
    told: dict[str, Any] = answer.json
    return told


async def a_key(gallery: Gallery, person: Person, *scopes: str) -> Person:
    """The person's key as somebody who asks."""
    return replace(person, token=(await made(gallery, person, *scopes))["key"])


async def act(gallery: Gallery, key: Person) -> dict[str, Answer]:
    """One act for each scope, and those that are for nobody but people."""
    asset = await gallery.a_picture(key)
    change = {"json": {"title": "New"}, "headers": {"If-Match": '"1"'}}
    return {
        "read": await gallery.get(f"/v1/assets/{asset}", key),
        "upload": await gallery.post("/v1/uploads", key, json=UPLOAD),
        "write": await gallery.ask("PATCH", f"/v1/assets/{asset}", key, **change),
        "list keys": await gallery.get("/v1/keys", key),
        "make a key": await gallery.post("/v1/keys", key, json={"name": "x", "scopes": ["read"]}),
        "change a key": await gallery.ask("PATCH", f"/v1/keys/{uuid.uuid4()}", key, json={"name": "x"}),
        "revoke a key": await gallery.ask("DELETE", f"/v1/keys/{uuid.uuid4()}", key),
        "change me": await gallery.ask("PATCH", "/v1/me", key, json={"name": "x"}),
        "invite": await gallery.post("/v1/invitations", key, json={"name": "x"}),
    }


@pytest.mark.parametrize("scopes", [("read",), ("upload",), ("write",), ("read", "upload", "write")])
async def test_a_key_may_what_it_was_made_for_and_nothing_else(
    gallery: Gallery, person: Person, scopes: tuple[str, ...]
) -> None:
    answers = await act(gallery, await a_key(gallery, person, *scopes))
    good = {name for name, answer in answers.items() if answer.status < 300}
    assert good == set(scopes) | ({"read"} if "write" in scopes else set()), "what was changed is told"
    refused = {(answer.status, answer.code) for name, answer in answers.items() if name not in good}
    assert refused == {(403, "insufficient_scope")}


@pytest.mark.promises("S9")
async def test_an_admins_key_is_a_users(gallery: Gallery) -> None:
    admin = await gallery.a_person(roles=("user", "moderator", "admin"))
    key = await a_key(gallery, admin, "read", "upload", "write")
    assert (await gallery.get("/v1/me", key)).json["roles"] == ["user"]
    assert (await gallery.post("/v1/invitations", key, json={"name": "x"})).code == "insufficient_scope"
    assert (await gallery.post("/v1/invitations", admin, json={"name": "x"})).status == 201


async def test_a_key_sees_what_its_maker_sees(gallery: Gallery, person: Person) -> None:
    key = await a_key(gallery, person, "read")
    asset = await gallery.a_picture(person)
    others = await gallery.a_picture(await gallery.a_person("Bob"))
    url = await gallery.media_of(asset, key)
    assert (url, (await gallery.get(url)).data) == (await gallery.media_of(asset, person), b"webp")
    assert (await gallery.get(f"/v1/assets/{asset}/original", key)).status == 302
    assert (await gallery.get(f"/v1/assets/{others}", key)).status == 404
    with gallery.with_other({"anonymous_read": True}):
        upload_only = await a_key(gallery, person, "upload")
        assert (await gallery.get("/v1/assets", upload_only)).code == "insufficient_scope"


async def test_the_secret_is_told_once(gallery: Gallery, person: Person) -> None:
    told = await made(gallery, person, "read")
    later = [
        await gallery.get("/v1/keys", person),
        await gallery.ask("PATCH", f"/v1/keys/{told['id']}", person, json={"name": "Phone"}),
    ]
    assert all(told["key"].encode() not in answer.data and answer.status == 200 for answer in later)
    assert later[0].json["items"] == [{name: value for name, value in told.items() if name != "key"}]
    assert later[1].json["name"] == "Phone"
    again = {"name": "x", "scopes": ["read"]}
    kept = await gallery.post("/v1/keys", person, json=again, headers={"Idempotency-Key": "k"})
    assert kept.status == 422, "what is shown once is kept nowhere"


@pytest.mark.parametrize(
    "change", [{"scopes": ["write"]}, {"expiresAt": "2030-01-01T00:00:00Z"}, {"key": "mv_x"}, {"hash": ""}, {}]
)
async def test_a_key_is_renamed_and_nothing_else(gallery: Gallery, person: Person, change: dict[str, object]) -> None:
    told = await made(gallery, person, "read")
    answer = await gallery.ask("PATCH", f"/v1/keys/{told['id']}", person, json=change)
    assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize("odd", [
    {"expiresAt": YEAR_ONE}, {"expiresAt": YEAR_LAST}, {"expiresAt": 1e300}, {"expiresAt": "NaN"}, {"expiresAt": "2020-01-01"},
    {"scopes": ["read"] * 99}, {"scopes": [{}]}, {"scopes": "read"}, {"scopes": None}, {"name": "\x00"}, {"name": ["x"]},
    {"name": "\udc80"}, {"role": "admin"},
])  # fmt: skip
async def test_odd_wishes_are_refused(gallery: Gallery, person: Person, odd: dict[str, object]) -> None:
    answer = await gallery.post("/v1/keys", person, json={"name": "Camera", "scopes": ["read"]} | odd)
    assert answer.status in (400, 422)
    assert answer.code


async def test_no_more_than_fifty(gallery: Gallery, person: Person) -> None:
    for _ in range(50):
        await made(gallery, person, "read")
    answer = await gallery.post("/v1/keys", person, json={"name": "x", "scopes": ["read"]})
    assert (answer.status, answer.code, answer.json["limit"]) == (409, "too_many", 50)


@pytest.mark.promises("S2")
async def test_what_is_no_key_is_refused_in_the_words_for_tokens(gallery: Gallery, person: Person) -> None:
    good = (await made(gallery, person, "read"))["key"]
    odd = [good[:-1], good + "A", good.upper(), good[:-1] + "=", "mv_", "mv_" + "A" * 43, "mv_" + "é" * 43, f"{good}.a.b",
           f" {good}", "mv_" + "A" * 8_000, f"Bearer {good}", f"{good},{good}"]  # fmt: skip
    for key in odd:
        answer = await gallery.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
        assert (answer.status, answer.code) == (401, "invalid_token"), key
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert (await gallery.get(f"/v1/me?access_token={good}")).status == 401
    assert (await gallery.get("/v1/me", headers={"Authorization": f"Basic {good}"})).status == 401


async def test_a_revoked_key_works_no_more_within_five_seconds(gallery: Gallery, person: Person) -> None:
    told = await made(gallery, person, "read")
    key, other = replace(person, token=told["key"]), await a_key(gallery, person, "read")
    assert (await gallery.get("/v1/me", key)).status == 200
    assert (await gallery.ask("DELETE", f"/v1/keys/{told['id']}", person)).status == 204

    async def refused() -> bool:
        return (await gallery.get("/v1/me", key)).status == 401

    assert await until(refused) <= 5.5
    assert (await gallery.get("/v1/me", key)).code == "invalid_token"
    assert (await gallery.get("/v1/me", other)).status == 200


async def test_a_stream_ends_with_its_key_within_five_seconds(gallery: Gallery, person: Person) -> None:
    told = await made(gallery, person, "read")
    key = replace(person, token=told["key"])
    async with gallery.http.get(f"{gallery.url}/v1/events", headers=key.headers) as stream:
        await stream.content.readany()
        assert (await gallery.get("/v1/me", key)).status == 200
        assert (await gallery.ask("DELETE", f"/v1/keys/{told['id']}", person)).status == 204
        assert (await gallery.get("/v1/me", key)).status == 401, "what is remembered goes with the key"
        async with asyncio.timeout(5.5):
            while await stream.content.readany():
                pass


async def test_a_key_ends_when_it_expires(gallery: Gallery, person: Person) -> None:
    told = await made(gallery, person, "read")
    await gallery.do("UPDATE api_keys SET expires_at = now() + interval '1 second' WHERE id = %s", told["id"])
    key = replace(person, token=told["key"])
    assert (await gallery.get("/v1/me", key)).status == 200

    async def refused() -> bool:
        return (await gallery.get("/v1/me", key)).status == 401

    assert await until(refused) <= 1.5, "what is remembered ends with the key"
    assert [each["id"] for each in (await gallery.get("/v1/keys", person)).json["items"]] == [told["id"]]


@pytest.mark.promises("S7")
async def test_a_key_dies_with_its_makers_ban(gallery: Gallery, person: Person) -> None:
    key = await a_key(gallery, person, "read", "upload", "write")
    assert (await gallery.get("/v1/me", key)).status == 200
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", person.user)

    async def refused() -> bool:
        return (await gallery.get("/v1/me", key)).status == 403

    assert await until(refused) <= 5.5
    assert (await gallery.post("/v1/uploads", key, json=UPLOAD)).code == "forbidden"


async def test_use_is_seen_by_the_maker(gallery: Gallery, person: Person) -> None:
    key = await a_key(gallery, person, "read")
    assert (await gallery.get("/v1/keys", person)).json["items"][0]["lastUsedAt"] is None
    await gallery.get("/v1/me", key)
    assert (await gallery.get("/v1/keys", person)).json["items"][0]["lastUsedAt"].endswith("Z")
