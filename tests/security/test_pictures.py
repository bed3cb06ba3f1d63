"""Strangers' pictures: bombs end by name, children are confined and mortal, nothing personal gets through."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from functions.core.errors import DecodeLimit, Rejected, TooManyPixels, Unavailable, UnreadableImage
from functions.core.pictures import answers
from functions.core.pictures.frames import BadFrame, blob_sizes, head_size, parse_head
from functions.core.pictures.limits import Limits
from functions.core.pictures.pictures import LimitedPictures
from functions.core.ports import Preview
from tests.support.bombs import BOMBS, POLYGLOTS, a_png_of_zeros, cut
from tests.support.images import FORMATS, a_jpeg, a_plain, a_png, encoded, opened
from tests.support.revealing import MARK, a_revealing

Builder = Callable[..., bytes]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits of the Linux kernel")
HEAVY = a_png_of_zeros(5_000, 5_000, 8, 6)
HEAVIEST = a_png_of_zeros(7_000, 7_000, 8, 6)
"""A few hundred kB that take one second, and several."""
MOST_RSS = 700 << 20


@pytest.fixture(scope="module")
async def pictures() -> AsyncIterator[LimitedPictures]:
    limited = LimitedPictures()
    await limited.preview(a_jpeg(), "image/jpeg")
    yield limited
    await limited.close()


async def outcome(pictures: LimitedPictures, data: bytes, content_type: str) -> Preview | Rejected:
    try:
        return await pictures.preview(data, content_type)
    except Rejected as error:
        return error


async def is_well(pictures: LimitedPictures) -> bool:
    return (await pictures.preview(a_png(size=(20, 10)), "image/png")).width == 20


def parent_of(pictures: LimitedPictures) -> psutil.Process:
    pid = pictures.parent_pid
    assert pid is not None
    return psutil.Process(pid)


async def begun(
    pictures: LimitedPictures, data: bytes, content_type: str
) -> tuple[asyncio.Task[Preview], psutil.Process]:
    """The task that waits for one image and the child that works on it."""

    def children() -> list[psutil.Process]:
        return parent_of(pictures).children() if pictures.parent_pid else []

    async with asyncio.timeout(10):
        while children():  # noqa: ASYNC110 - the last image's child is on its way out
            await asyncio.sleep(0.005)
        working = asyncio.create_task(pictures.preview(data, content_type))
        while not (now := children()):  # noqa: ASYNC110 - nor is its start ours to be told
            await asyncio.sleep(0.005)
    return working, now[0]


async def ends(process: psutil.Process) -> bool:
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - not ours to await
            await asyncio.sleep(0.01)
    return True


async def peak_rss(pictures: LimitedPictures) -> int:
    """Until cancelled, the most that any child was seen to hold."""
    most = 0
    try:
        while True:
            for child in parent_of(pictures).children():
                try:
                    most = max(most, child.memory_info().rss)
                except psutil.Error:
                    continue
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        return most


@pytest.mark.promises("S34")
@pytest.mark.parametrize("name", BOMBS)
async def test_every_bomb_ends_as_a_preview_or_a_named_rejection(pictures: LimitedPictures, name: str) -> None:
    content_type, build = BOMBS[name]
    data, parent = build(), pictures.parent_pid
    watch = asyncio.create_task(peak_rss(pictures))
    start = time.monotonic()
    assert await outcome(pictures, data, content_type)
    assert time.monotonic() - start < 15
    await asyncio.sleep(0)
    watch.cancel()
    assert await watch < MOST_RSS
    assert await is_well(pictures)
    assert pictures.parent_pid == parent


@pytest.mark.promises("S34")
@pytest.mark.parametrize(("content_type", "build"), FORMATS.items(), ids=FORMATS)
async def test_a_file_cut_at_any_sixteenth_ends_by_name(
    pictures: LimitedPictures, content_type: str, build: Builder
) -> None:
    found = [await outcome(pictures, data, content_type) for data in cut(build(size=(160, 120)))]
    assert len(found) == 15
    assert any(isinstance(end, Rejected) for end in found)
    assert await is_well(pictures)


@pytest.mark.promises("S32", "S34")
async def test_bombs_are_refused_for_what_they_are(pictures: LimitedPictures) -> None:
    async def end(name: str) -> type:
        content_type, build = BOMBS[name]
        return type(await outcome(pictures, build(), content_type))

    assert await end("a png of 30,000 x 30,000 bits") is TooManyPixels
    assert await end("a png that is only a header of 100k x 100k") is TooManyPixels
    assert await end("a webp of 9,000 x 9,000") is TooManyPixels
    assert await end("an avif of 8,192 x 8,192") is TooManyPixels
    assert await end("a heic of 8,192 x 8,192") is TooManyPixels
    assert await end("a webp of 49 megapixels") is DecodeLimit
    assert await end("a jpeg of 2,010 scans") is DecodeLimit
    assert await end("a jpeg of 60 scans") is Preview


@pytest.mark.promises("S32")
async def test_pillow_is_set_up_for_strangers_in_the_children_only(pictures: LimitedPictures) -> None:
    before = Image.MAX_IMAGE_PIXELS
    await is_well(pictures)
    assert before == Image.MAX_IMAGE_PIXELS


# What runs in a child is confined.

PROBE = """
import json, os, signal, socket, sys
from functions.core.pictures.limits import Limits
from functions.core.pictures.sandbox import confine, settle
settle()
confine(Limits(), os.getppid(), threads=sys.argv[1] == "threads")

