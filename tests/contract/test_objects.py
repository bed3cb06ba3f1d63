"""What every object store promises, whichever technology is behind the port."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials
from functions.core.errors import Invalid, NotFound
from functions.core.ids import AssetId, uuid7
from functions.core.ports import Objects, StoredObject


@pytest.fixture
def folder_objects(tmp_path: Path) -> Objects:
    return FolderObjects(tmp_path / "store", Credentials("signer", "secret"), "http://localhost/store/miraveja")


@pytest.fixture(params=["folder_objects"])
def objects(request: pytest.FixtureRequest) -> Objects:
    store: Objects = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def asset() -> AssetId:
    return AssetId(uuid7())


async def keys(found: AsyncIterator[StoredObject]) -> list[str]:
    return [one.key async for one in found]


async def test_what_was_written_is_read(objects: Objects, asset: AssetId) -> None:
    await objects.write(f"incoming/{asset}", b"\x00picture\xff", "image/png")
    assert await objects.read(f"incoming/{asset}") == b"\x00picture\xff"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 300_001])
async def test_any_size_comes_back_in_pieces_of_the_size_asked_for(objects: Objects, asset: AssetId, size: int) -> None:
    data = (b"0123456789" * (size // 10 + 1))[:size]
    await objects.write(f"originals/{asset}/1", data, "image/jpeg")
    pieces = [piece async for piece in objects.chunks(f"originals/{asset}/1", 100_000)]
    assert b"".join(pieces) == data
    assert all(len(piece) <= 100_000 for piece in pieces)
    assert await objects.read(f"originals/{asset}/1") == data


async def test_stat_says_size_type_and_time(objects: Objects, asset: AssetId) -> None:
    key = f"derived/{asset}/1/256.webp"
    await objects.write(key, b"12345", "image/webp")
    found = await objects.stat(key)
    assert (found.key, found.size, found.content_type) == (key, 5, "image/webp")
    assert abs(datetime.now(UTC) - found.modified) < timedelta(minutes=1)


async def test_a_missing_key_is_not_found_by_name(objects: Objects, asset: AssetId) -> None:
    key, other = f"originals/{asset}/1", f"originals/{asset}/2"
    for reading in (objects.read(key), objects.stat(key), objects.copy(key, other), anext(objects.chunks(key))):
        with pytest.raises(NotFound) as caught:
            await reading
        assert caught.value.facts == {"key": key}
    assert await keys(objects.list(f"originals/{asset}/")) == []


async def test_a_second_write_replaces_bytes_and_type(objects: Objects, asset: AssetId) -> None:
    key = f"incoming/{asset}"
    await objects.write(key, b"a longer first one", "image/png")
    await objects.write(key, b"second", "image/jpeg")
    assert (await objects.read(key), (await objects.stat(key)).content_type) == (b"second", "image/jpeg")


async def test_a_reader_keeps_the_object_it_began_with(objects: Objects, asset: AssetId) -> None:
    key = f"originals/{asset}/1"
    await objects.write(key, b"a" * 1_000_000, "image/png")
    pieces = objects.chunks(key, 1000)
    read = [await anext(pieces)]
    await objects.write(key, b"b" * 1_000_000, "image/png")
    read += [piece async for piece in pieces]
    assert b"".join(read) == b"a" * 1_000_000


async def test_a_copy_has_bytes_and_type_and_outlives_its_source(objects: Objects, asset: AssetId) -> None:
    source, target = f"incoming/{asset}", f"originals/{asset}/1"
    await objects.write(source, b"picture", "image/gif")
    await objects.copy(source, target)
    await objects.copy(source, target)
    await objects.write(source, b"something else", "image/png")
    await objects.delete(source)
    assert (await objects.read(target), (await objects.stat(target)).content_type) == (b"picture", "image/gif")


async def test_a_copy_is_as_young_as_the_copying(objects: Objects, asset: AssetId) -> None:
    source, target = f"incoming/{asset}", f"originals/{asset}/1"
    await objects.write(source, b"picture", "image/gif")
    before = (await objects.stat(source)).modified
    await objects.copy(source, target)
    assert (await objects.stat(target)).modified >= before


async def test_deleting_twice_is_fine(objects: Objects, asset: AssetId) -> None:
    key = f"incoming/{asset}"
    await objects.write(key, b"picture", "image/png")
    await objects.delete(key)
    await objects.delete(key)
    with pytest.raises(NotFound):
        await objects.read(key)


async def test_a_list_is_in_the_order_of_keys(objects: Objects) -> None:
    assets = [UUID(int=number << 76) for number in (1, 2, 3, 1 << 20, 1 << 30, 5 << 40)]
    written = [f"derived/{asset}/{generation}/{name}" for asset in assets for generation in (1, 2, 10)
               for name in ("256.webp", "1600.jpg")]  # fmt: skip
    written += [
        f"incoming/{name}" for name in ("a", "a-b", "a.b", "ab", "abcdefgh-", "abcdefg", "abcdef/z", "abcdef-z", "Z")
    ]
    for key in reversed(written):
        await objects.write(key, b"x", "image/webp")
    assert await keys(objects.list("")) == sorted(written)
    exact = (f"derived/{assets[3]}/", f"derived/{assets[0]}/1")
    for prefix in (*exact, "derived/", "incoming/a", "incoming/abcdef", "der", "x", "derived/0/"):
        assert await keys(objects.list(prefix)) == sorted(key for key in written if key.startswith(prefix))


async def test_a_list_can_be_left_and_objects_may_go_while_it_runs(objects: Objects) -> None:
    written = sorted(f"incoming/{uuid7()}" for _ in range(20))
    for key in written:
        await objects.write(key, b"x", "image/png")
    seen = [one.key async for one in _deleting(objects, objects.list("incoming/"))]
    assert seen == written
    assert await keys(objects.list("")) == []


async def _deleting(objects: Objects, found: AsyncIterator[StoredObject]) -> AsyncIterator[StoredObject]:
    async for one in found:
        await objects.delete(one.key)
        yield one


async def test_a_hundred_writers_of_one_key_leave_one_whole_object(objects: Objects, asset: AssetId) -> None:
    key = f"originals/{asset}/1"
    versions = [bytes([number]) * 10_000 for number in range(100)]
    await asyncio.gather(*(objects.write(key, data, f"image/x-{data[0]}") for data in versions))
    data = await objects.read(key)
    assert data in versions
    assert await objects.stat(key) == StoredObject(
        key, 10_000, f"image/x-{data[0]}", (await objects.stat(key)).modified
    )


async def test_writers_and_deleters_of_neighbours_do_not_disturb_each_other(objects: Objects) -> None:
    async def come_and_go(name: str) -> None:
        for _ in range(10):
            await objects.write(f"incoming/{name}", name.encode(), "image/png")
            assert await objects.read(f"incoming/{name}") == name.encode()
            await objects.delete(f"incoming/{name}")

    await asyncio.gather(*(come_and_go(f"0193a5c7-{number}") for number in range(10)))
    assert await keys(objects.list("")) == []


@pytest.mark.promises("S27")
@pytest.mark.parametrize(
    "key",
    ["", "/", "incoming", "incoming/", "/incoming/a", "incoming//a", "incoming/../originals/a", "incoming/..", "incoming/./a",
     "incoming/%2e%2e/a", "../incoming/a", "incoming/a\0b", "incoming/a\n", "incoming/é", "incoming/e\u0301", "incoming/a b",
     "incoming/.hidden", "temp/a", "other/a", "incoming/" + "a" * 2000, "incoming\\a", "incoming/a,b", "incoming/a=",
     "C:/incoming/a"],
)  # fmt: skip
async def test_what_is_no_key_is_refused_by_name(objects: Objects, key: str) -> None:
    for call in (
        objects.read(key), objects.stat(key), objects.delete(key), objects.write(key, b"x", "image/png"),
        objects.copy(key, "incoming/a"), objects.copy("incoming/a", key), anext(objects.chunks(key)),
    ):  # fmt: skip
        with pytest.raises(Invalid):
            await call


@pytest.mark.promises("S23")
async def test_a_presigned_form_names_the_key_and_ends_in_ten_minutes(objects: Objects, asset: AssetId) -> None:
    form = await objects.presign_post(asset, "image/png", 7, hashlib.sha256(b"picture").digest())
    assert form.fields["key"] == f"incoming/{asset}"
    assert timedelta(minutes=9) < form.expires_at - datetime.now(UTC) <= timedelta(minutes=10)


async def test_a_healthy_store_says_so(objects: Objects) -> None:
    await objects.check()
