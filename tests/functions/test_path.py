"""The path: bytes that arrive become an asset that words and examples find."""

import pytest

from functions.core.runtime.run import World
from functions.housekeeping.audit import audit
from functions.search import handler as search
from functions.search.contract import Example, Search, Words
from tests.support.images import a_jpeg, a_png
from tests.support.worlds import a_desk, a_ready_asset, a_user, state_of


@pytest.mark.promises("O1")
async def test_an_upload_becomes_searchable_by_words_and_by_example(world: World) -> None:
    owner = await a_user(world)
    first = await a_ready_asset(world, owner, a_jpeg(1), "harbour at dawn.jpg")
    second = await a_ready_asset(world, owner, a_png(2), "mountain hut.png")
    by_words = await search.search(world, a_desk(owner), Search(texts=[Words(q="harbour")]))
    assert by_words.items[0].id == first
    assert "words" in by_words.items[0].why
    by_example = await search.search(world, a_desk(owner), Search(images=[Example(asset_id=second)]))
    assert by_example.items[0].id == second
    assert by_example.items[0].score > 0.9


async def test_a_healthy_gallery_has_nothing_to_report(world: World) -> None:
    owner = await a_user(world)
    asset = await a_ready_asset(world, owner, a_jpeg(3))
    assert await state_of(world, asset) == "ready"
    report = await audit(world)
    assert report["mismatches"] == 0, report["details"]
    assert report["counts"]["assets_ready"] == report["counts"]["vectors"] == 1