def refused(act):
    try:
        act()
    except (OSError, PermissionError):
        return True
    return False

def fork():
    if os.fork() == 0:
        os._exit(0)

found = {
    "read a file": refused(lambda: os.open("/etc/hostname", os.O_RDONLY)),
    "write a file": refused(lambda: os.open("mark", os.O_WRONLY | os.O_CREAT)),
    "list a folder": refused(lambda: os.listdir("/")),
    "open a socket": refused(lambda: socket.socket()),
    "open a local socket": refused(lambda: socket.socket(socket.AF_UNIX)),
    "start a process": refused(fork),
    "run a program": refused(lambda: os.execv("/bin/true", ["true"])),
    "make a pipe": refused(os.pipe),
    "signal its owner": refused(lambda: os.kill(os.getppid(), 0)),
    "be root": os.getuid() != 0,
}
try:
    bytearray(2 << 30)
except MemoryError:
    found["take 2 GiB"] = True
os.write(1, json.dumps(found).encode())
"""


@LINUX
@pytest.mark.promises("S33")
@pytest.mark.parametrize("threads", ["threads", "plain"])
def test_a_child_may_compute_and_answer_and_nothing_else(threads: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROBE, threads],
        capture_output=True,
        check=False,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found = json.loads(run.stdout)
    assert all(found.values()), found
    assert len(found) == 11


IMPORTS = """
import sys
from functions.core.errors import Rejected
from functions.core.pictures import parent, work
from functions.core.pictures.decode import prepare
from functions.core.pictures.limits import Limits
prepare(50_000_000)
parent.warm_up()
warm = set(sys.modules)
from tests.support.bombs import ODD, cut
from tests.support.revealing import a_revealing
from tests.support.images import FORMATS
files = [(kind, build()) for kind, build in ODD.values()]
files += [(kind, a_revealing(kind)) for kind in FORMATS]
files += [(kind, part) for kind, build in FORMATS.items() for part in cut(build(size=(64, 48)))[5::4]]
helped = set(sys.modules)
for kind, data in files:
    try:
        work.preview(data, kind, Limits())
    except Rejected:
        pass
