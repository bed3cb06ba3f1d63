"""/v1/moderation over HTTP: who may, what they see of what is hidden, and what hostile input comes to."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from functions.core.ids import AssetId
from functions.core.postgres import audit_log
from functions.core.times import utcnow
from gateway.local.identity import LocalIdentity
from tests.support.doors import Answer, Gallery, Person, until
from tests.support.payloads import XSS


@pytest.fixture(autouse=True)
async def _empty_desk(gallery: Gallery) -> None:
    """What other tests left open is not this one's."""
    await gallery.do("UPDATE assets SET moderation = 'approved' WHERE moderation <> 'approved'")
    await gallery.do("DELETE FROM moderation_requests")
    await gallery.do("DELETE FROM block_sha256")
    await gallery.do("DELETE FROM block_phash")


async def a_moderator(gallery: Gallery, name: str = "Mod") -> Person:
    return await gallery.a_person(name, ("user", "moderator"))


async def decide(gallery: Gallery, who: Person, asset: AssetId, decision: str, **more: Any) -> Answer:
    reason = {} if decision in ("approve", "undo") else {"reason": "spam"}
    return await gallery.post(f"/v1/moderation/{asset}/decision", who, json={"decision": decision} | reason | more)


def _ago(seconds: int) -> datetime:
    return utcnow() - timedelta(seconds=seconds)


async def noted(gallery: Gallery, asset: object) -> list[str]:
    """What the audit log says of an asset."""
    row = await gallery.row(
        "SELECT coalesce(array_agg(action ORDER BY seq), '{}') AS said FROM audit_log WHERE object LIKE %s",
        f"%{asset}%",
    )
    return list(row["said"])


@pytest.mark.promises("S39")
async def test_a_moderator_sees_what_is_hidden_on_the_desk_alone_and_it_is_written_down(gallery: Gallery) -> None:
    owner, mod = await gallery.a_person(), await a_moderator(gallery)
    asset = await gallery.a_picture(owner, moderation="restricted", visibility="public")
    for path in ("", "/original", "/similar"):
        assert (await gallery.get(f"/v1/assets/{asset}{path}", mod)).status == 404
    [item] = (await gallery.get("/v1/moderation/queue", mod)).json["items"]
    assert item["asset"]["id"] == str(asset)
    assert item["leasedUntil"]
    url = item["asset"]["renditions"][0]["url"]
    assert (await gallery.get(url)).data == b"webp"
    exp = int(url.partition("exp=")[2].partition("&")[0])
    now = await gallery.row("SELECT extract(epoch FROM now())::int AS s")
    assert 290 <= exp - now["s"] <= 300, "what moderators see is not handed on for a day"
    assert await noted(gallery, asset) == ["moderation.taken"]
    await gallery.get("/v1/moderation/queue", mod)
    assert await noted(gallery, asset) == ["moderation.taken"], "a lease that is renewed is no news"
    assert (await gallery.get(f"/v1/assets/{asset}/moderation", mod)).status == 200
    assert await noted(gallery, asset) == ["moderation.taken", "moderation.viewed"]


@pytest.mark.promises("S9")
async def test_only_a_fresh_token_with_the_role_decides(gallery: Gallery) -> None:
    owner, other = await gallery.a_person(), await gallery.a_person()
    asset = await gallery.a_picture(owner)
    admin = await gallery.a_person("Admin", ("user", "admin"))
    for who, status in ((None, 401), (owner, 403), (other, 403), (admin, 200)):
        assert (await gallery.get("/v1/moderation/queue", who)).status == status
    claims = {"X-Roles": "moderator", "X-User": str(admin.user)}
    refused = await gallery.post(
        f"/v1/moderation/{asset}/decision?role=moderator", other, json={"decision": "approve"}, headers=claims
    )
    assert (refused.status, refused.code) == (403, "insufficient_scope")


@pytest.mark.promises("S9")
async def test_a_role_in_an_old_token_is_none(gallery: Gallery) -> None:
    mod = await a_moderator(gallery)
    asset = await gallery.a_picture(await gallery.a_person(), moderation="pending")
    for age_s, status in ((290, 200), (310, 403)):
        then = LocalIdentity(gallery.door.settings.data_dir / "secrets", clock=partial(_ago, age_s))
        old = replace(mod, token=then.mint(uuid.UUID(mod.subject), ("user", "moderator"), "Mod", lifetime_s=600))
        assert (await gallery.get("/v1/moderation/queue", old)).status == status
        assert (await gallery.get("/v1/me", old)).status == 200
        seen = (await gallery.get(f"/v1/assets/{asset}/moderation", old)).status
        assert seen == (200 if status == 200 else 404)


