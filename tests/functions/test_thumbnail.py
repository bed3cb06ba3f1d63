"""thumbnail: three renditions, colours and metadata from one decode; what cannot be decoded is rejected."""

import pytest
from PIL.PngImagePlugin import PngInfo

from events.types import AssetPreviewed, AssetUploaded
from functions.core.ids import AssetId
from functions.core.model import original_key
from functions.core.runtime.answer import Answer
from functions.core.runtime.run import World
from functions.search import handler as search
from functions.search.contract import Search, Words
from tests.support.images import a_jpeg, a_plain, a_png, an_image, encoded, opened
from tests.support.runs import arrived, keys, outbox, read, ready, row, said_of, through
from tests.support.worlds import a_desk, a_user, an_upload


async def taken_in(world: World, data: bytes) -> tuple[AssetId, Answer]:
    """An asset whose bytes went through ingest and thumbnail, and thumbnail's answer."""
    asset = await an_upload(world, await a_user(world), data)
    await arrived(world, asset)
    return asset, await through(world, "thumbnail", await said_of(world, AssetUploaded, asset))


async def test_three_renditions_by_longest_side_are_made_from_one_original(world: World) -> None:
    asset, answer = await taken_in(world, a_jpeg(1, (2000, 1000)))
    assert answer.reply is not None
    assert isinstance(answer.reply.fact, AssetPreviewed)
    made = await read(world, "SELECT * FROM renditions WHERE asset_id = %s ORDER BY variant::int", asset)
    assert [(each["variant"], each["width"], each["height"], each["content_type"]) for each in made] == [
        ("256", 256, 128, "image/webp"), ("720", 720, 360, "image/webp"), ("1600", 1600, 800, "image/jpeg"),
    ]  # fmt: skip
    for each in made:
        extension = {"image/webp": "webp", "image/jpeg": "jpg"}[each["content_type"]]
        data = await world.ports.objects.read(f"derived/{asset}/1/{each['variant']}.{extension}")
        assert (opened(data).size, len(data)) == ((each["width"], each["height"]), each["size"])
    now = await row(world, asset)
    assert (now["width"], now["height"], now["state"]) == (2000, 1000, "uploaded")
    assert now["phash"] is not None
    assert now["thumbhash"]


async def test_colours_are_read_from_the_picture(world: World) -> None:
    asset, _ = await taken_in(world, encoded(a_plain("#d01010"), "PNG"))
    now = await row(world, asset)
    assert now["color_names"][0] == "red"
    assert now["colors"][0].startswith("#")


async def test_the_words_of_a_prompt_find_the_picture(world: World) -> None:
    info = PngInfo()
    info.add_text("parameters", "a lighthouse \x00in fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42")
    owner = await a_user(world)
    asset, _other = await ready(world, owner, [encoded(an_image(3), "PNG", pnginfo=info), a_png(4)])
    ai = (await read(world, "SELECT ai FROM metadata WHERE asset_id = %s", asset))[0]["ai"]
    assert ai["seed"] == 42
    found = await search.search(world, a_desk(owner), Search(texts=[Words(q="lighthouse")]))
    assert (found.items[0].id, "words" in found.items[0].why) == (asset, True)


@pytest.mark.parametrize("cut", [60, 3000])
async def test_a_broken_image_is_rejected_not_retried(world: World, cut: int) -> None:
    asset, answer = await taken_in(world, a_png(1)[:cut])
    now = await row(world, asset)
    assert (answer.status, now["state"], now["reason"]) == (204, "rejected", "unreadable_image")
    assert [topic for topic, _ in await outbox(world)] == ["assets.processed"]
    assert await keys(world, asset) == {original_key(asset, 1)}


async def test_working_twice_gives_the_same_objects_under_the_same_names(world: World) -> None:
    asset, answer = await taken_in(world, a_jpeg(5))
    before = {key: await world.ports.objects.read(key) for key in await keys(world, asset)}
    async with world.database.transaction() as tx:
        await tx.execute("UPDATE assets SET run = run + 1 WHERE id = %s", [asset])
    again = await through(world, "thumbnail", await said_of(world, AssetUploaded, asset))
    assert again.status == 200
    assert again.reply != answer.reply
    assert {key: await world.ports.objects.read(key) for key in await keys(world, asset)} == before
