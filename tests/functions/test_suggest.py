"""suggest: the beginnings of tags, names and past searches, as far as the one who types may see them."""

import time

import pytest

from functions.core.ids import AssetId, UserId, uuid7
from functions.core.runtime.run import World
from functions.core.visibility import Viewer
from functions.search import rows as searches
from functions.suggest import handler
from functions.suggest.contract import Suggest, SuggestOut
from tests.support.runs import count, read, write
from tests.support.worlds import a_user


async def tagged(
    world: World, owner: UserId, *tags: str, visibility: str = "public", moderation: str = "approved"
) -> AssetId:
    """A ready row with tags, as far as suggestions look at it."""
    asset = AssetId(uuid7())
    await write(
        world,
        "INSERT INTO assets (id, owner, state, visibility, moderation, name, declared_type, size, sha256, form_expires_at)"
        " VALUES (%s, %s, 'ready', %s, %s, 'a.png', 'image/png', 1, %s, now())",
        asset, owner, visibility, moderation, asset.bytes * 2,
    )  # fmt: skip
    for tag in tags:
        await write(world, "INSERT INTO tags VALUES (%s, %s, 'person', 1)", asset, tag)
    return asset


async def suggested(world: World, user: UserId | None, q: str = "") -> SuggestOut:
    return await handler.suggest(world, Viewer(user), Suggest(q=q))


def names(found: SuggestOut) -> dict[str, int]:
    return {tag.name: tag.count for tag in found.tags}


async def search_for(world: World, user: UserId, *words: str) -> None:
    for said in words:
        async with world.database.transaction() as tx:
            await searches.remember(tx, user, said)


async def test_tags_are_found_by_their_beginning_without_case_and_accents(world: World) -> None:
    ann = await a_user(world)
    await tagged(world, ann, "café", "sea")
    await tagged(world, ann, "café", "cafeteria", "über", "straße", "море")
    assert names(await suggested(world, ann, "CAFE")) == {"café": 2, "cafeteria": 1}
    assert names(await suggested(world, ann, "Cafe\u0301")) == {"café": 2, "cafeteria": 1}
    assert names(await suggested(world, ann, "UB")) == {"über": 1}
    assert names(await suggested(world, ann, "МО")) == {"море": 1}
    assert names(await suggested(world, ann, "afe")) == {}
    assert next(iter(names(await suggested(world, ann)))) == "café"


@pytest.mark.promises("S20")
async def test_what_is_typed_stands_for_itself(world: World) -> None:
    ann = await a_user(world, "100% Ann")
    await tagged(world, ann, "50%", "a_b", "axb", "back\\slash", "it's")
    for q, found in (("50%", {"50%"}), ("a_", {"a_b"}), ("back\\", {"back\\slash"}), ("it'", {"it's"})):
        assert names(await suggested(world, ann, q)).keys() == found
    for q in ("%", "_", "\\", "％", "' OR 1=1 --"):
        assert names(await suggested(world, ann, q)) == {}
    assert [found.name for found in (await suggested(world, ann, "100%")).people] == ["100% Ann"]


@pytest.mark.promises("S39", "S44")
async def test_tags_of_what_one_may_not_see_are_neither_told_nor_counted(world: World) -> None:
    ann, bob = await a_user(world), await a_user(world, "Bob")
    await tagged(world, ann, "seal")
    await tagged(world, ann, "seal", "secret", visibility="private")
    await tagged(world, ann, "seal", "secret", visibility="unlisted")
    await tagged(world, ann, "seal", "secret", moderation="pending")
    trashed = await tagged(world, ann, "seal", "secret")
    await write(world, "UPDATE assets SET trashed_at = now() WHERE id = %s", trashed)
    assert [names(await suggested(world, who, "se")) for who in (None, bob)] == [{"seal": 1}] * 2
    assert names(await suggested(world, ann, "se")) == {"seal": 4, "secret": 3}
    await write(world, "INSERT INTO tags SELECT asset_id, name, 'person', 0 FROM tags WHERE name = 'seal'"
                " ON CONFLICT (asset_id, name, source) DO UPDATE SET confidence = 0")  # fmt: skip
    assert names(await suggested(world, bob, "se")) == {}, "a name that was taken away is no tag"


async def test_people_are_found_by_name_and_handle_unless_banned(world: World) -> None:
    ann, zoe = await a_user(world, "Ann"), await a_user(world, "Zoë Lind")
    await write(world, "UPDATE users SET handle = 'pinkfish' WHERE id = %s", zoe)
    assert [found.handle for found in (await suggested(world, ann, "zoe")).people] == ["pinkfish"]
    assert [found.name for found in (await suggested(world, ann, "PINK")).people] == ["Zoë Lind"]
    assert (await suggested(world, None, "zoe")).people == [], "nobody is told of who shows nothing"
    await tagged(world, zoe)
    assert [found.handle for found in (await suggested(world, None, "zoe")).people] == ["pinkfish"]
    assert (await suggested(world, ann)).people == []
    await write(world, "UPDATE users SET banned_at = now() WHERE id = %s", zoe)
    assert [(await suggested(world, who, "zoe")).people for who in (None, ann)] == [[], []]


async def test_searches_are_one_s_own_the_last_twenty_and_the_last_one_first(world: World) -> None:
    ann, bob = await a_user(world), await a_user(world, "Bob")
    await search_for(world, ann, *(f"boat {n}" for n in range(25)), "Été", "boat 7")
    assert (await suggested(world, ann)).searches[:3] == ["boat 7", "Été", "boat 24"]
    assert (await suggested(world, ann, "ete")).searches == ["Été"]
    assert await count(world, "SELECT count(*) FROM recent_searches") == 20
    assert [(await suggested(world, who, "boat")).searches for who in (bob, None)] == [[], []]


async def test_searches_go_with_their_person(world: World) -> None:
    ann = await a_user(world)
    await search_for(world, ann, "boat")
    await write(world, "DELETE FROM users WHERE id = %s", ann)
    assert await count(world, "SELECT count(*) FROM recent_searches") == 0


async def test_suggestions_are_quick_and_bounded_in_a_large_gallery(world: World) -> None:
    ann = await a_user(world)
    await write(
        world,
        "INSERT INTO assets (id, owner, state, visibility, moderation, name, declared_type, size, sha256, form_expires_at)"
        " SELECT gen_random_uuid(), %s, 'ready', 'public', 'approved', 'a.png', 'image/png', 1, sha256(n::text::bytea), now()"
        " FROM generate_series(1, 20000) n",
        ann,
    )
    await write(
        world,
        "INSERT INTO tags SELECT id, 'tag ' || (hashtext(id::text || k) & 1023), 'person', 1 FROM assets, generate_series(1, 2) k"
        " ON CONFLICT DO NOTHING",
    )
    began = time.perf_counter()
    assert len((await suggested(world, ann, "t")).tags) == 10
    assert time.perf_counter() - began < 0.5
    plan = await read(world, "EXPLAIN SELECT FROM tags WHERE folded(name) LIKE 'tag 1%%'")
    assert any("tags_as_typed" in line for row in plan for line in row.values())
