"""Requests that come again under a key: one effect, one answer."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel

from functions.core.errors import Unavailable
from functions.core.ids import AssetId
from functions.core.ports import Objects, UploadForm
from functions.housekeeping import rows as housekeeping
from gateway.app import identified, routes, security
from gateway.shell.idempotency import takes_key
from tests.support.doors import Answer, Gallery, Person, Served


def key(text: str = "") -> dict[str, str]:
    return {"Idempotency-Key": text or uuid.uuid4().hex}


def replayed(answer: Answer) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def wanted() -> dict[str, Any]:
    return {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": uuid.uuid4().hex * 2}


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


@pytest.fixture
async def failed(gallery: Gallery, person: Person) -> AssetId:
    """Something that can be tried again once: what comes after that is refused."""
    return await gallery.a_picture(person, state="failed", reason="internal_error")


async def test_the_same_request_under_the_same_key_has_one_effect_and_one_answer(
    gallery: Gallery, person: Person, failed: AssetId
) -> None:
    again, path = key(), f"/v1/assets/{failed}/retry"
    first = await gallery.post(path, person, headers=again)
    second = await gallery.post(path, person, headers=again)
    assert (first.status, replayed(first)) == (202, False)
    assert (second.status, second.data, replayed(second)) == (202, first.data, True)
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert (await gallery.row("SELECT run FROM assets WHERE id = %s", failed))["run"] == 1
    assert (await gallery.post(path, person, headers=key())).code == "conflict"


async def test_of_fifty_at_once_one_is_carried_out(gallery: Gallery, person: Person, failed: AssetId) -> None:
    again, path = key(), f"/v1/assets/{failed}/retry"
    answers = await asyncio.gather(*(gallery.post(path, person, headers=again) for _ in range(50)))
    told = Counter(answer.status for answer in answers)
    assert told[202] + told[409] == 50
    assert sum(answer.status == 202 and not replayed(answer) for answer in answers) == 1
    for answer in answers:
        if answer.status == 409:
            assert answer.code == "idempotency_in_progress"
            assert int(answer.headers["Retry-After"]) > 0
    assert (await gallery.row("SELECT run FROM assets WHERE id = %s", failed))["run"] == 1
    last = await gallery.post(path, person, headers=again)
    assert (last.status, replayed(last)) == (202, True)


async def test_a_key_stands_for_one_request(gallery: Gallery, person: Person, failed: AssetId) -> None:
    again, body = key(), wanted()
    made = await gallery.post("/v1/uploads", person, json=body, headers=again)
    same = await gallery.post("/v1/uploads", person, json=body, headers=again)
    assert (made.status, same.status, same.json, replayed(same)) == (201, 201, made.json, True)
    for path, other in (
        ("/v1/uploads", body | {"size": 4}),
        ("/v1/uploads?x=1", body),
        (f"/v1/assets/{failed}/retry", body),
    ):
        refused = await gallery.post(path, person, json=other, headers=again)
        assert (refused.status, refused.code) == (422, "idempotency_mismatch")
    assert (await gallery.row("SELECT count(*) AS n FROM assets WHERE owner = %s", person.user))["n"] == 2


async def test_keys_are_their_users_own(gallery: Gallery, person: Person) -> None:
    other, again, body = await gallery.a_person(), key(), wanted()
    mine = await gallery.post("/v1/uploads", person, json=body, headers=again)
    theirs = await gallery.post("/v1/uploads", other, json=body, headers=again)
    assert (theirs.status, replayed(theirs)) == (201, False)
    assert mine.json["assetId"] != theirs.json["assetId"]


async def test_other_rights_make_another_request(gallery: Gallery, person: Person, failed: AssetId) -> None:
    again, path = key(), f"/v1/assets/{failed}/retry"
    assert (await gallery.post(path, person, headers=again)).status == 202
    strong = replace(person, token=gallery.identity.mint(uuid.UUID(person.subject), ["user", "moderator"], "Ann"))
    assert (await gallery.post(path, strong, headers=again)).code == "idempotency_mismatch"


async def test_who_may_not_ask_is_told_nothing_of_what_was_answered(
    gallery: Gallery, person: Person, failed: AssetId
) -> None:
    again, path = key(), f"/v1/assets/{failed}/retry"
    assert (await gallery.post(path, person, headers=again)).status == 202
    assert (await gallery.post(path, headers=again)).code == "unauthenticated"
    assert (await gallery.post(path, headers=again | {"Authorization": "Bearer x.y.z"})).code == "invalid_token"
    banned = await gallery.a_person()
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", banned.user)
    assert (await gallery.post(path, banned, headers=again)).code == "forbidden"


@pytest.mark.parametrize("text", [" ", "a b", "x" * 129, "ü", "a\tb"])
async def test_a_key_that_is_none_is_refused(gallery: Gallery, person: Person, text: str) -> None:
    answer = await gallery.post("/v1/uploads", person, json=wanted(), headers={"Idempotency-Key": text})
    assert (answer.status, answer.code) == (422, "invalid")


async def test_two_keys_are_refused_and_the_longest_is_taken(gallery: Gallery, person: Person) -> None:
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", f"Bearer {person.token}")]
    async with gallery.http.post(gallery.url + "/v1/uploads", json=wanted(), headers=twice) as answer:
        assert answer.status == 422
    assert (await gallery.post("/v1/uploads", person, json=wanted(), headers=key("~" * 128))).status == 201


@dataclass
class Silent:
    """A store that is down."""

    real: Objects

    async def presign_post(self, *_: object) -> UploadForm:
        raise Unavailable("the store does not answer", part="objects")


async def test_trouble_of_ours_is_not_kept(gallery: Gallery, person: Person) -> None:
    again, body, here = key(), wanted(), gallery.world
    assert isinstance(here.ports, Served)
    down = Served(here.ports.folder, here.ports.rules, here.ports.store_url)
    vars(down)["objects"] = Silent(here.ports.objects)
    with gallery.with_other(world=replace(here, ports=down)):
        assert (await gallery.post("/v1/uploads", person, json=body, headers=again)).status == 503
    made = await gallery.post("/v1/uploads", person, json=body, headers=again)
    assert (made.status, replayed(made)) == (201, False)


async def test_a_refusal_for_now_is_not_kept_and_one_for_good_is(gallery: Gallery, person: Person) -> None:
    again = key()
    asset = await gallery.a_picture(person)
    assert (await gallery.post(f"/v1/assets/{asset}/retry", person, headers=again)).code == "conflict"
    await gallery.do("UPDATE assets SET state = 'failed' WHERE id = %s", asset)
    assert (await gallery.post(f"/v1/assets/{asset}/retry", person, headers=again)).status == 202
    again, nothing = key(), f"/v1/assets/{uuid.uuid4()}/retry"
    first, second = [await gallery.post(nothing, person, headers=again) for _ in range(2)]
    assert (first.code, second.code, replayed(second)) == ("not_found", "not_found", True)
    assert second.data == first.data


async def test_whoever_dies_over_it_holds_a_key_for_a_minute(gallery: Gallery, person: Person, failed: AssetId) -> None:
    again, path = key(), f"/v1/assets/{failed}/retry"
    assert (await gallery.post(path, person, headers=again)).status == 202
    await gallery.do("UPDATE idempotency_keys SET status = NULL WHERE key = %s", again["Idempotency-Key"])
    busy = await gallery.post(path, person, headers=again)
    assert (busy.status, busy.code, busy.headers["Retry-After"]) == (409, "idempotency_in_progress", "1")
    await gallery.do("UPDATE idempotency_keys SET lease_until = now() WHERE key = %s", again["Idempotency-Key"])
    await gallery.do("UPDATE assets SET state = 'failed' WHERE id = %s", failed)
    taken_over = await gallery.post(path, person, headers=again)
    assert (taken_over.status, replayed(taken_over)) == (202, False)


async def test_answers_are_kept_for_a_day_and_forms_as_long_as_they_are_good(
    gallery: Gallery, person: Person, failed: AssetId
) -> None:
    again, short = key(), key()
    await gallery.post(f"/v1/assets/{failed}/retry", person, headers=again)
    await gallery.post("/v1/uploads", person, json=wanted(), headers=short)
    kept = (
        "SELECT round(extract(epoch FROM expires_at - now()) / 60)::int AS minutes FROM idempotency_keys WHERE key = %s"
    )
    assert (await gallery.row(kept, again["Idempotency-Key"]))["minutes"] == 24 * 60
    assert (await gallery.row(kept, short["Idempotency-Key"]))["minutes"] == 9
    await gallery.do("UPDATE idempotency_keys SET expires_at = now() WHERE key = %s", again["Idempotency-Key"])
    assert (await gallery.post(f"/v1/assets/{failed}/retry", person, headers=again)).code == "conflict", "a new request"
    async with gallery.world.database.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 s'")
        await housekeeping.forget(tx)
    assert (await gallery.row("SELECT count(*) AS n FROM idempotency_keys"))["n"] == 0


async def test_keys_without_end_do_not_fill_the_database(gallery: Gallery, person: Person) -> None:
    await gallery.do(
        "INSERT INTO idempotency_keys (user_id, key, request, token, lease_until, expires_at)"
        " SELECT %s, n::text, sha256(''), gen_random_uuid(), now(), now() + make_interval(secs => n)"
        " FROM generate_series(1, 10003) n",
        person.user,
    )
    async with gallery.world.database.transaction() as tx:
        await housekeeping.forget(tx)
    left = await gallery.row(
        "SELECT count(*) AS n, min(key::int) AS oldest FROM idempotency_keys WHERE user_id = %s", person.user
    )
    assert (left["n"], left["oldest"]) == (10_000, 4)


@pytest.mark.promises("S13")
async def test_an_answer_that_is_shown_once_is_kept_nowhere(gallery: Gallery, person: Person) -> None:
    answer = await gallery.post("/v1/keys", person, json={"name": "a", "scopes": ["read"]}, headers=key())
    assert (answer.status, answer.code) == (422, "idempotency_refused")
    assert (await gallery.get("/v1/keys", person)).json["items"] == []


def fields(model: object) -> Iterator[str]:
    """The names in an answer, all the way down."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            yield name
            yield from fields(field.annotation)
    for part in getattr(model, "__args__", ()):
        yield from fields(part)


