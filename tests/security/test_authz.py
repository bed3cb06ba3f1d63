"""Who may call what, from two tables that every route and every state has a row in."""

import asyncio
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Route

from functions.core.identity.keys import StaticKeys
from functions.core.identity.tokens import Verifier
from functions.core.ids import AssetId
from gateway.app import Gateway, routes, security
from gateway.door import Callers
from tests.support.battery import GOOD, HOSTILE
from tests.support.doors import Answer, Gallery, Person, until
from tests.support.forge import ISSUER, NOW, Forge
from tests.support.things import a_key, handle_of, with_things
from tests.support.worlds import MODEL

HERE = Path(__file__).parent
TABLE: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "authz.yaml").read_text(encoding="utf-8"))
STATES: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "asset_states.yaml").read_text(encoding="utf-8"))
SOMEWHERE = np.eye(MODEL.dim, dtype=np.float32)[0]
PLACES = {
    "{link}": "unknown",
    "{token}": "unknown",
    "{generation}": "1",
    "{variant}": "256",
    "{path:path}": "miraveja",
    "{name}": "style.css",
    "{kind}": "sha256",
    "{value}": "0" * 64,
}
ROWS = "SELECT jsonb_agg(a ORDER BY a.id) AS rows FROM assets a WHERE id = ANY(%s)"
OWNERS = [name for name, row in TABLE.items() if row["for"] == "owner"]
COLUMNS = ("nobody", "owner", "other", "banned", "moderator", "admin", "read", "upload", "write")
REFUSED = (401, 403, 404, 410, 422)
SIGNED_IN = [name for name, row in TABLE.items() if row["for"] in ("user", "anon", "owner")]


@dataclass
class People:
    """The owner of a picture, and others."""

    owner: Person
    other: Person
    banned: Person
    asset: AssetId


@pytest.fixture
async def people(gallery: Gallery) -> People:
    owner, other, banned = [await gallery.a_person(name) for name in ("Owner", "Other", "Banned")]
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", banned.user)
    return People(owner, other, banned, await a_thing(gallery, owner))


async def a_thing(gallery: Gallery, owner: Person) -> AssetId:
    return await with_things(gallery, owner, await gallery.a_picture(owner, SOMEWHERE))


async def callers(gallery: Gallery, people: People) -> dict[str, Person | None]:
    """The columns of the table: nobody, people, and the owner's keys."""
    moderator, admin = [await gallery.a_person(role, ("user", role)) for role in ("moderator", "admin")]
    keys = {scope: await a_key(gallery, people.owner, scope) for scope in ("read", "upload", "write")}
    return {"nobody": None, "owner": people.owner, "other": people.other, "banned": people.banned,
            "moderator": moderator, "admin": admin, **keys}  # fmt: skip


async def call(gallery: Gallery, name: str, asset: AssetId, who: Person | None, **changes: Any) -> Answer:
    """The request of a row, about an asset."""
    row = TABLE[name]
    method, path = name.split(" ")
    own = dict.fromkeys(("{assetId}", "{keyId}", "{collectionId}", "{shareId}"), str(asset))
    ids = own | {"{handle}": handle_of(asset)}
    for place, value in (PLACES | ids).items():
        path = path.replace(place, value)
    query = "&".join(part for part in (row.get("query"), changes.get("query")) if part)
    headers = row.get("headers", {}) | changes.get("headers", {})
    options: dict[str, Any] = {"headers": headers}
    if "json" in row:
        body = json.dumps(row["json"] | changes.get("json", {})).replace("$asset", str(asset))
        options["data"] = body.replace("$sha256", hashlib.sha256(uuid.uuid4().bytes).hexdigest())
        headers["Content-Type"] = "application/json"
    method = "GET" if method == "ANY" else method
    return await gallery.ask(method, f"{path}?{query}" if query else path, who, **options)