@pytest.mark.promises("S39", "S40")
async def test_what_is_rejected_is_seen_by_its_owner_and_moderators_alone(gallery: Gallery) -> None:
    owner, other, mod = await gallery.a_person(), await gallery.a_person(), await a_moderator(gallery)
    asset = await gallery.a_picture(owner, visibility="public")
    theirs, mine = await gallery.media_of(asset, other), await gallery.media_of(asset, owner)
    told = await decide(gallery, mod, asset, "reject", note="Internal: see ticket 5")
    assert (told.status, told.json["asset"]["moderation"]) == (200, "rejected")

    async def hidden() -> bool:
        return (await gallery.get(theirs)).status == 404

    assert await until(hidden) <= 5.5
    assert (await gallery.get(f"/v1/assets/{asset}", other)).status == 404
    assert (await gallery.get(mine)).status == 200
    assert (await gallery.get(told.json["asset"]["renditions"][0]["url"])).status == 200
    seen = (await gallery.get(f"/v1/assets/{asset}", owner)).json
    assert (seen["reason"], seen["moderation"]) == ("spam", "rejected")
    assert seen["reasonText"].startswith("It is advertising")


async def test_an_owner_reads_the_reason_and_not_who_decided(gallery: Gallery) -> None:
    owner, mod, other = await gallery.a_person(), await a_moderator(gallery), await gallery.a_person()
    asset = await gallery.a_picture(owner, visibility="public")
    await gallery.post(f"/v1/assets/{asset}/report", other, json={"reason": "spam", "note": "Told in private"})
    await decide(gallery, mod, asset, "restrict", note="Internal")
    told = await gallery.get(f"/v1/assets/{asset}/moderation", owner)
    [decision] = told.json["history"]
    assert (decision["decision"], decision["reason"], decision["by"], decision["self"]) == (
        "restrict", "spam", "person", False,
    )  # fmt: skip
    assert (decision["note"], decision["moderator"], told.json["reports"]) == (None, None, None)
    for secret in ("Internal", "Told in private", str(mod.user), str(other.user)):
        assert secret not in told.data.decode()
    full = (await gallery.get(f"/v1/assets/{asset}/moderation", mod)).json["history"][0]
    assert (full["note"], full["moderator"]["id"]) == ("Internal", str(mod.user))
    assert (await gallery.get(f"/v1/assets/{asset}/moderation", other)).status == 404


async def test_a_decision_on_ones_own_picture_says_so(gallery: Gallery) -> None:
    mod = await a_moderator(gallery)
    asset = await gallery.a_picture(mod, moderation="restricted")
    assert (await decide(gallery, mod, asset, "approve")).json["history"][0]["self"] is True
    assert await noted(gallery, asset) == ["moderation.approve"]


async def test_what_another_looks_at_is_theirs_to_decide(gallery: Gallery) -> None:
    owner, one, other = await gallery.a_person(), await a_moderator(gallery), await a_moderator(gallery)
    asset = await gallery.a_picture(owner, moderation="pending")
    assert len((await gallery.get("/v1/moderation/queue?take=50", one)).json["items"]) == 1
    assert (await gallery.get("/v1/moderation/queue?take=50", other)).json["items"] == []
    refused = await decide(gallery, other, asset, "approve")
    assert (refused.status, refused.code) == (409, "leased")
    assert refused.json["leasedUntil"]
    assert (await decide(gallery, one, asset, "approve")).json["leasedUntil"] is None
    assert (await decide(gallery, other, asset, "undo")).json["asset"]["moderation"] == "pending"


async def test_a_report_is_kept_once_until_somebody_looked_and_told_to_nobody_else(gallery: Gallery) -> None:
    owner, other, mod = await gallery.a_person(), await gallery.a_person(), await a_moderator(gallery)
    asset = await gallery.a_picture(owner, visibility="public")
    body = {"reason": "copyright", "note": "Mine"}
    first, again = [await gallery.post(f"/v1/assets/{asset}/report", other, json=body) for _ in range(2)]
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert (await gallery.post(f"/v1/assets/{asset}/report", owner, json=body)).status == 409
    [item] = (await gallery.get("/v1/moderation/queue", mod)).json["items"]
    assert [(each["reason"], each["note"], each["reporter"]["id"]) for each in item["reports"]] == [
        ("copyright", "Mine", str(other.user))
    ]
    await decide(gallery, mod, asset, "approve")
    assert (await gallery.get("/v1/moderation/queue", mod)).json["items"] == []
    assert (await gallery.post(f"/v1/assets/{asset}/report", other, json=body)).status == 201


