"""What only the folder promises: privacy on disk, nothing in part after a kill, nothing left behind."""

import asyncio
import contextlib
import hashlib
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.core.adapters.object_files import ObjectFiles
from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials
from functions.core.errors import Invalid, MiraVejaError, NotFound, Unavailable

KEY = "originals/0193a5c7-0000-7000-8000-000000000000/1"
ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from functions.core.adapters.object_files import ObjectFiles
files, key, versions = ObjectFiles(Path(sys.argv[1])), sys.argv[2], [b"a" * 3_000_000, b"b" * 5_000_000]
while True:
    for data in versions:
        files.put(key, data, f"image/x-{chr(data[0])}")
        print("written", flush=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def objects(root: Path) -> FolderObjects:
    return FolderObjects(root, Credentials("signer", "secret"), "http://localhost/store/miraveja")


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The operating system's own refusal, as a full disk would give it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def modes_below(root: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in (root, *root.rglob("*"))}


def leftovers(root: Path) -> list[Path]:
    return list((root / "temp").iterdir())


@pytest.mark.promises("S64")
async def test_nobody_else_on_the_machine_can_read_an_object(objects: FolderObjects, root: Path) -> None:
    await objects.write(KEY, b"picture", "image/png")
    async with objects.receive("incoming/a", "image/png") as sink:
        await sink.write(b"x" * 300_000)
        assert modes_below(root) == {(True, 0o700), (False, 0o600)}


@pytest.mark.promises("R14")
async def test_a_kill_while_writing_leaves_the_old_object_or_the_new_one(objects: FolderObjects, root: Path) -> None:
    whole = {"image/x-a": b"a" * 3_000_000, "image/x-b": b"b" * 5_000_000}
    for _ in range(4):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(root), KEY, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert child.stdout is not None
        await child.stdout.readline()
        await asyncio.sleep(random.uniform(0, 0.03))
        child.kill()
        await child.communicate()
        data = await objects.read(KEY)
        assert data == whole[(await objects.stat(KEY)).content_type]
        assert await objects.sha256(KEY) == hashlib.sha256(data).digest()
        assert [one.key async for one in objects.list("")] == [KEY]


async def test_what_a_crash_left_behind_is_swept_once_it_is_old(objects: FolderObjects, root: Path) -> None:
    (root / "temp" / "left").write_bytes(b"half a pict")
    assert await objects.sweep_temp(3600) == 0
    assert await objects.sweep_temp(-1) == 1
    assert leftovers(root) == []


async def test_pieces_become_an_object_only_at_the_end(objects: FolderObjects, root: Path) -> None:
    data = os.urandom(1_000_003)
    async with objects.receive(KEY, "image/png") as sink:
        for start in range(0, len(data), 65_536):
            await sink.write(data[start : start + 65_536])
        assert (sink.size, await sink.digest()) == (len(data), hashlib.sha256(data).digest())
        with pytest.raises(NotFound):
            await objects.read(KEY)
    assert (await objects.read(KEY), leftovers(root)) == (data, [])


async def test_pieces_that_are_given_up_leave_nothing(objects: FolderObjects, root: Path) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with objects.receive(KEY, "image/png") as sink:
            await sink.write(b"x" * 1_000_000)
            raise ZeroDivisionError
    with pytest.raises(NotFound):
        await objects.read(KEY)
    assert leftovers(root) == []


async def test_a_cancelled_upload_leaves_nothing(objects: FolderObjects, root: Path) -> None:
    begun = asyncio.Event()

    async def upload() -> None:
        async with objects.receive(KEY, "image/png") as sink:
            while True:
                await sink.write(b"x" * 300_000)
                begun.set()

    task = asyncio.create_task(upload())
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert leftovers(root) == []


@pytest.mark.promises("R15")
async def test_a_full_disk_is_said_and_spoils_nothing(objects: FolderObjects, root: Path) -> None:
    await objects.write(KEY, b"the old object", "image/png")
    with files_no_larger_than(65_536):
        with pytest.raises(Unavailable) as caught:
            await objects.write(KEY, b"x" * 100_000, "image/png")
        with pytest.raises(Unavailable):
            async with objects.receive(KEY, "image/png") as sink:
                await sink.write(b"x" * 300_000)
    assert caught.value.facts == {"part": "objects", "why": "disk full"}
    assert (await objects.read(KEY), leftovers(root)) == (b"the old object", [])
    await objects.write(KEY, b"x" * 100_000, "image/png")
    assert await objects.read(KEY) == b"x" * 100_000


async def test_a_store_that_cannot_write_is_not_healthy(objects: FolderObjects, root: Path) -> None:
    (root / "temp").rmdir()
    with pytest.raises(Unavailable):
        await objects.check()
    with pytest.raises(Unavailable):
        await objects.write(KEY, b"x", "image/png")


async def test_empty_folders_go_with_their_last_object(objects: FolderObjects, root: Path) -> None:
    await objects.write(KEY, b"x", "image/png")
    await objects.write(f"{KEY}0", b"x", "image/png")
    await objects.delete(KEY)
    assert await objects.read(f"{KEY}0") == b"x"
    await objects.delete(f"{KEY}0")
    assert list((root / "objects" / "originals").iterdir()) == []


async def test_a_copy_moves_no_bytes_where_the_file_system_can(objects: FolderObjects, root: Path) -> None:
    await objects.write("incoming/a", b"x" * 1_000_000, "image/png")
    with files_no_larger_than(1000):
        await objects.copy("incoming/a", KEY)
    assert await objects.read(KEY) == b"x" * 1_000_000


async def test_a_copy_works_where_a_file_may_have_no_second_name(objects: FolderObjects, root: Path) -> None:
    await objects.write("incoming/a", b"x" * 3_000_000, "image/png")
    ObjectFiles(root).copy_bytes("incoming/a", KEY)
    assert (await objects.read(KEY), (await objects.stat(KEY)).content_type) == (b"x" * 3_000_000, "image/png")
    assert leftovers(root) == []


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 500])
async def test_a_file_that_was_damaged_is_never_served(objects: FolderObjects, root: Path, damage: bytes) -> None:
    await objects.write(KEY, b"picture", "image/png")
    await objects.write("originals/b", b"picture", "image/png")
    ObjectFiles(root).path(KEY).write_bytes(damage)
    with pytest.raises(MiraVejaError, match="damaged"):
        await objects.read(KEY)
    assert [one.key async for one in objects.list("")] == ["originals/b"]