def every_route(gallery: Gallery) -> set[str]:
    found = set()
    for route in iter_route_contexts(gallery.app.routes):
        methods = set(route.methods or ["ANY"])
        found |= {f"{method} {route.path}" for method in methods}
    return found


@pytest.mark.promises("S1")
async def test_every_route_has_a_row_and_every_row_a_route(gallery: Gallery) -> None:
    assert every_route(gallery) == TABLE.keys()


@pytest.mark.promises("S1")
def test_the_code_asks_for_what_the_table_says() -> None:
    token: list[dict[str, list[str]]] = [{"bearer": []}]
    kinds = {
        "user": token,
        "owner": token,
        "anon": [*token, {}],
        "admin": token,
        "moderator": token,
        "public": [],
        "proof": [],
    }
    for route in routes():
        for method in route.methods or ():
            assert security(route) == kinds[TABLE[f"{method} {route.path}"]["for"]], route.path


def test_no_route_hides_from_the_walk() -> None:
    walked = list(iter_route_contexts(Gateway().routes))
    assert len(walked) == len(routes())
    assert all(isinstance(route.original_route, APIRoute | Route) for route in walked)


@pytest.mark.promises("S1", "S7", "S13", "S42")
@pytest.mark.parametrize("name", TABLE)
async def test_each_caller_gets_the_code_of_the_table(gallery: Gallery, people: People, name: str) -> None:
    expected = dict(zip(COLUMNS, TABLE[name]["codes"], strict=True))
    answers = {}
    for who, person in (await callers(gallery, people)).items():
        # What is not refused happens: the next then finds a thing of the owner's that nobody has touched.
        asset = people.asset if expected[who] in REFUSED else await a_thing(gallery, people.owner)
        answers[who] = await call(gallery, name, asset, person)
    nobody, other = answers["nobody"], answers["other"]
    assert {who: answer.status for who, answer in answers.items()} == expected
    if nobody.status == 401:
        assert (nobody.headers["WWW-Authenticate"], nobody.code) == ("Bearer", "unauthenticated")
    for scope in ("read", "upload", "write"):
        if answers[scope].status == 403 and TABLE[name]["for"] != "proof":
            assert answers[scope].code == "insufficient_scope"
    if TABLE[name]["for"] == "public" and nobody.status == 200:
        assert nobody.data == other.data or name in ("GET /openapi.json", "GET /metrics")


@pytest.mark.promises("S1")
async def test_a_strange_path_is_not_found_and_a_strange_verb_not_allowed(gallery: Gallery) -> None:
    assert (await gallery.get("/v1/users")).code == "not_found"
    assert (await gallery.get("/v1/assets/")).code == "not_found"
    refused = await gallery.ask("DELETE", "/livez")
    assert (refused.status, refused.code, refused.headers["Allow"]) == (405, "method_not_allowed", "GET")


@pytest.mark.promises("S8")
@pytest.mark.parametrize("name", SIGNED_IN)
async def test_only_the_token_says_who_asks(gallery: Gallery, people: People, name: str) -> None:
    claims = {"X-User": str(people.owner.user), "X-Roles": "admin,moderator", "X-Forwarded-User": str(people.owner.user),
              "X-Auth-Request-User": str(people.owner.user), "ce-owner": str(people.owner.user), "ce-roles": "admin",
              "X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/livez", "Cookie": f"user={people.owner.user}"}  # fmt: skip
    expected = dict(zip(("nobody", "owner", "other"), TABLE[name]["codes"], strict=False))
    for who, person in (("nobody", None), ("other", people.other)):
        assert (await call(gallery, name, people.asset, person, headers=claims)).status == expected[who]
        named = f"role=admin&roles=admin&user={people.owner.user}&access_token={people.owner.token}"
        # A route that reads its query refuses what it does not know; none obeys.
        assert (await call(gallery, name, people.asset, person, query=named)).status in {expected[who], 422}


