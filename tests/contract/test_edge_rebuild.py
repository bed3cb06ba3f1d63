"""The embedded index is built aside and swapped while it serves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from functions.core.adapters import vectors_edge
from functions.core.adapters.edge_build import build
from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.errors import Conflict, Unavailable
from functions.core.filters import All, Is
from functions.core.ports import Point
from tests.support import edge_process
from tests.support.edge_process import DIM, MODEL
from tests.support.points import an_id, clip_like, some_points
from tests.support.quick_disk import quick_folder


@pytest.fixture
def home() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def shards(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("shard-*"))


def filled_with(count: int, dim: int = DIM) -> Callable[[Path], Awaitable[None]]:
    async def make(fresh: Path) -> None:
        build(fresh, dim, some_points(count, dim))

    return make


@pytest.mark.promises("R11")
async def test_a_wiped_index_is_rebuilt_in_a_child_whole_and_exact_enough(home: Path) -> None:
    vectors = EdgeVectors(home, 256, MODEL)
    wanted = vectors.needs_rebuild

    async def make(fresh: Path) -> None:
        assert await edge_process.run("build", fresh, 256, 10_000) == 0

    await vectors.rebuild(make)

    assert await vectors.count() == 10_000
    assert (wanted, vectors.needs_rebuild) == (True, False)
    stored, queries = clip_like(10_000, 256), clip_like(200, 256, seed=5, clusters_seed=0)
    best = np.argsort(-(queries @ stored.T), axis=1)[:, :10]
    found = [{hit.id for hit in await vectors.nearest(query, All(), 10)} for query in queries]
    hits = sum(len(ids & {an_id(i) for i in row}) for ids, row in zip(found, best, strict=True))
    assert hits / best.size >= 0.99
    await vectors.close()


async def test_questions_are_answered_and_writes_kept_while_a_child_builds(home: Path) -> None:
    vectors = EdgeVectors(home, DIM, MODEL)
    await vectors.upsert(list(some_points(500, DIM)))
    before = shards(home)
    built, answers = asyncio.Event(), 0

    async def make(fresh: Path) -> None:
        assert await edge_process.run("build", fresh, DIM, 500) == 0
        built.set()

    rebuilding = asyncio.create_task(vectors.rebuild(make))
    await asyncio.sleep(0)
    await vectors.upsert(list(some_points(200, DIM, first=1000)))
    await vectors.upsert([Point(an_id(7), clip_like(1, DIM)[0], {"owner": "new"})])
    await vectors.delete([an_id(3), an_id(1001)])
    while not built.is_set():
        assert len(await vectors.nearest(clip_like(1, DIM)[0], Is("trashed", (False,)), 20)) == 20
        answers += 1
        await asyncio.sleep(0.01)
    await rebuilding

    expected = {*range(500), *range(1000, 1200)} - {3, 1001}
    assert answers > 3
    assert await vectors.ids() == {an_id(number) for number in expected}
    assert [hit.id for hit in await vectors.nearest(clip_like(1, DIM)[0], Is("owner", ("new",)), 5)] == [an_id(7)]
    assert len(shards(home)) == 1
    assert shards(home) != before
    await vectors.close()


async def test_what_a_rebuild_made_is_there_after_reopening(home: Path) -> None:
    vectors = EdgeVectors(home, DIM, MODEL)
    await vectors.rebuild(filled_with(100))
    await vectors.close()

    reopened = EdgeVectors(home, DIM, MODEL)

    assert await reopened.count() == 100
    assert not reopened.needs_rebuild
    await reopened.close()


async def breaks(fresh: Path) -> None:
    await filled_with(100)(fresh)
    raise RuntimeError("the child died")


async def makes_nothing(_: Path) -> None:
    """A child that says it is done and is not."""


async def makes_half(fresh: Path) -> None:
    await filled_with(100)(fresh)
    (fresh / "BUILT").unlink()


@pytest.mark.parametrize(
    ("make", "error"), [(breaks, RuntimeError), (makes_nothing, Unavailable), (makes_half, Unavailable)]
)
async def test_a_build_that_fails_leaves_the_old_index_in_service(
    home: Path, make: Callable[[Path], Awaitable[None]], error: type[Exception]
) -> None:
    vectors = EdgeVectors(home, DIM, MODEL)
    await vectors.upsert(list(some_points(50, DIM)))

    with pytest.raises(error):
        await vectors.rebuild(make)

    assert await vectors.count() == 50
    assert vectors.needs_rebuild
    assert len(shards(home)) == 1
    await vectors.rebuild(filled_with(60))
    assert await vectors.count() == 60
    await vectors.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.01)


async def test_a_cancelled_rebuild_ends_its_child_and_leaves_nothing_behind(home: Path) -> None:
    vectors = EdgeVectors(home, DIM, MODEL)
    await vectors.upsert(list(some_points(50, DIM)))

    async def make(fresh: Path) -> None:
        await edge_process.run("build", fresh, DIM, 200_000)

    rebuilding = asyncio.create_task(vectors.rebuild(make))
    await until(lambda: len(shards(home)) == 2)
    rebuilding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rebuilding

    assert len(shards(home)) == 1
    assert await vectors.count() == 50
    await vectors.close()


async def test_one_rebuild_runs_at_a_time_and_closing_ends_it(home: Path) -> None:
    vectors = EdgeVectors(home, DIM, MODEL)
    closed = asyncio.Event()

    async def make(fresh: Path) -> None:
        await filled_with(10)(fresh)
        await closed.wait()

    rebuilding = asyncio.create_task(vectors.rebuild(make))
    await asyncio.sleep(0)
    with pytest.raises(Conflict):
        await vectors.rebuild(filled_with(10))
    await vectors.close()
    closed.set()

    with pytest.raises(Unavailable):
        await rebuilding
    assert len(shards(home)) == 1


async def test_many_changes_ask_for_optimising_also_after_a_restart(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_edge, "OPTIMISE_AFTER", 1_500)
    vectors = EdgeVectors(home, DIM, MODEL)
    await vectors.upsert(list(some_points(1_500, DIM)))
    asked = [vectors.needs_optimise]
    await vectors.delete([an_id(0)])
    asked.append(vectors.needs_optimise)
    await vectors.close()

    reopened = EdgeVectors(home, DIM, MODEL)
    asked.append(reopened.needs_optimise)
    await reopened.rebuild(filled_with(1_499))
    asked.append(reopened.needs_optimise)

    assert asked == [False, True, True, False]
    await reopened.close()
