"""File names are their owner's: what is not shown is not told by a hit either."""

from functions.core.ids import UserId
from functions.core.runtime.run import World
from functions.search import handler as search
from functions.search.contract import Search, Words
from tests.support.images import a_png
from tests.support.runs import write
from tests.support.worlds import a_desk, a_ready_asset, a_user


async def why(world: World, looking: UserId | None, words: str) -> list[list[str]]:
    hits = await search.search(world, a_desk(looking), Search(texts=[Words(q=words)]))
    return [hit.why for hit in hits.items]


async def test_a_file_name_is_found_by_its_owner_alone_and_a_title_by_everybody(world: World) -> None:
    owner, other = await a_user(world), await a_user(world)
    asset = await a_ready_asset(world, owner, a_png(4), "clinic report.png")
    await write(world, "UPDATE assets SET visibility = 'public', title = 'hello' WHERE id = %s", asset)
    await write(world, "UPDATE assets SET words = asset_words(id) WHERE id = %s", asset)
    assert "words" in (await why(world, owner, "clinic"))[0]
    for looking in (other, None):
        assert all("words" not in said for said in await why(world, looking, "clinic"))
        assert "words" in (await why(world, looking, "hello"))[0]