@pytest.mark.promises("S8", "S47")
@pytest.mark.parametrize("member", ["owner_id", "owner", "ownerId", "role", "roles", "userId"])
async def test_a_body_that_names_an_owner_is_refused(gallery: Gallery, people: People, member: str) -> None:
    for name in ("POST /v1/uploads", "PATCH /v1/assets/{assetId}"):
        answer = await call(gallery, name, people.asset, people.owner, json={member: str(people.other.user)})
        assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.promises("S8")
async def test_roles_are_those_of_the_token_shown_now(gallery: Gallery) -> None:
    person = await gallery.a_person()
    strong = gallery.identity.mint(uuid.UUID(person.subject), ["user", "admin"], "Ann")
    told = [
        (await gallery.get("/v1/me?role=admin", headers={"Authorization": f"Bearer {token}"})).json["roles"]
        for token in (strong, person.token, strong)
    ]
    assert told == [["admin", "user"], ["user"], ["admin", "user"]]


@pytest.mark.promises("S7")
async def test_a_ban_works_on_every_route_within_five_seconds(gallery: Gallery) -> None:
    person = await gallery.a_person()
    asset = await with_things(gallery, person, await gallery.a_picture(person, SOMEWHERE, visibility="public"))
    names = [name for name in SIGNED_IN if name != "DELETE /v1/assets/{assetId}"]
    before = [(await call(gallery, name, asset, person)).status for name in names]
    assert not {401, 403, 404} & set(before)
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", person.user)

    async def refused() -> bool:
        return (await gallery.get("/v1/me", person)).status == 403

    assert await until(refused) <= 5.5
    assert [(await call(gallery, name, asset, person)).code for name in [*names, "DELETE /v1/assets/{assetId}"]] == [
        "forbidden"
    ] * (len(names) + 1)
    stranger = await gallery.a_person()
    assert (await gallery.get(f"/v1/assets/{asset}", stranger)).status == 404, "what they had is hidden with them"


@pytest.mark.promises("S39", "S42", "S45")
@pytest.mark.parametrize("state", STATES)
async def test_each_state_shows_an_asset_to_those_of_the_table(gallery: Gallery, people: People, state: str) -> None:
    everybody, row = await callers(gallery, people), STATES[state]
    asset = await in_state(gallery, people.owner, state)
    asked = {who: everybody[who] for who in ("owner", "other", "nobody", "moderator", "admin", "read")}
    by = dict(zip(("owner", "other", "nobody"), row["codes"], strict=True))
    expected = by | {"moderator": by["other"], "admin": by["other"], "read": by["owner"]}
    with gallery.with_other(
        {"anonymous_read": True}, callers=Callers(gallery.world)
    ):  # who is banned is not remembered
        for path in ("assets/{}", "assets/{}/similar", "search?like={}"):
            found = {who: (await gallery.get(f"/v1/{path.format(asset)}", one)).status for who, one in asked.items()}
            assert found == expected, path
        assert {who: await listed(gallery, asset, people.owner, one) for who, one in asked.items()} == expected
    judged = [
        (await gallery.get(f"/v1/assets/{asset}/moderation", everybody[who])).status for who in ("moderator", "admin")
    ]
    assert judged == [row["judged"]] * 2
    for who in ("banned", "upload"):
        assert (await gallery.get(f"/v1/assets/{asset}", everybody[who])).status == 403


async def in_state(gallery: Gallery, owner: Person, state: str) -> AssetId:
    """An asset of the owner's as a row of the table has it, with what an owner has besides."""
    asset = await with_things(gallery, owner, await gallery.a_picture(owner, SOMEWHERE, **STATES[state]["columns"]))
    if sql := STATES[state].get("then"):
        await gallery.do(sql, owner.user if "users" in sql else asset)
    return asset