@pytest.mark.parametrize("columns", [{"visibility": "private"}, {"visibility": "public", "moderation": "pending"}])
async def test_what_somebody_may_not_see_cannot_be_reported(gallery: Gallery, columns: dict[str, Any]) -> None:
    owner, other = await gallery.a_person(), await gallery.a_person()
    asset = await gallery.a_picture(owner, **columns)
    for wanted in (asset, uuid.uuid4()):
        assert (await gallery.post(f"/v1/assets/{wanted}/report", other, json={"reason": "spam"})).code == "not_found"


async def test_ten_reports_an_hour_and_the_next_is_told_when(gallery: Gallery) -> None:
    owner, other = await gallery.a_person(), await gallery.a_person()
    made = [await gallery.a_picture(owner, visibility="public") for _ in range(14)]
    answers = await asyncio.gather(
        *[gallery.post(f"/v1/assets/{asset}/report", other, json={"reason": "spam"}) for asset in made]
    )
    assert sorted(answer.status for answer in answers) == [201] * 10 + [429] * 4
    late = next(answer for answer in answers if answer.status == 429)
    assert late.code == "limited"
    assert 3_500 <= int(late.headers["Retry-After"]) <= 3_600
    reported = next(asset for asset, answer in zip(made, answers, strict=True) if answer.status == 201)
    assert (await gallery.post(f"/v1/assets/{reported}/report", other, json={"reason": "spam"})).status == 200
    await gallery.do("UPDATE moderation_requests SET created_at = created_at - interval '61 minutes'")
    assert (await gallery.post(f"/v1/assets/{made[-1]}/report", other, json={"reason": "spam"})).status in (200, 201)


async def test_an_owner_appeals_once_a_decision(gallery: Gallery) -> None:
    owner, mod = await gallery.a_person(), await a_moderator(gallery)
    asset = await gallery.a_picture(owner)
    path, body = f"/v1/assets/{asset}/appeal", {"note": "It is my own work"}
    assert (await gallery.post(path, owner, json=body)).code == "conflict"
    assert (await decide(gallery, mod, asset, "reject")).json["appealUntil"]
    appealed = await gallery.post(path, owner, json=body)
    assert (appealed.status, appealed.json["appeal"]["note"], appealed.json["appealUntil"]) == (201, body["note"], None)
    assert (await gallery.post(path, owner, json=body)).status == 409
    [item] = (await gallery.get("/v1/moderation/queue", mod)).json["items"]
    assert item["appeal"]["note"] == body["note"]
    assert (await decide(gallery, mod, asset, "restrict")).json["history"][1]["appeal"]["note"] == body["note"]
    assert (await gallery.post(path, owner, json=body)).status == 201, "another decision, another appeal"


async def test_block_lists_are_kept_page_by_page(gallery: Gallery) -> None:
    mod, owner = await a_moderator(gallery), await gallery.a_person()
    asset = await gallery.a_picture(owner, phash=0x0F0F_1234_5678_9ABC)
    hashes = [f"{number:064x}" for number in range(1, 4)]
    for value in hashes:
        made = await gallery.post(
            "/v1/moderation/blocklists", mod, json={"kind": "sha256", "value": value, "note": "a"}
        )
        assert (made.status, made.json["applied"], made.json["value"]) == (201, 0, value)
    looks = await gallery.post("/v1/moderation/blocklists", mod, json={"kind": "phash", "assetId": str(asset)})
    assert (looks.status, looks.json["value"], looks.json["applied"]) == (201, "0f0f123456789abc", 1)
    first = (await gallery.get("/v1/moderation/blocklists?limit=3", mod)).json
    second = (await gallery.get(f"/v1/moderation/blocklists?limit=3&cursor={first['nextCursor']}", mod)).json
    seen = [item["value"] for page in (first, second) for item in page["items"]]
    assert second["nextCursor"] is None
    assert seen == ["0f0f123456789abc", *hashes[::-1]]
    only = (await gallery.get("/v1/moderation/blocklists?kind=phash", mod)).json["items"]
    assert [item["kind"] for item in only] == ["phash"]
    for kind, value in (("phash", "0f0f123456789abc"), *(("sha256", value) for value in hashes)):
        assert (await gallery.ask("DELETE", f"/v1/moderation/blocklists/{kind}/{value}", mod)).status == 204
        assert (await gallery.ask("DELETE", f"/v1/moderation/blocklists/{kind}/{value}", mod)).status == 404
    assert await noted(gallery, asset) == ["moderation.reject"]