@pytest.mark.promises("S13")
def test_no_route_that_keeps_its_answers_tells_a_secret() -> None:
    telling = [
        route.path
        for route in identified()
        if takes_key(route)
        and {"key", "token", "link", "secret", "password", "access_token"} & set(fields(route.response_model))
    ]
    assert telling == []


def test_the_contract_names_the_header_where_it_counts() -> None:
    from gateway.openapi import document

    named = {
        path
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if any(each.get("name") == "Idempotency-Key" for each in operation.get("parameters", ()))
    }
    assert {"/v1/uploads", "/v1/uploads/{assetId}/complete", "/v1/assets/{assetId}/restore"} <= named
    assert not named & {"/v1/keys", "/v1/uploads/check", "/v1/query-images", "/v1/search", "/v1/session/token"}
    assert all(
        security(route) == [{"bearer": []}]
        for route in routes()
        if route.path in named and "POST" in (route.methods or ())
    )


async def test_of_one_users_answers_the_newest_five_megabytes_are_kept(gallery: Gallery) -> None:
    person, other = await gallery.a_person(), await gallery.a_person()
    for user, number in ((person.user, 8), (other.user, 2)):
        await gallery.do(
            "INSERT INTO idempotency_keys (user_id, key, request, token, lease_until, expires_at, status, headers, body)"
            " SELECT %s, n::text, sha256(''), gen_random_uuid(), now(), now() + n * interval '1 h', 200, '{}',"
            " convert_to(repeat('x', 1000000), 'UTF8') FROM generate_series(1, %s) n",
            user, number,
        )  # fmt: skip
    async with gallery.world.database.transaction() as tx:
        await housekeeping.forget(tx)
    kept = "SELECT array_agg(key ORDER BY key) AS keys FROM idempotency_keys WHERE user_id = %s"
    assert (await gallery.row(kept, person.user))["keys"] == list("45678")
    assert (await gallery.row(kept, other.user))["keys"] == list("12")