async def test_strangers_in_the_folder_are_not_objects(objects: FolderObjects, root: Path) -> None:
    await objects.write("incoming/abcdefgh-1", b"picture", "image/png")
    inner = ObjectFiles(root).path("incoming/abcdefgh-1").parent
    for stray in (
        inner / ".DS_Store",
        inner / "picture.png",
        inner / "a b=",
        inner.parent / "note",
        root / "objects" / "x",
    ):
        stray.write_bytes(b"x" * 200)
    assert [one.key async for one in objects.list("")] == ["incoming/abcdefgh-1"]


@pytest.mark.parametrize("content_type", ["", "image/png\r\nx: y", "image/\u00e9", "x" * 81])
async def test_a_type_that_no_header_could_carry_is_refused(objects: FolderObjects, content_type: str) -> None:
    with pytest.raises(Invalid):
        await objects.write(KEY, b"x", content_type)


async def test_the_loop_goes_on_while_bytes_are_written(objects: FolderObjects) -> None:
    longest, last = 0.0, time.perf_counter()
    writing = asyncio.create_task(objects.write(KEY, os.urandom(30_000_000), "image/png"))
    while not writing.done():
        await asyncio.sleep(0)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    await writing
    assert longest < 0.5


async def test_one_key_may_begin_like_another(objects: FolderObjects) -> None:
    written = ["incoming/a", "incoming/a-b", "incoming/a/b", "incoming/a/b/c"]
    for key in written:
        await objects.write(key, key.encode(), "image/png")
    assert [(one.key, await objects.read(one.key)) async for one in objects.list("")] == [
        (k, k.encode()) for k in written
    ]