def hostile() -> Iterator[tuple[str, str, Any]]:
    """Method, path and body of requests that make no sense."""
    body: Any
    decision, report, block = (
        "/v1/moderation/{asset}/decision",
        "/v1/assets/{asset}/report",
        "/v1/moderation/blocklists",
    )
    for body in ({}, {"decision": "reject"}, {"decision": "delete"}, {"decision": "approve", "reason": "nonsense"},
                 {"decision": "approve", "note": "x" * 501}, {"decision": "approve", "moderator": "me"}, [], "approve", None,
                 {"decision": ["approve"]}, {"decision": "approve", "note": {"$ne": 1}}):  # fmt: skip
        yield "POST", decision, body
    for body in ({}, {"reason": "x"}, {"reason": "spam", "note": "x" * 501}, {"reason": "spam", "person": "me"}):
        yield "POST", report, body
    for body in ({}, {"kind": "sha256"}, {"kind": "md5", "value": "0" * 32}, {"kind": "sha256", "value": "0" * 16},
                 {"kind": "phash", "value": "0" * 64}, {"kind": "phash", "value": "0" * 16},
                 {"kind": "sha256", "value": "Z" * 64}, {"kind": "sha256", "value": "'; DROP TABLE assets; --"},
                 {"kind": "sha256", "value": "0" * 64, "assetId": str(uuid.uuid4())},
                 {"kind": "sha256", "assetId": "x"}):  # fmt: skip
        yield "POST", block, body
    for query in ("take=0", "take=51", "take=x", "take=1e9", "take="):
        yield "GET", f"/v1/moderation/queue?{query}", None
    yield "GET", f"{block}?limit=0", None
    yield "GET", f"{block}?kind=x", None
    yield "GET", f"{block}?what=ever", None
    yield "DELETE", f"{block}/sha256/xyz", None
    yield "DELETE", f"{block}/md5/{'0' * 64}", None
    yield "POST", "/v1/moderation/not-an-id/decision", {"decision": "approve"}


@pytest.mark.parametrize(("method", "path", "body"), list(hostile()))
async def test_what_makes_no_sense_is_refused(gallery: Gallery, method: str, path: str, body: Any) -> None:
    mod, owner = await a_moderator(gallery), await gallery.a_person()
    asset = await gallery.a_picture(owner, visibility="public")
    options = {"json": body} if method == "POST" else {}
    refused = await gallery.ask(method, path.replace("{asset}", str(asset)), mod, **options)
    assert (refused.status, refused.code) in {(422, "invalid"), (422, "plain_picture"), (400, "malformed")}, (
        refused.data
    )
    assert await noted(gallery, asset) == []


@pytest.mark.parametrize("cursor", ["x", "1.e30.AAAA", "%00"])
async def test_a_cursor_of_something_else_is_refused(gallery: Gallery, cursor: str) -> None:
    answer = await gallery.get(f"/v1/moderation/blocklists?cursor={cursor}", await a_moderator(gallery))
    assert (answer.status, answer.code) == (400, "invalid_cursor")


async def test_a_cursor_of_a_list_of_assets_is_none_of_block_lists(gallery: Gallery) -> None:
    mod = await a_moderator(gallery)
    for _ in range(2):
        await gallery.a_picture(mod)
    cursor = (await gallery.get("/v1/assets?owner=me&limit=1", mod)).json["nextCursor"]
    answer = await gallery.get(f"/v1/moderation/blocklists?cursor={cursor}", mod)
    assert (answer.status, answer.code) == (400, "invalid_cursor")


async def test_what_is_not_there_or_not_ready_cannot_be_decided(gallery: Gallery) -> None:
    mod, owner = await a_moderator(gallery), await gallery.a_person()
    made = [await gallery.a_picture(owner, state=state) for state in ("uploaded", "failed", "deleting")]
    for asset in [*made, AssetId(uuid.uuid4())]:
        assert (await decide(gallery, mod, asset, "approve")).code == "not_found"


@pytest.mark.promises("S19")
@pytest.mark.parametrize("payload", XSS)
async def test_markup_in_notes_stays_text(gallery: Gallery, payload: str) -> None:
    owner, other, mod = await gallery.a_person(), await gallery.a_person(), await a_moderator(gallery)
    asset = await gallery.a_picture(owner, visibility="public")
    await gallery.post(f"/v1/assets/{asset}/report", other, json={"reason": "other", "note": payload})
    await decide(gallery, mod, asset, "reject", note=payload)
    await gallery.post(f"/v1/assets/{asset}/appeal", owner, json={"note": payload})
    answer = await gallery.get(f"/v1/assets/{asset}/moderation", mod)
    assert (answer.json["history"][0]["note"], answer.json["appeal"]["note"]) == (payload, payload)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.promises("S19", "S20")
