"""search: words, examples and both; whole pages without gaps or doubles; the rows have the last word."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
import pytest

from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset
from functions.core.adapters.embedder_onnx import OnnxEmbedder
from functions.core.catalog.filters import AssetFilters
from functions.core.errors import CursorExpired, Malformed, NotFound, QueryImageExpired
from functions.core.ids import AssetId, UserId, uuid7
from functions.core.models.embedding import Embedding
from functions.core.ports import Point, Vector
from functions.core.postgres.server import EmbeddedPostgres
from functions.core.runtime.run import World
from functions.core.signing import seal, unseal
from functions.core.times import utcnow
from functions.core.tx import Database
from functions.embed.handler import example
from functions.search import handler as search
from functions.search import rows
from functions.search.contract import Example, Hits, Search, Words
from functions.search.paging import CURSOR
from tests.support.databases import a_database
from tests.support.images import a_jpeg, a_plain, encoded
from tests.support.quick_disk import quick_folder
from tests.support.runs import ready, write
from tests.support.worlds import MEDIA, Parts, a_desk, a_user, quiet, running

COLORS = {"red": "#d01010", "blue": "#1020d0", "green": "#10a020"}


@dataclass(frozen=True)
class Shelf:
    """A gallery of one owner: three plain pictures by their colour, and some varied ones."""

    world: World
    owner: UserId
    plain: dict[str, AssetId]
    varied: list[AssetId]

    async def find(self, wanted: Search, user: UserId | None = None) -> Hits:
        return await search.search(self.world, a_desk(user or self.owner), wanted)

    async def ids(self, wanted: Search, user: UserId | None = None) -> list[AssetId]:
        return [AssetId(item.id) for item in (await self.find(wanted, user)).items]


@pytest.fixture(scope="module")
async def shelf(cluster: EmbeddedPostgres) -> AsyncIterator[Shelf]:
    """For tests that only look."""
    with a_database(cluster) as url, quick_folder() as folder:
        database, parts = Database(url), Parts(folder)
        await database.open()
        yield await stock(World(database, parts))
        await parts.close()
        await database.close()


async def stock(world: World) -> Shelf:
    owner = await a_user(world)
    plain = [encoded(a_plain(color, (64 + 8 * place, 64)), "PNG") for place, color in enumerate(COLORS.values())]
    pictures = [*plain, *(a_jpeg(seed, (300, 400)) for seed in range(5))]
    names = [*(f"{color} card.png" for color in COLORS), *(f"holiday {number}.jpg" for number in range(5))]
    made = await ready(world, owner, pictures, names)
    return Shelf(world, owner, dict(zip(COLORS, made, strict=False)), made[3:])


async def test_words_of_names_titles_and_tags_find_and_say_why(world: World) -> None:
    shelf = await stock(world)
    found = await shelf.find(Search(texts=[Words(q="blue card")]))
    assert found.items[0].id == shelf.plain["blue"]
    assert "words" in found.items[0].why
    first = shelf.varied[0]
    await assets.change(shelf.world, a_desk(shelf.owner), first, ChangeAsset(title="Zanzibar", tags=["spice"]), 1)
    for word in ("zanzibar", "spice"):
        assert (await shelf.ids(Search(texts=[Words(q=word)])))[0] == first


async def test_an_example_finds_itself_first_and_scores_fall(shelf: Shelf) -> None:
    found = await shelf.find(Search(images=[Example(asset_id=shelf.varied[2])]))
    scores = [item.score for item in found.items]
    assert found.items[0].id == shelf.varied[2]
    assert scores == sorted(scores, reverse=True)
    assert all(score == round(score, 3) and 0 <= score <= 1 for score in scores)


async def test_two_examples_find_both_and_a_weight_says_which_counts_more(shelf: Shelf) -> None:
    red, blue = shelf.plain["red"], shelf.plain["blue"]
    both = await shelf.ids(Search(images=[Example(asset_id=red, weight=3), Example(asset_id=blue)]))
    assert both[0] == red
    turned = await shelf.ids(Search(images=[Example(asset_id=red), Example(asset_id=blue, weight=3)]))
    assert turned[0] == blue


async def test_a_negative_example_pulls_away(shelf: Shelf) -> None:
    red, blue = shelf.plain["red"], shelf.plain["blue"]
    near = await shelf.ids(Search(images=[Example(asset_id=red)]))
    away = await shelf.ids(Search(images=[Example(asset_id=red), Example(asset_id=blue, weight=-1)]))
    assert away.index(blue) >= near.index(blue)
    assert away[-1] == blue or away.index(blue) > near.index(blue)


async def test_unwanted_words_leave_out_what_says_them(shelf: Shelf) -> None:
    found = await shelf.find(Search(texts=[Words(q="card"), Words(q="red", weight=-0.5)]))
    by_words = [item.id for item in found.items if "words" in item.why]
    assert shelf.plain["red"] not in by_words
    assert shelf.plain["blue"] in by_words


async def test_words_and_an_example_go_together(shelf: Shelf) -> None:
    green = shelf.plain["green"]
    assert (await shelf.ids(Search(texts=[Words(q="green")], images=[Example(asset_id=green)])))[0] == green


async def test_what_cancels_itself_out_is_answered_all_the_same(shelf: Shelf) -> None:
    red = shelf.plain["red"]
    nothing = Search(images=[Example(asset_id=red), Example(asset_id=red, weight=-1)])
    assert all(np.isfinite(item.score) for item in (await shelf.find(nothing)).items)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"orientation": "portrait"}, 5),
        ({"orientation": "square"}, 1),
        ({"color": "blue", "type": "image/png"}, 1),
        ({"type": "image/jpeg"}, 5),
        ({"tag": ["nowhere"]}, 0),
        ({"visibility": "public"}, 0),
        ({"owner": "me"}, 8),
        ({"trashed": True}, 0),
    ],
)
async def test_filters_narrow(shelf: Shelf, filters: dict[str, object], found: int) -> None:
    wanted = Search(texts=[Words(q="holiday card")], filters=AssetFilters.model_validate(filters))
    assert len(await shelf.ids(wanted)) == found


async def test_nothing_under_the_least_score_is_shown(shelf: Shelf) -> None:
    like = Example(asset_id=shelf.varied[0])
    scores = [item.score for item in (await shelf.find(Search(images=[like]))).items]
    least = scores[3]
    some = await shelf.find(Search(images=[like], min_score=least))
    assert [item.score for item in some.items] == [score for score in scores if score >= least]
    assert (await shelf.ids(Search(images=[like], min_score=1.0))) in ([], [shelf.varied[0]])


async def paged(shelf: Shelf, wanted: Search, user: UserId | None = None) -> list[list[AssetId]]:
    """Every page's ids."""
    pages, cursor = [], None
    while True:
        page = await shelf.find(wanted.model_copy(update={"cursor": cursor}), user)
        pages.append([AssetId(item.id) for item in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_pages_have_neither_gaps_nor_doubles(shelf: Shelf) -> None:
    wanted = Search(texts=[Words(q="holiday")], images=[Example(asset_id=shelf.plain["red"])], limit=3)
    whole = await shelf.ids(wanted.model_copy(update={"limit": 50}))
    pages = await paged(shelf, wanted)
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [asset for page in pages for asset in page] == whole


async def test_a_cursor_is_good_for_its_own_search_and_model_only(shelf: Shelf) -> None:
    wanted = Search(texts=[Words(q="holiday")], limit=3)
    cursor = (await shelf.find(wanted)).next_cursor
    assert cursor is not None
    with pytest.raises(Malformed):
        await shelf.find(Search(texts=[Words(q="other")], limit=3, cursor=cursor))
    with pytest.raises(Malformed):
        await shelf.find(wanted.model_copy(update={"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}))
    other_model = seal(MEDIA, CURSOR, unseal(MEDIA, CURSOR, cursor) | {"m": "another"})
    with pytest.raises(CursorExpired):
        await shelf.find(wanted.model_copy(update={"cursor": other_model}))


@pytest.mark.promises("S44")
async def test_ghosts_in_the_index_are_neither_shown_nor_leave_gaps(world: World) -> None:
    shelf = await stock(world)
    bob = await a_user(shelf.world, "Bob")
    vectors = shelf.world.ports.vectors
    async with running(shelf.world):
        for asset in shelf.varied:
            await assets.change(shelf.world, a_desk(shelf.owner), asset, ChangeAsset(visibility="public"), 1)
        await quiet(shelf.world)
    near = (await vectors.fetch([shelf.varied[0]]))[shelf.varied[0]]
    free = {"visibility": "public", "moderation": "approved", "trashed": False, "banned": False,
            "owner": str(shelf.owner), "tags": [], "colors": [], "type": "image/png", "orientation": "square",
            "created": utcnow().timestamp()}  # fmt: skip
    # What is private, trashed or deleted pretends to be public, as the nearest of all; so does what never was.
    private = [shelf.plain["red"], shelf.plain["blue"]]
    await write(shelf.world, "UPDATE assets SET trashed_at = now() WHERE id = %s", shelf.varied[4])
    ghosts = [*private, shelf.varied[4], *(AssetId(uuid7()) for _ in range(7))]
    await vectors.upsert([Point(ghost, near, free) for ghost in ghosts])
    wanted = Search(images=[Example(asset_id=shelf.varied[0])], limit=2)
    pages = await paged(shelf, wanted, bob)
    assert [len(page) for page in pages] == [2, 2]
    assert {asset for page in pages for asset in page} == set(shelf.varied[:4])
    alike = await search.similar(shelf.world, a_desk(bob), shelf.varied[0], 10)
    assert {item.id for item in alike.items} == set(shelf.varied[1:4])


@pytest.mark.promises("S45")
async def test_an_example_that_one_may_not_see_is_not_found(shelf: Shelf) -> None:
    bob = await a_user(shelf.world, "Bob")
    for asset in (shelf.varied[0], AssetId(uuid7())):
        with pytest.raises(NotFound):
            await shelf.find(Search(images=[Example(asset_id=asset)]), bob)
        with pytest.raises(NotFound):
            await search.similar(shelf.world, a_desk(bob), asset, 5)


async def test_a_query_image_serves_its_owner_for_an_hour_and_its_model(shelf: Shelf) -> None:
    bob = await a_user(shelf.world, "Bob")
    made = await example(shelf.world.ports, encoded(a_plain(COLORS["green"]), "PNG"))
    async with shelf.world.database.transaction() as tx:
        query = await rows.keep_query(tx, shelf.owner, made.model, made.vector, utcnow().replace(year=2100))
    wanted = Search(images=[Example(query_image_id=query)])
    assert (await shelf.ids(wanted))[0] == shelf.plain["green"]
    with pytest.raises(NotFound):
        await shelf.find(wanted, bob)
    await write(shelf.world, "UPDATE query_images SET model = 'another'")
    with pytest.raises(QueryImageExpired):
        await shelf.find(wanted)
    await write(shelf.world, "UPDATE query_images SET expires_at = now()")
    with pytest.raises(NotFound):
        await shelf.find(wanted)


async def test_no_transaction_is_open_while_the_model_computes(cluster: EmbeddedPostgres) -> None:
    open_ones: list[int] = []

    class Watching(OnnxEmbedder):
        """The model, which looks at the database while it reads words."""

        def embed_texts(self, texts: Sequence[str]) -> Vector:
            with psycopg.connect(url) as beside:
                found = beside.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND xact_start IS NOT NULL"
                ).fetchone()
            open_ones.extend(found or ())
            return super().embed_texts(texts)

    with a_database(cluster) as url, quick_folder() as folder:
        database, parts = Database(url), Parts(folder)
        vars(parts)["embedding"] = Embedding(Watching)
        await database.open()
        world = World(database, parts)
        wanted = Search(texts=[Words(q="a boat"), Words(q="red", weight=-1)])
        assert (await search.search(world, a_desk(await a_user(world)), wanted)).items == []
        await parts.close()
        await database.close()
    assert open_ones == [0, 0]
