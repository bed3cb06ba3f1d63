"""The contract of /v1/assets: lists and pages, reading, changing, trash, retry, and who is told what."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from functions.assets.rows import CURSOR
from functions.core.ids import AssetId
from functions.core.signing import seal, unseal
from functions.core.times import utcnow
from functions.core.tx import rows
from gateway.local.identity import LocalIdentity
from tests.support.doors import Answer, Gallery, Person
from tests.support.worlds import MEDIA, MODEL

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AXES = np.eye(MODEL.dim, dtype=np.float32)


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def listed(gallery: Gallery, who: Person | None, query: str) -> list[str]:
    answer = await gallery.get(f"/v1/assets?{query}", who)
    assert answer.status == 200, answer
    return [item["id"] for item in answer.json["items"]]


async def changed(gallery: Gallery, who: Person, asset: AssetId, body: Any, match: str = '"1"') -> Answer:
    return await gallery.ask("PATCH", f"/v1/assets/{asset}", who, json=body, headers={"If-Match": match})


async def facts_about(gallery: Gallery, asset: AssetId) -> list[str]:
    async with gallery.world.database.transaction() as tx:
        return [
            row["topic"] for row in await rows(tx, "SELECT topic FROM outbox WHERE key = %s ORDER BY id", str(asset))
        ]


async def test_each_filter_narrows_a_list(gallery: Gallery, person: Person) -> None:
    wide = await gallery.a_picture(
        person, width=9, height=6, color_names=["red", "blue"], content_type="image/jpeg", created_at=NOON
    )
    tall = await gallery.a_picture(
        person, width=6, height=9, color_names=["blue"], visibility="public", created_at=NOON + timedelta(days=1)
    )
    square = await gallery.a_picture(
        person, width=9, height=9, state="failed", trashed_at=NOON, created_at=NOON + timedelta(days=2)
    )
    for asset, tag in [(wide, "sea"), (wide, "dawn"), (tall, "sea"), (square, "sea")]:
        await gallery.do("INSERT INTO tags (asset_id, name, source) VALUES (%s, %s, 'person')", asset, tag)
    handle = (await gallery.get("/v1/me", person)).json["handle"]
    expected: dict[str, list[AssetId]] = {
        "": [tall, wide], "sort=createdAt": [wide, tall], "visibility=public": [tall], "visibility=unlisted": [],
        "tag=sea": [tall, wide], "tag=sea&tag=dawn": [wide], "tag=SEA": [tall, wide], "orientation=landscape": [wide],
        "orientation=portrait": [tall], "color=red": [wide], "color=blue": [tall, wide], "type=image/jpeg": [wide],
        "from=2026-03-02T12:00:00Z": [tall], "to=2026-03-02T12:00:00Z": [wide], "trashed=true": [square],
        "trashed=true&orientation=square": [square], "state=ready": [tall, wide], "state=failed": [],
        "state=failed&trashed=true": [square], f"id={wide}&id={square}": [wide], "limit=1": [tall],
    }  # fmt: skip
    for query, assets in expected.items():
        for owner in ("me", str(person.user), handle):
            assert await listed(gallery, person, f"owner={owner}&{query}") == [str(asset) for asset in assets], query


@pytest.mark.parametrize("query", [
    "unknown=1", "state=deleting", "state=READY", "sort=title", "limit=0", "limit=101", "limit=-1", "limit=ten", "color=mauve",
    "type=text/html", "orientation=up", "visibility=all", "from=yesterday", "trashed=maybe", "tag=", "owner=%00", "id=1",
    "owner_id=1", "where=1", "cursor=" + "x" * 1_025, "&".join(["tag=a"] * 13),
])  # fmt: skip
async def test_an_unknown_filter_or_value_is_refused(gallery: Gallery, person: Person, query: str) -> None:
    answer = await gallery.get(f"/v1/assets?{query}", person)
    assert (answer.status, answer.code) == (422, "invalid")
    assert answer.json["errors"][0]["at"][0] == query.partition("=")[0]


async def test_an_owner_that_is_not_here_is_not_found(gallery: Gallery, person: Person) -> None:
    for owner in ("nobody", "01a20aad-9fd2-7866-9b3b-6c416466051e", "🦊".encode().hex()):
        assert (await gallery.get(f"/v1/assets?owner={owner}", person)).code == "not_found"


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt"])
async def test_pages_have_no_gaps_and_no_doubles_also_in_one_instant(
    gallery: Gallery, person: Person, sort: str
) -> None:
    at = [NOON + timedelta(microseconds=n // 3) for n in range(10)]
    made = [str(await gallery.a_picture(person, created_at=moment)) for moment in at]
    seen: list[str] = []
    query = f"owner=me&limit=3&sort={sort}"
    page = (await gallery.get(f"/v1/assets?{query}", person)).json
    while True:
        seen += [item["id"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        # What comes and goes meanwhile moves nothing.
        await gallery.a_picture(person, created_at=NOON + timedelta(days=1 if sort == "-createdAt" else -1))
        page = (await gallery.get(f"/v1/assets?{query}&cursor={page['nextCursor']}", person)).json
    assert seen == (made if sort == "createdAt" else made[::-1])


@pytest.mark.promises("S49")
async def test_a_changed_or_strange_cursor_is_refused(gallery: Gallery, person: Person) -> None:
    for _ in range(2):
        await gallery.a_picture(person, AXES[0])
    cursor = (await gallery.get("/v1/assets?owner=me&limit=1", person)).json["nextCursor"]
    kid, body, signature = cursor.split(".")
    other = body[:-2] + ("AA" if body[-2:] != "AA" else "BB")
    for strange in (
        f"{kid}.{other}.{signature}",
        f"{kid}.{body}.{signature[:-1]}",
        f"x.{body}.{signature}",
        "x",
        "..",
        body,
    ):
        answer = await gallery.get(f"/v1/assets?owner=me&limit=1&cursor={strange}", person)
        assert (answer.status, answer.code) == (400, "invalid_cursor")
    elsewhere = await gallery.get(f"/v1/search?q=fox&cursor={cursor}", person)
    assert (elsewhere.status, elsewhere.code) == (400, "invalid_cursor")


async def test_a_list_without_owner_is_what_everybody_may_see_and_mine(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    mine, theirs = await gallery.a_picture(person), await gallery.a_picture(other, visibility="public")
    hidden = await gallery.a_picture(other)
    failed = await gallery.a_picture(person, state="failed")
    found = await listed(gallery, person, "limit=100")
    assert {str(mine), str(theirs)} <= set(found)
    assert not {str(hidden), str(failed)} & set(found)
    assert await listed(gallery, person, f"owner={other.user}") == [str(theirs)]


@pytest.mark.promises("S39")
async def test_without_signing_in_only_public_approved_ready_assets_are_there(gallery: Gallery, person: Person) -> None:
    shown = await gallery.a_picture(person, AXES[1], visibility="public")
    for change in ({}, {"visibility": "unlisted"}, {"visibility": "public", "moderation": "pending"},
                   {"visibility": "public", "state": "processed"}, {"visibility": "public", "trashed_at": NOON}):  # fmt: skip
        await gallery.a_picture(person, AXES[1], **change)
    with gallery.with_other({"anonymous_read": True}):
        for query in ("", "&trashed=true", "&state=processed", "&state=failed", "&visibility=private"):
            found = await listed(gallery, None, f"owner={person.user}{query}")
            assert found == ([str(shown)] if query == "" else [])
        told = (await gallery.get(f"/v1/assets/{shown}")).json
        assert (await gallery.get("/v1/assets?owner=me")).status == 401
    assert (told["name"], told["sha256"], told["exif"], told["reason"]) == (None, None, None, None)
    assert (await gallery.get(f"/v1/assets/{shown}")).status == 401


async def test_what_is_the_owners_alone_is_told_to_the_owner_alone(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, visibility="public", reason="worker_lost")
    await gallery.do(
        "INSERT INTO metadata VALUES (%s, %s, %s)", asset, '{"Make": "Box"}', '{"prompt": "a fox", "seed": 7}'
    )
    mine = (await gallery.get(f"/v1/assets/{asset}", person)).json
    theirs = (await gallery.get(f"/v1/assets/{asset}", await gallery.a_person())).json
    assert (len(mine["sha256"]), mine["exif"], mine["reason"]) == (64, {"Make": "Box"}, "worker_lost")
    assert (mine["name"], theirs["name"]) == ("picture.png", None)
    assert (theirs["sha256"], theirs["exif"], theirs["reason"], theirs["reasonText"]) == (None, None, None, None)
    assert mine["ai"] == theirs["ai"] == {"prompt": "a fox", "seed": 7}
    assert mine["createdAt"].endswith("Z")
    assert mine["renditions"][0].keys() == {"variant", "width", "height", "contentType", "url"}


async def test_a_change_is_made_from_the_revision_that_was_seen(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    seen = await gallery.get(f"/v1/assets/{asset}", person)
    wanted = {"title": "Harbour", "description": "At dawn.\nCold.", "alt": "A harbour", "tags": ["Sea", "sea", " dawn "],
              "visibility": "public", "licence": "CC BY 4.0", "rating": "sensitive"}  # fmt: skip
    done = await changed(gallery, person, asset, wanted, seen.headers["ETag"])
    assert (done.status, done.headers["ETag"]) == (200, '"2"')
    told = done.json
    assert [tag["name"] for tag in told["tags"]] == ["dawn", "sea"]
    assert {name: told[name] for name in wanted if name != "tags"} == {k: v for k, v in wanted.items() if k != "tags"}
    stale = await changed(gallery, person, asset, {"title": "Mine"}, seen.headers["ETag"])
    assert (stale.status, stale.code) == (412, "precondition_failed")
    blind = await gallery.ask("PATCH", f"/v1/assets/{asset}", person, json={"title": "Mine"})
    assert (blind.status, blind.code) == (428, "precondition_required")
    assert (await changed(gallery, person, asset, {"title": "Mine"}, "*")).status == 422
    assert (await gallery.get(f"/v1/assets/{asset}", person)).json == told
    assert await facts_about(gallery, asset) == ["assets.changed"]
    assert (await changed(gallery, person, asset, {"title": ""}, '"2"')).json["description"] == "At dawn.\nCold."
    assert await facts_about(gallery, asset) == ["assets.changed"], "the index shows no title"


@pytest.mark.promises("S47")
@pytest.mark.parametrize("member", [
    "owner_id", "owner", "status", "state", "moderation", "storage_key", "created_at", "createdAt", "role", "generation", "id",
    "sha256", "reason", "trashedAt", "revision", "score", "renditions", "bytes", "contentType", "updatedAt", "width",
])  # fmt: skip
async def test_what_is_not_for_people_to_change_is_refused_whole(gallery: Gallery, person: Person, member: str) -> None:
    asset = await gallery.a_picture(person)
    before = await gallery.row("SELECT to_jsonb(a) AS row FROM assets a WHERE id = %s", asset)
    answer = await changed(gallery, person, asset, {"title": "x", member: "1"})
    assert (answer.status, answer.json["errors"][0]["at"]) == (422, [member])
    assert before == await gallery.row("SELECT to_jsonb(a) AS row FROM assets a WHERE id = %s", asset)


async def test_the_trash_hides_and_gives_back(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, visibility="public")
    other = await gallery.a_person()
    for _ in range(2):
        assert (await gallery.ask("DELETE", f"/v1/assets/{asset}", person)).status == 204
    assert (await gallery.get(f"/v1/assets/{asset}", other)).status == 404
    assert (await gallery.get(f"/v1/assets/{asset}", person)).json["trashedAt"]
    assert await listed(gallery, person, "owner=me") == []
    back = await gallery.post(f"/v1/assets/{asset}/restore", person)
    assert (back.status, back.json["trashedAt"]) == (200, None)
    assert (await gallery.post(f"/v1/assets/{asset}/restore", person)).status == 200
    assert (await gallery.get(f"/v1/assets/{asset}", other)).status == 200
    assert await facts_about(gallery, asset) == ["assets.changed"] * 2


async def test_a_permanent_delete_is_for_good(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    assert (await gallery.ask("DELETE", f"/v1/assets/{asset}?permanent=perhaps", person)).status == 422
    assert (await gallery.ask("DELETE", f"/v1/assets/{asset}?permanent=true", person)).status == 204
    assert await facts_about(gallery, asset) == ["assets.deleted"]
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/restore"), ("POST", "/retry"), ("GET", "/timeline"),
                         ("GET", "/original"), ("GET", "/similar")]:  # fmt: skip
        assert (await gallery.ask(method, f"/v1/assets/{asset}{path}", person)).status == 404, path
    assert (await changed(gallery, person, asset, {"title": "x"})).status == 404


async def test_only_what_failed_can_be_tried_again(gallery: Gallery, person: Person) -> None:
    for state in ("new", "uploaded", "processed", "ready", "rejected", "expired"):
        asset = await gallery.a_picture(person, state=state)
        answer = await gallery.post(f"/v1/assets/{asset}/retry", person)
        assert (answer.status, answer.code, answer.json["state"]) == (409, "conflict", state)
    asset = await gallery.a_picture(person, state="failed", reason="worker_lost")
    answer = await gallery.post(f"/v1/assets/{asset}/retry", person)
    assert (answer.status, answer.json["state"], answer.json["reason"]) == (202, "uploaded", None)
    assert await facts_about(gallery, asset) == ["assets.uploaded"]
    lost = await gallery.a_picture(person, state="failed", content_type=None)
    assert (await gallery.post(f"/v1/assets/{lost}/retry", person)).json["state"] == "new"


async def test_a_timeline_tells_each_step_of_each_run(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    for run, step, state, error in [(0, "thumbnail", "failed", "internal_error"), (1, "thumbnail", "done", None)]:
        sql = "INSERT INTO pipeline_steps (asset_id, run, step, state, attempts, error) VALUES (%s, %s, %s, %s, 1, %s)"
        await gallery.do(sql, asset, run, step, state, error)
    items = (await gallery.get(f"/v1/assets/{asset}/timeline", person)).json["items"]
    assert [(item["run"], item["state"], item["error"]) for item in items] == [
        (0, "failed", "internal_error"),
        (1, "done", None),
    ]
    assert items[0].keys() == {"step", "state", "run", "startedAt", "finishedAt", "attempts", "error"}


@pytest.mark.promises("S45")
async def test_what_is_similar_is_told_without_vectors_and_in_three_digits(gallery: Gallery, person: Person) -> None:
    near = [await gallery.a_picture(person, AXES[2] + AXES[3] * share) for share in (0, 0.1, 0.2, 0.4)]
    await gallery.index(*near)
    answer = await gallery.get(f"/v1/assets/{near[0]}/similar?limit=3", person)
    items = answer.json["items"]
    assert [item["id"] for item in items] == [str(asset) for asset in near[1:]]
    assert all(first["score"] >= second["score"] for first, second in pairwise(items))
    assert all(round(item["score"], 3) == item["score"] for item in items)
    assert b"vector" not in answer.data
    assert (await gallery.get(f"/v1/assets/{near[0]}/similar?limit=101", person)).status == 422


async def test_what_has_no_vector_yet_has_nothing_similar(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, state="new")
    assert (await gallery.get(f"/v1/assets/{asset}/similar", person)).code == "not_found"


@pytest.mark.promises("S30")
async def test_the_original_is_its_owners_for_five_minutes(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, visibility="public")
    answer = await gallery.get(f"/v1/assets/{asset}/original", person)
    assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
    assert answer.headers["Location"].startswith(f"/media/{asset}/1/original?exp=")
    waiting = await gallery.a_picture(person, state="new")
    assert (await gallery.get(f"/v1/assets/{waiting}/original", person)).status == 404


@pytest.mark.promises("S30")
async def test_moderators_are_told_more_of_what_they_may_see_and_see_nothing_more(
    gallery: Gallery, person: Person
) -> None:
    private = await gallery.a_picture(person)
    public = await gallery.a_picture(person, visibility="public")
    await gallery.do("INSERT INTO metadata VALUES (%s, %s, %s)", public, '{"Make": "Box"}', "{}")
    for role in ("moderator", "admin"):
        judge = await gallery.a_person("Judge", ("user", role))
        told = (await gallery.get(f"/v1/assets/{public}", judge)).json
        assert (told["name"], len(told["sha256"]), told["exif"]) == ("picture.png", 64, {"Make": "Box"})
        assert (await gallery.get(f"/v1/assets/{public}/original", judge)).status == 302
        assert (await gallery.get(f"/v1/assets/{private}", judge)).status == 404
        assert (await gallery.get(f"/v1/assets/{private}/original", judge)).status == 404
        assert str(private) not in await listed(gallery, judge, "")


@pytest.mark.promises("S30")
async def test_a_moderators_token_that_is_not_fresh_is_anybodys(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, visibility="public")
    judge = await gallery.a_person("Judge", ("user", "moderator"))
    aged = LocalIdentity(gallery.door.settings.data_dir / "secrets", clock=lambda: utcnow() - timedelta(seconds=301))
    token = aged.mint(UUID(judge.subject), ["user", "moderator"], "Judge", lifetime_s=900)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await gallery.get(f"/v1/assets/{asset}", headers=headers)).json["sha256"] is None
    assert (await gallery.get(f"/v1/assets/{asset}/original", headers=headers)).status == 404


@pytest.mark.promises("S52")
async def test_a_list_of_everybody_s_ends_at_ten_thousand_and_one_s_own_does_not(gallery: Gallery) -> None:
    person = await gallery.a_person()
    for _ in range(3):
        await gallery.a_picture(person)
    first = (await gallery.get("/v1/assets?limit=1&owner=me", person)).json
    place = unseal(MEDIA, CURSOR, first["nextCursor"])
    assert place["n"] == 1
    for seen, others in ((9_998, True), (9_999, False), (50_000, False)):
        cursor = seal(MEDIA, CURSOR, place | {"n": seen})
        for owner, more in (("me", True), (person.user, others)):
            page = (await gallery.get(f"/v1/assets?limit=1&owner={owner}&cursor={cursor}", person)).json
            assert (len(page["items"]), bool(page["nextCursor"])) == (1, more)
