"""The embedded index after kill -9, damage and a change of model."""

import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from functions.core.adapters.edge_build import build
from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.errors import Unavailable
from functions.core.filters import All
from tests.support import edge_process
from tests.support.edge_process import COUNT, DIM, MODEL, SURVIVORS
from tests.support.points import an_id, clip_like, some_points
from tests.support.quick_disk import quick_folder


@pytest_asyncio.fixture(scope="module")
async def a_closed_index() -> AsyncIterator[Path]:
    """An index of 300 built points and a few changed ones."""
    with quick_folder() as home:
        yield await closed_index(home / "index")


async def closed_index(folder: Path, dim: int = DIM) -> Path:
    vectors = EdgeVectors(folder, dim, MODEL)

    async def make(fresh: Path) -> None:
        build(fresh, dim, some_points(COUNT, dim))

    await vectors.rebuild(make)
    await vectors.upsert(list(some_points(10, dim)))
    await vectors.close()
    return folder


@pytest.fixture
def home() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def index(a_closed_index: Path) -> Iterator[Path]:
    with quick_folder() as home:
        yield shutil.copytree(a_closed_index, home / "index")


def fill(index: Path, name: str, byte: bytes, size: int) -> None:
    files = list(index.rglob(name))
    assert files
    for file in files:
        file.write_bytes(byte * size)


def shards(index: Path) -> list[Path]:
    return list(index.glob("shard-*"))


def remove_shards(index: Path) -> None:
    for shard in shards(index):
        shutil.rmtree(shard)


@pytest.mark.parametrize(
    ("function", "event", "swapped"),
    [
        ("EdgeVectors.rebuild", "call", False),
        ("_seal", "call", False),
        ("EdgeVectors._catch_up", "call", False),
        ("Home.put", "call", False),
        ("Path.replace", "return", True),
        ("Home.drop", "call", True),
    ],
)
async def test_killed_at_any_step_of_a_rebuild_the_index_reopens_with_every_write(
    home: Path, function: str, event: str, swapped: bool
) -> None:
    assert await edge_process.run("die", home, function, event) == -signal.SIGKILL

    vectors = EdgeVectors(home, DIM, MODEL)

    before_any_change = {an_id(number) for number in range(COUNT)}
    assert await vectors.ids() == (before_any_change if function == "EdgeVectors.rebuild" else SURVIVORS)
    assert vectors.needs_rebuild == (not swapped)
    hits = await vectors.nearest(clip_like(COUNT, DIM)[1], All(), 1)
    assert [hit.id for hit in hits] == [an_id(1)]
    assert len(shards(home)) == 1
    await vectors.close()


async def test_an_undamaged_index_needs_no_rebuild(index: Path) -> None:
    vectors = EdgeVectors(index, DIM, MODEL)
    assert not vectors.needs_rebuild
    assert await vectors.count() == COUNT
    await vectors.close()


@pytest.mark.parametrize(
    "damage",
    [
        remove_shards,
        lambda index: (index / "CURRENT").unlink(),
        lambda index: (index / "CURRENT").write_text('{"shard": "shard'),
        lambda index: (index / "CURRENT").write_text("[]"),
        lambda index: fill(index, "segment.json", b"\xff", 300),
        lambda index: fill(index, "status.dat", b"", 0),
    ],
    ids=["no shard", "no CURRENT", "half a CURRENT", "odd CURRENT", "garbage", "makes the engine panic"],
)
@pytest.mark.promises("R11")
async def test_a_damaged_index_opens_empty_and_asks_to_be_rebuilt_until_it_is(
    index: Path, damage: Callable[[Path], object]
) -> None:
    damage(index)

    await EdgeVectors(index, DIM, MODEL).close()
    vectors = EdgeVectors(index, DIM, MODEL)

    assert vectors.needs_rebuild
    assert await vectors.count() == 0
    await vectors.upsert(list(some_points(5, DIM)))
    assert await vectors.count() == 5
    await vectors.close()


@pytest.mark.parametrize(("dim", "model"), [(DIM, "model-b"), (DIM * 2, MODEL)])
async def test_an_index_of_another_model_opens_empty_and_asks_to_be_rebuilt(index: Path, dim: int, model: str) -> None:
    vectors = EdgeVectors(index, dim, model)

    assert vectors.needs_rebuild
    await vectors.upsert(list(some_points(5, dim)))
    assert await vectors.count() == 5
    assert len(shards(index)) == 1
    await vectors.close()


async def test_damage_that_kills_whoever_opens_the_index_is_given_up_after_two_deaths(home: Path) -> None:
    optimised_from = 1024
    index = await closed_index(home / "index", optimised_from)
    fill(index, "id_tracker.mappings", b"\x01", 6_000)

    statuses = [await edge_process.run("open", index, optimised_from) for _ in range(3)]

    assert statuses == [-signal.SIGABRT, -signal.SIGABRT, 0]
    vectors = EdgeVectors(index, optimised_from, MODEL)
    assert vectors.needs_rebuild
    await vectors.close()


async def test_a_second_owner_is_refused_and_harms_nothing(index: Path) -> None:
    owner = EdgeVectors(index, DIM, MODEL)

    with pytest.raises(Unavailable):
        EdgeVectors(index, DIM, MODEL)
    assert await edge_process.run("open", index, DIM) == 1

    assert await owner.count() == COUNT
    await owner.close()
    next_owner = EdgeVectors(index, DIM, MODEL)
    assert await next_owner.count() == COUNT
    await next_owner.close()


async def test_a_closed_index_says_so_and_may_be_closed_again(index: Path) -> None:
    vectors = EdgeVectors(index, DIM, MODEL)
    await vectors.close()
    await vectors.close()

    with pytest.raises(Unavailable):
        await vectors.count()
    with pytest.raises(Unavailable):
        await vectors.upsert(list(some_points(1, DIM)))


async def test_after_a_power_cut_the_synced_log_alone_brings_every_write_back(index: Path, home: Path) -> None:
    """A disk that got nothing since the last flush but what was synced on purpose."""
    vectors = EdgeVectors(index, DIM, MODEL, sync_after_s=0)
    (shard,) = shards(index)
    flushed = shutil.copytree(index, home / "flushed")
    await vectors.upsert(list(some_points(50, DIM, first=2000)))
    await vectors.delete([an_id(0)])
    shutil.rmtree(flushed / shard.name / "wal")
    shutil.copytree(shard / "wal", flushed / shard.name / "wal")

    restarted = EdgeVectors(flushed, DIM, MODEL)

    assert await restarted.ids() == await vectors.ids()
    assert await restarted.count() == COUNT - 1 + 50
    assert not restarted.needs_rebuild
    await restarted.close()
    await vectors.close()
