"""Thousands of broken pictures through the real decoding children: twenty seconds of them, minutes by `make test-fuzz`."""

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil
import pytest

from functions.core.errors import MiraVejaError, Rejected
from functions.core.pictures.pictures import LimitedPictures
from tests.support.images import a_png
from tests.support.mutations import Seed, broken, minutes, seeds
from tests.support.runs import until as eventually

START = int(os.environ.get("TEST_FUZZ_START", "20261124"))
TOGETHER = 2
MOST_RSS = 700 << 20
MOST_GROWTH = 64 << 20
LONGEST_S = 15.0


@dataclass
class Found:
    """What became of the files so far."""

    ends: Counter[str] = field(default_factory=Counter)
    strange: dict[int, str] = field(default_factory=dict)
    slowest_s: float = 0.0
    most_rss: int = 0

    @property
    def number(self) -> int:
        return self.ends.total()


async def one(pictures: LimitedPictures, number: int, files: list[Seed], found: Found) -> None:
    """A preview, or a rejection by name; anything else is strange, and its number says how to make it again."""
    kind, data = broken(START, number, files)
    began = time.monotonic()
    try:
        preview = await pictures.preview(data, kind)
        end = "preview" if preview.renditions and preview.width > 0 else "an empty preview"
    except Rejected as error:
        end = error.code()
    except MiraVejaError as error:
        end = f"not a rejection: {error.code()}"
    if " " in end:
        found.strange[number] = end
    found.ends[end] += 1
    found.slowest_s = max(found.slowest_s, time.monotonic() - began)


async def watch(parent: psutil.Process, found: Found) -> None:
    while True:
        for child in parent.children():
            try:
                found.most_rss = max(found.most_rss, child.memory_info().rss)
            except psutil.Error:
                continue
        await asyncio.sleep(0.02)


def test_the_same_number_breaks_the_same_file_in_the_same_way() -> None:
    files, again = seeds(), seeds()
    assert len(files) >= 200
    assert {kind for kind, _ in files} == {f"image/{name}" for name in ("jpeg", "png", "gif", "webp", "avif", "heic")}
    assert [broken(1, number, files) for number in range(50)] == [broken(1, number, again) for number in range(50)]


@pytest.mark.promises("S41")
async def test_every_broken_picture_ends_as_a_preview_or_by_name() -> None:
    files, found, until = seeds(), Found(), time.monotonic() + 60 * minutes()
    pictures = LimitedPictures(workers=TOGETHER)
    await pictures.preview(a_png(), "image/png")
    assert pictures.parent_pid is not None
    parent = psutil.Process(pictures.parent_pid)
    before = parent.memory_info().rss
    numbers = iter(range(1 << 40))

    async def work() -> None:
        while time.monotonic() < until:
            await one(pictures, next(numbers), files, found)

    watching = asyncio.create_task(watch(parent, found))
    await asyncio.gather(*[work() for _ in range(TOGETHER)])
    watching.cancel()
    grown = parent.memory_info().rss - before
    well = await pictures.preview(a_png(size=(20, 10)), "image/png")

    async def nobody_is_left() -> bool:  # the last one may still be on its way out
        return not parent.children()

    await eventually(nobody_is_left, within_s=10)
    same = pictures.parent_pid == parent.pid
    await pictures.close()
    print(f"{found.number} broken files of {len(files)}: {dict(found.ends.most_common())},", end=" ")  # noqa: T201
    print(f"slowest {found.slowest_s:.1f} s, most {found.most_rss >> 20} MiB, parent +{grown >> 20} MiB")  # noqa: T201
    assert not found.strange, f"TEST_FUZZ_START={START}: {found.strange}"
    assert (well.width, same) == (20, True), "the parent lives and works, nobody is left behind"
    assert found.ends["preview"]
    assert found.number > 100
    assert found.slowest_s < LONGEST_S
    assert found.most_rss < MOST_RSS
    assert grown < MOST_GROWTH