async def test_what_cannot_be_seen_in_a_note_is_removed(gallery: Gallery) -> None:
    mod, owner = await a_moderator(gallery), await gallery.a_person()
    asset = await gallery.a_picture(owner)
    note = "a\u202egnp.exe\u2066 b\x00\x1b[31m\u200b\ufeff\ud800c\r\nd"
    told = await decide(gallery, mod, asset, "restrict", note=note)
    assert told.json["history"][0]["note"] == "agnp.exe b[31mc\nd"


def body_of(sha256: str) -> dict[str, object]:
    return {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": sha256}


@pytest.mark.promises("S70")
async def test_what_is_shown_to_others_restored_and_taken_away_is_written_down(gallery: Gallery) -> None:
    person = await gallery.a_person()
    shown = await gallery.a_picture(person)
    for visibility in ("public", "public", "unlisted"):
        body = {"ids": [str(shown)], "change": {"visibility": visibility}}
        assert (await gallery.post("/v1/assets/bulk", person, json=body)).status == 200
    private = {"json": {"visibility": "private"}, "headers": {"If-Match": '"4"'}}
    assert (await gallery.ask("PATCH", f"/v1/assets/{shown}", person, **private)).status == 200
    assert await noted(gallery, shown) == ["asset.visibility_changed"] * 3
    for sent in (True, False):
        came = await gallery.a_picture(person, trashed_at=utcnow())
        await gallery.do("UPDATE assets SET state = %s WHERE id = %s", "ready" if sent else "new", came)
        kept = await gallery.row("SELECT encode(sha256, 'hex') AS sha256 FROM assets WHERE id = %s", came)
        await gallery.post("/v1/uploads", person, json=body_of(kept["sha256"]))
        assert await noted(gallery, came) == ["asset.restored", "upload.begun"][: 1 if sent else 2]
    made = (await gallery.post("/v1/collections", person, json={"title": "Sea"})).json["id"]
    await gallery.ask("DELETE", f"/v1/collections/{made}", person)
    assert await noted(gallery, made) == ["collection.deleted"]
    key = (await gallery.post("/v1/keys", person, json={"name": "a", "scopes": ["read"]})).json["id"]
    await gallery.ask("PATCH", f"/v1/keys/{key}", person, json={"name": "b"})
    assert await noted(gallery, key) == ["key.created", "key.renamed"]


@pytest.mark.promises("S70")
async def test_uploads_deletes_and_sign_ins_are_written_down(gallery: Gallery) -> None:
    person = await gallery.a_person()
    body = {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": f"{uuid.uuid4().int:064x}"}
    new = AssetId(uuid.UUID((await gallery.post("/v1/uploads", person, json=body)).json["assetId"]))
    assert await noted(gallery, new) == ["upload.begun"]
    asset, more = await gallery.a_picture(person), await gallery.a_picture(person)
    await gallery.ask("DELETE", f"/v1/assets/{asset}", person)
    await gallery.post(f"/v1/assets/{asset}/restore", person)
    await gallery.ask("DELETE", f"/v1/assets/{asset}?permanent=true", person)
    assert await noted(gallery, asset) == ["asset.trashed", "asset.restored", "asset.deleted"]
    await gallery.post("/v1/assets/bulk", person, json={"ids": [str(more)], "change": {"trash": True}})
    assert await noted(gallery, more) == ["asset.trashed"]
    link = await gallery.accounts.link(person.user)
    cookie = (await gallery.get(f"/start/{link}")).headers["Set-Cookie"].partition(";")[0]
    signed_out = {"Cookie": cookie, "Origin": gallery.url}
    assert (await gallery.ask("DELETE", "/v1/session", headers=signed_out)).status == 204
    async with gallery.world.database.transaction() as tx:
        somebody = await audit_log.person(tx, person.user)
    assert await noted(gallery, somebody) == ["link.made", "session.begun", "session.ended"]


@pytest.mark.promises("S70")
async def test_a_moderator_who_opens_somebodys_original_is_written_down_and_an_owner_is_not(gallery: Gallery) -> None:
    owner, mod = await gallery.a_person(), await a_moderator(gallery)
    asset = await gallery.a_picture(owner, visibility="public")
    assert (await gallery.get(f"/v1/assets/{asset}/original", owner)).status == 302
    assert await noted(gallery, asset) == []
    assert (await gallery.get(f"/v1/assets/{asset}/original", mod)).status == 302
    assert await noted(gallery, asset) == ["original.opened"]
