"""Facets of lists and searches: counts over what this viewer may see, and nothing else."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from functions.core.ids import AssetId, uuid7
from functions.core.ports import Point
from functions.core.postgres.assets import refresh_words
from tests.support.doors import Answer, Gallery, Person
from tests.support.worlds import MODEL

AXES = np.eye(MODEL.dim, dtype=np.float32)
NAMES = "tag,color,orientation,type,owner,rating,year,month"


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def titled(gallery: Gallery, owner: Person, title: str, *tags: str, **columns: Any) -> AssetId:
    asset = await gallery.a_picture(owner, AXES[3], title=title, **columns)
    async with gallery.world.database.transaction() as tx:
        for tag in tags:
            await tx.execute("INSERT INTO tags VALUES (%s, %s, 'person', 1)", [asset, tag])
        await refresh_words(tx, asset)
    await gallery.index(asset)
    return asset


def told(answer: Answer, name: str) -> dict[str, int]:
    assert answer.status == 200, answer
    return {facet["value"]: facet["count"] for facet in answer.json["facets"][name]}


async def test_each_facet_counts_the_whole_list_whatever_its_page(gallery: Gallery, person: Person) -> None:
    at = datetime(2024, 12, 31, 23, 30, tzinfo=UTC)
    await titled(gallery, person, "a", "sea", "dawn", color_names=["red", "blue"], width=9, created_at=at)
    await titled(gallery, person, "b", "sea", color_names=["red"], content_type="image/jpeg", rating="sensitive")
    answer = await gallery.get(f"/v1/assets?owner=me&limit=1&facets={NAMES}", person)
    handle = answer.json["items"][0]["owner"]["handle"]
    now = datetime.now(UTC)
    assert {name: told(answer, name) for name in NAMES.split(",")} == {
        "tag": {"sea": 2, "dawn": 1}, "color": {"red": 2, "blue": 1}, "orientation": {"landscape": 2},
        "type": {"image/png": 1, "image/jpeg": 1}, "owner": {handle: 2}, "rating": {"general": 1, "sensitive": 1},
        "year": {"2024": 1, f"{now:%Y}": 1}, "month": {"2024-12": 1, f"{now:%Y-%m}": 1},
    }  # fmt: skip
    narrowed = await gallery.get("/v1/assets?owner=me&tag=dawn&facets=tag&facets=color", person)
    assert (told(narrowed, "tag"), told(narrowed, "color")) == ({"sea": 1, "dawn": 1}, {"red": 1, "blue": 1})
    assert (await gallery.get("/v1/assets?owner=me", person)).json["facets"] == {}


async def test_with_words_a_search_counts_what_it_found_without_them_every_match(
    gallery: Gallery, person: Person
) -> None:
    ferry = await titled(gallery, person, "ferry", "boats")
    await titled(gallery, person, "hut", "huts")
    without = await gallery.get(f"/v1/search?like={ferry}&owner=me&limit=1&facets=tag", person)
    assert told(without, "tag") == {"boats": 1, "huts": 1}
    body = {"texts": [{"q": "ferry"}], "filters": {"owner": "me"}, "facets": ["tag"], "minScore": 1.0}
    assert told(await gallery.post("/v1/search", person, json=body), "tag") == {"boats": 1}, "as its hits"
    assert told(await gallery.get("/v1/search?q=ferry&owner=me&facets=tag&tag=huts", person), "tag") == {"huts": 1}


@pytest.mark.promises("S39", "S44")
async def test_nothing_is_counted_that_the_viewer_may_not_see(gallery: Gallery, person: Person) -> None:
    other, banned = await gallery.a_person(), await gallery.a_person()
    mark = f"wombat{uuid7().hex[-12:]}"
    seen = await titled(gallery, other, mark, mark, visibility="public")
    hidden: list[dict[str, Any]] = [
        {}, {"visibility": "unlisted"}, {"visibility": "public", "moderation": "pending"},
        {"visibility": "public", "moderation": "restricted"}, {"visibility": "public", "state": "processed"},
        {"visibility": "public", "trashed_at": datetime.now(UTC)}, {"visibility": "public", "state": "deleting"},
    ]  # fmt: skip
    ghosts = [await titled(gallery, other, mark, mark, f"secret{n}", **columns) for n, columns in enumerate(hidden)]
    ghosts.append(await titled(gallery, banned, mark, mark, "secret", visibility="public"))
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", banned.user)
    free = {"visibility": "public", "moderation": "approved", "trashed": False, "banned": False, "owner": str(other.user),
            "tags": [mark, "secret"], "colors": [], "type": "image/png", "orientation": "landscape", "created": 0.0}  # fmt: skip
    ghosts += [AssetId(uuid7()) for _ in range(5)]
    await gallery.world.ports.vectors.upsert([Point(ghost, AXES[3], free) for ghost in ghosts])
    with gallery.with_other({"anonymous_read": True}):
        for who in (person, None):
            for path in (f"search?q={mark}&tag={mark}", f"search?like={seen}&tag={mark}", f"assets?tag={mark}"):
                answer = await gallery.get(f"/v1/{path}&facets=tag,owner", who)
                assert told(answer, "tag") == {mark: 1}, path
                assert sum(told(answer, "owner").values()) == 1
            by_owner = await gallery.get(f"/v1/assets?owner={other.user}&facets=tag", who)
            assert told(by_owner, "tag") == {mark: 1}


async def test_a_further_page_need_not_ask_for_facets_again(gallery: Gallery, person: Person) -> None:
    for n in range(3):
        await titled(gallery, person, f"ibis {n}")
    first = (await gallery.get("/v1/search?q=ibis&owner=me&limit=2&facets=tag", person)).json
    cursor = quote(first["nextCursor"])
    second = await gallery.get(f"/v1/search?q=ibis&owner=me&limit=2&cursor={cursor}", person)
    assert (second.status, len(second.json["items"]), second.json["facets"]) == (200, 1, {})


@pytest.mark.promises("S20")
async def test_facets_tell_fifty_values_and_refuse_what_is_none(gallery: Gallery, person: Person) -> None:
    for n in range(2):
        await titled(gallery, person, "many", *(f"t{n}x{k}" for k in range(40)), "all")
    answer = await gallery.get("/v1/assets?owner=me&facets=tag", person)
    counts = [facet["count"] for facet in answer.json["facets"]["tag"]]
    assert (len(counts), counts[0]) == (50, 2)
    for names in ("title", "tag,title", "", "tag,", ",".join(["tag"] * 13), "tag'--", "%00"):
        for path in ("assets?", "search?q=x&"):
            assert (await gallery.get(f"/v1/{path}facets={names}", person)).status == 422, names
    for wrong in (["sha256"], "tag", [["tag"]], [1], None, ["tag"] * 13):
        body = {"texts": [{"q": "x"}], "facets": wrong}
        assert (await gallery.post("/v1/search", person, json=body)).code == "invalid", wrong