print(sorted((set(sys.modules) - helped) | {name for name in helped - warm if name.startswith("PIL.")}))
print(sorted(name for name in warm if name.split(".")[0] in {"events", "gateway", "pydantic", "psycopg", "asyncio", "ssl"}))
"""


@pytest.mark.promises("S33")
def test_the_parent_imports_all_that_decoding_needs_and_nothing_of_the_gallery() -> None:
    """A child can open no file: what is imported late is missing there."""
    run = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, check=True, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert run.stdout.decode().splitlines() == ["[]", "[]"]


@LINUX
@pytest.mark.promises("S33")
async def test_the_parent_has_none_of_our_secrets_and_no_network(
    pictures: LimitedPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRAVEJA_SECRET", "hush")
    other = LimitedPictures()
    try:
        await is_well(other)
        parent = parent_of(other)
        # A process without the right to be looked at shows nobody but root its surroundings.
        if os.geteuid() == 0:
            assert "MIRAVEJA_SECRET" not in parent.environ()
            assert Path(f"/proc/{parent.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()  # noqa: ASYNC240
            assert {mapped.path for mapped in parent.memory_maps() if "pydantic" in mapped.path} == set()
    finally:
        await other.close()


@LINUX
@pytest.mark.promises("S33")
async def test_a_child_that_burns_its_seconds_is_killed() -> None:
    pictures = LimitedPictures(limits=Limits(cpu_s=1))
    try:
        with pytest.raises(DecodeLimit):
            await pictures.preview(HEAVIEST, "image/png")
        assert await is_well(pictures)
    finally:
        await pictures.close()


@pytest.mark.promises("S33")
async def test_a_child_that_sleeps_is_killed_by_the_clock() -> None:
    pictures = LimitedPictures(limits=Limits(wall_s=3.0))
    try:
        working, child = await begun(pictures, HEAVY, "image/png")
        child.suspend()
        with pytest.raises(DecodeLimit):
            await working
        assert await is_well(pictures)
    finally:
        await pictures.close()


@LINUX
@pytest.mark.promises("S33")
async def test_a_child_that_wants_more_memory_is_refused() -> None:
    pictures = LimitedPictures(limits=Limits(memory_bytes=320 << 20))
    try:
        with pytest.raises(DecodeLimit):
            await pictures.preview(HEAVY, "image/png")
        assert await is_well(pictures)
    finally:
        await pictures.close()


@pytest.mark.promises("S33")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
async def test_a_killed_child_is_a_decode_limit_and_the_next_image_is_fine(
    pictures: LimitedPictures, name: str
) -> None:
    parent = pictures.parent_pid
    working, child = await begun(pictures, HEAVY, "image/png")
    child.send_signal(signal.Signals[name])
    with pytest.raises(DecodeLimit):
        await working
    assert await is_well(pictures)
    assert pictures.parent_pid == parent


@pytest.mark.promises("S33")
async def test_a_killed_parent_is_started_again_and_its_image_is_decoded_anew(pictures: LimitedPictures) -> None:
    working, _ = await begun(pictures, HEAVY, "image/png")
    parent = parent_of(pictures)
    parent.kill()
    assert (await working).width == 5000
    assert pictures.parent_pid != parent.pid


@pytest.mark.promises("S33")
async def test_all_images_under_a_killed_parent_are_decoded_anew(pictures: LimitedPictures) -> None:
    working, _ = await begun(pictures, HEAVY, "image/png")
    beside = asyncio.create_task(pictures.preview(HEAVY, "image/png"))
    async with asyncio.timeout(10):
        while len(parent_of(pictures).children()) < 2:  # noqa: ASYNC110 - children are not ours to await
            await asyncio.sleep(0.005)
    parent_of(pictures).kill()
    assert [preview.width for preview in await asyncio.gather(working, beside)] == [5000, 5000]


async def test_a_parent_killed_between_images_is_started_again(pictures: LimitedPictures) -> None:
    await is_well(pictures)
    parent = parent_of(pictures)
    parent.kill()
    assert await is_well(pictures)
    assert pictures.parent_pid != parent.pid


@LINUX
@pytest.mark.promises("S33")
async def test_a_stopped_parent_is_replaced() -> None:
    pictures = LimitedPictures(limits=Limits(wall_s=1.0))
    try:
        await is_well(pictures)
        stopped = parent_of(pictures)
        stopped.suspend()
        with pytest.raises(DecodeLimit):
            await pictures.preview(a_png(), "image/png")
        assert await is_well(pictures)
        assert await ends(stopped)
    finally:
        await pictures.close()


async def test_giving_up_on_an_image_ends_its_child(pictures: LimitedPictures) -> None:
    working, child = await begun(pictures, HEAVY, "image/png")
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await ends(child)
    assert await is_well(pictures)


async def test_closing_ends_everything() -> None:
    pictures = LimitedPictures()
    working, child = await begun(pictures, HEAVY, "image/png")
    parent = parent_of(pictures)
    await pictures.close()
    with pytest.raises(Unavailable):
        await working
    assert await ends(child)
    assert not parent.is_running()


OWNER = """
import asyncio, sys
from functions.core.pictures.pictures import LimitedPictures

async def main():
    pictures = LimitedPictures()
    working = asyncio.create_task(pictures.preview(sys.stdin.buffer.read(), "image/png"))
    await asyncio.sleep(0)
    while pictures.parent_pid is None:
        await asyncio.sleep(0)
    print(pictures.parent_pid, flush=True)
    await working