async def listed(gallery: Gallery, asset: AssetId, owner: Person, who: Person | None) -> int:
    """Whether a list or the trash tells of it, as the status of reading it would be."""
    pages = [
        await gallery.get(f"/v1/assets?id={asset}{trash}", who) for trash in ("&owner=me", "", "&owner=me&trashed=true")
    ]
    refused = [page.status for page in pages if page.status == 403]
    return refused[0] if refused else 200 if any(page.json.get("items") for page in pages) else 404


@pytest.fixture(scope="module")
async def in_states(gallery: Gallery) -> list[AssetId]:
    """An asset in each state of the table, each of somebody else's."""
    return [await in_state(gallery, await gallery.a_person(), state) for state in STATES]


@pytest.mark.promises("S1", "S42")
@pytest.mark.parametrize("name", OWNERS)
async def test_what_is_the_owners_to_do_is_not_there_for_others(
    gallery: Gallery, in_states: list[AssetId], name: str
) -> None:
    others = [await gallery.a_person()]
    if not name.endswith(("/moderation", "/original")):  # moderators see what they judge, and its original
        others += [await gallery.a_person(role, ("user", role)) for role in ("moderator", "admin")]
    missing = await call(gallery, name, AssetId(uuid.uuid4()), others[0])
    assert missing.status == 404
    before = await gallery.row(ROWS, in_states)
    refused = await asyncio.gather(*[call(gallery, name, asset, who) for asset in in_states for who in others])
    assert {answer.status for answer in refused} == {404}
    told = [answer.json | {"requestId": ""} for answer in refused]
    assert told == [missing.json | {"requestId": ""}] * len(told), "what is and what is not are told apart nowhere"
    assert before == await gallery.row(ROWS, in_states)


@pytest.mark.promises("S2", "S3", "S4")
async def test_forged_tokens_are_refused_in_the_same_words_and_honest_ones_work(gallery: Gallery) -> None:
    forge = Forge()
    judge = Verifier(issuer=ISSUER, keys=StaticKeys([forge.key]), clock=lambda: datetime.fromtimestamp(NOW, UTC))
    told: set[tuple[int, str, str, str]] = set()
    with gallery.with_other(verifier=judge):
        for make in HOSTILE.values():
            token = make(forge)
            if token.isascii() and token.isprintable() and len(token) < 15_000:
                answer = await gallery.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
                told.add((answer.status, answer.code, answer.json["detail"], answer.headers["WWW-Authenticate"]))
        good = {
            (await gallery.get("/v1/me", headers={"Authorization": f"Bearer {make(forge)}"})).status
            for make in GOOD.values()
        }
    assert told == {(401, "invalid_token", "Sign in to do this", 'Bearer error="invalid_token"')}
    assert good == {200}


@pytest.mark.promises("S2", "S20")
@pytest.mark.parametrize(("size", "status"), [(9_000, 401), (17_000, 431), (1 << 20, 431)])
async def test_a_huge_authorization_is_refused_unread(gallery: Gallery, size: int, status: int) -> None:
    answer = await gallery.get("/v1/me", headers={"Authorization": "Bearer " + "A" * size})
    assert (answer.status, answer.code) == (status, "invalid_token" if status == 401 else "headers_too_large")


@pytest.mark.promises("S2")
@pytest.mark.parametrize(
    "value", ["Basic YTpi", "bearer", "Bearer", "Bearer mv_0123456789abcdef", "Token x", "Bearer a b"]
)
async def test_other_proofs_are_no_proof(gallery: Gallery, value: str) -> None:
    answer = await gallery.get("/v1/me", headers={"Authorization": value})
    assert (answer.status, answer.code) == (401, "invalid_token")


@pytest.mark.promises("S1")
async def test_a_wrong_token_is_refused_even_where_none_is_needed(gallery: Gallery) -> None:
    with gallery.with_other({"anonymous_read": True}):
        assert (await gallery.get("/v1/assets", headers={"Authorization": "Bearer x.y.z"})).status == 401
        assert (await gallery.get("/v1/me")).status == 401
