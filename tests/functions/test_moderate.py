"""moderate: block list, thresholds, review; until somebody says yes, others do not see it."""

from collections.abc import Awaitable
from contextlib import suppress

import pytest

from events.types import AssetPreviewed, AssetUploaded, AssetVectorized
from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset, ListAssets
from functions.core.catalog.contract import Page
from functions.core.catalog.read import Desk
from functions.core.errors import NotFound
from functions.core.ids import AssetId
from functions.core.postgres import upkeep
from functions.core.runtime.run import World
from functions.search import handler as search
from functions.search.contract import Example, Hits, Search, SimilarOut, Words
from tests.support.images import a_jpeg, an_image, encoded
from tests.support.runs import arrived, ready, row, rule, said_of, through, write
from tests.support.worlds import a_desk, a_user, an_upload, quiet, running


async def verdict(world: World, data: bytes = b"") -> str:
    """What becomes of one more picture."""
    [asset] = await ready(world, await a_user(world), [data or a_jpeg(9)])
    now = await row(world, asset)
    assert now["state"] == "ready"
    return str(now["moderation"])


async def test_nothing_found_is_approved(world: World) -> None:
    assert await verdict(world) == "approved"


async def test_a_concept_over_its_threshold_restricts(world: World) -> None:
    rule(world, thresholds=(("a picture", 0.0),))
    assert await verdict(world) == "restricted"


async def test_a_concept_under_its_threshold_does_not(world: World) -> None:
    rule(world, thresholds=(("a picture", 1.01),))
    assert await verdict(world) == "approved"


async def test_under_review_a_picture_waits(world: World) -> None:
    rule(world, review=True)
    assert await verdict(world) == "pending"


async def test_another_models_vector_gives_no_verdict(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(9))
    await arrived(world, asset)
    await through(world, "thumbnail", await said_of(world, AssetUploaded, asset))
    await through(world, "embed", await said_of(world, AssetPreviewed, asset))
    await write(world, "UPDATE embeddings SET model = 'former'")
    await through(world, "moderate", await said_of(world, AssetVectorized, asset, model="former"))
    now = await row(world, asset)
    assert (now["state"], now["moderation"]) == ("processed", "pending")


async def test_a_picture_that_looks_like_a_blocked_one_is_rejected_and_has_no_point(world: World) -> None:
    picture = an_image(7, (600, 400))
    [first] = await ready(world, await a_user(world), [encoded(picture, "PNG")])
    await write(world, "INSERT INTO block_phash (phash) SELECT phash FROM assets WHERE id = %s", first)
    smaller = encoded(picture.resize((450, 300)), "JPEG", quality=80)
    assert await verdict(world, smaller) == "rejected"
    assert await world.ports.vectors.ids() == {first}


async def found_by(world: World, desk: Desk, hers: AssetId, his: AssetId) -> set[str]:
    """The ways by which somebody comes upon her asset, knowing of it or not."""
    found: dict[str, Page | Hits | SimilarOut] = {
        "list": await assets.page(world, desk, ListAssets()),
        "list of hers": await assets.page(world, desk, ListAssets(owner=await owner_of(world, hers))),
        "search": await search.search(world, desk, Search(texts=[Words(q="harbour")])),
        "similar": await search.similar(world, desk, his, 10),
    }
    ways = {way for way, page in found.items() if any(item.id == hers for item in page.items)}
    knowing: dict[str, Awaitable[object]] = {
        "its id": assets.one(world, desk, hers),
        "as an example": search.search(world, desk, Search(images=[Example(asset_id=hers)])),
        "what is similar": search.similar(world, desk, hers, 10),
    }
    for way, asked in knowing.items():
        with suppress(NotFound):
            await asked
            ways.add(way)
    return ways


async def owner_of(world: World, asset: AssetId) -> str:
    return str((await row(world, asset))["owner"])


@pytest.mark.promises("S39")
@pytest.mark.parametrize("hidden", ["pending", "restricted", "rejected"])
async def test_what_is_not_approved_is_seen_by_its_owner_alone(world: World, hidden: str) -> None:
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    [hers] = await ready(world, ann, [a_jpeg(1)], ["harbour.jpg"])
    [his] = await ready(world, bob, [a_jpeg(2)], ["hut.jpg"])
    async with running(world):
        await assets.change(world, a_desk(ann), hers, ChangeAsset(visibility="public"), 1)
        await quiet(world)
        assert len(await found_by(world, a_desk(bob), hers, his)) == 7
        async with world.database.transaction() as tx:
            await tx.execute("UPDATE assets SET moderation = %s WHERE id = %s", [hidden, hers])
            await upkeep.changed(tx, hers)
        # At once, before the index has heard of it, and afterwards.
        assert await found_by(world, a_desk(bob), hers, his) == set()
        await quiet(world)
        assert await found_by(world, a_desk(bob), hers, his) == set()
    assert (await assets.one(world, a_desk(ann), hers))[0].moderation == hidden