asyncio.run(main())
"""


async def test_nothing_survives_the_death_of_its_owner() -> None:
    owner = subprocess.Popen(  # noqa: ASYNC220 - its death is the test
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert owner.stdin is not None
    assert owner.stdout is not None
    with owner, owner.stdin, owner.stdout:
        owner.stdin.write(HEAVY)
        owner.stdin.close()
        parent = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
        assert await ends(parent)


# What a child says is not believed.

GOOD_JPEG, GOOD_WEBP = a_jpeg(size=(16, 16)), encoded(a_plain("red", (16, 16)), "WEBP")


def an_answer(**changes: object) -> dict[str, object]:
    return {
        "width": 16, "height": 16, "thumbhash": "00" * 21, "colors": ["#ff0000"], "phash": 1, "exif": {}, "ai": {},
        "renditions": [["1600", 16, 16, "image/jpeg"], ["720", 16, 16, "image/webp"], ["256", 16, 16, "image/webp"]],
    } | changes  # fmt: skip


def believed(**changes: object) -> Preview:
    return answers.preview(an_answer(**changes), [GOOD_JPEG, GOOD_WEBP, GOOD_WEBP])


@pytest.mark.promises("S33")
@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0}, {"width": "16"}, {"width": True}, {"height": 1 << 40}, {"phash": -1}, {"phash": 1 << 64},
        {"colors": ["red"]}, {"colors": ["#ff0000"] * 6}, {"colors": None}, {"thumbhash": "zz"}, {"thumbhash": "00" * 99},
        {"exif": []}, {"ai": None}, {"renditions": []}, {"renditions": [["1600", 16, 16, "image/jpeg"]] * 3},
        {"renditions": [["../x", 16, 16, "image/jpeg"], ["720", 16, 16, "image/webp"], ["256", 16, 16, "image/webp"]]},
        {"renditions": [["1600", 16, 16, "text/html"], ["720", 16, 16, "image/webp"], ["256", 16, 16, "image/webp"]]},
        {"renditions": [["1600", 16, 16, "image/webp"], ["720", 16, 16, "image/webp"], ["256", 16, 16, "image/webp"]]},
        {"renditions": [["1600", 9999, 16, "image/jpeg"], ["720", 16, 16, "image/webp"], ["256", 16, 16, "image/webp"]]},
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_that_we_would_not_have_written_is_refused(changes: dict[str, object]) -> None:
    assert believed().width == 16
    with pytest.raises(BadFrame):
        believed(**changes)


@pytest.mark.promises("S33", "S37")
def test_facts_from_a_child_are_cleaned_again() -> None:
    preview = believed(exif={"camera": "x\u202ey\x00", "evil": "z"}, ai={"prompt": "p" * 99_999, "seed": "1"})
    assert preview.exif == {"camera": "xy"}
    assert (len(str(preview.ai["prompt"])), preview.ai["seed"]) == (10_000, 1)


@pytest.mark.promises("S33")
def test_frames_are_bounded_before_they_are_read() -> None:
    for act in (
        lambda: head_size(b"\xff\xff\xff\xff"),
        lambda: head_size(b"\0\0\0\0"),
        lambda: parse_head(b"[" * 100_000),
        lambda: parse_head(b"[]"),
        lambda: parse_head(b"\xff"),
        lambda: blob_sizes({"sizes": [1 << 40]}),
        lambda: blob_sizes({"sizes": [-1]}),
        lambda: blob_sizes({"sizes": [True]}),
        lambda: blob_sizes({"sizes": [0] * 4}),
        lambda: blob_sizes({}),
    ):
        with pytest.raises(BadFrame):
            act()


# What people did not mean to publish stays in the original.


def words_in(data: bytes) -> list[str]:
    lower = data.lower()
    traces = (
        MARK.encode(),
        MARK.encode("utf-16-be"),
        MARK.encode("utf-16-le"),
        b"exif",
        b"adobe",
        b"iccp",
        b"icc_profile",
    )
    return [trace.decode("latin-1") for trace in traces if trace.lower() in lower]


@pytest.mark.promises("S35")
@pytest.mark.parametrize("content_type", FORMATS)
async def test_renditions_say_nothing_that_the_original_said(pictures: LimitedPictures, content_type: str) -> None:
    original = a_revealing(content_type)
    assert MARK.encode() in original
    preview = await pictures.preview(original, content_type)
    for data in [*(rendition.data for rendition in preview.renditions), await pictures.query(original)]:
        assert words_in(data) == []
        assert set(opened(data).info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "loop",
            "background",
            "timestamp",
            "duration",
        }
    assert "place" not in json.dumps([dict(preview.exif), dict(preview.ai)])


@pytest.mark.promises("S36")
@pytest.mark.parametrize("name", POLYGLOTS)
async def test_what_hides_behind_or_inside_a_picture_does_not_get_through(pictures: LimitedPictures, name: str) -> None:
    content_type, build = POLYGLOTS[name]
    end = await outcome(pictures, build(), content_type)
    assert isinstance(end, Preview | UnreadableImage)
    if isinstance(end, Preview):
        assert all(words_in(rendition.data) == [] for rendition in end.renditions)
