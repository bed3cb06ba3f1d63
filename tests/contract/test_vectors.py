"""What every vector index promises."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.errors import Invalid
from functions.core.filters import All, Between, Clause, Is, Not, Some, holds
from functions.core.ids import AssetId, UserId, uuid7
from functions.core.ports import Point, Vector, Vectors
from functions.core.visibility import Viewer, findable_by
from tests.support.points import a_payload, an_id, clip_like, some_points
from tests.support.quick_disk import quick_folder

DIM = 32


@pytest_asyncio.fixture(scope="module")
async def edge_vectors() -> AsyncIterator[EdgeVectors]:
    with quick_folder() as folder:
        vectors = EdgeVectors(folder / "vectors", DIM, "model-a")
        yield vectors
        await vectors.close()


@pytest.fixture(params=["edge_vectors"])
def vectors(request: pytest.FixtureRequest) -> Vectors:
    found: Vectors = request.getfixturevalue(request.param)
    return found


@pytest_asyncio.fixture(autouse=True)
async def emptied(vectors: Vectors) -> None:
    """Making an index costs much more than emptying it."""
    await vectors.delete([AssetId(id_) for id_ in await vectors.ids()])


def a_vector(*head: float) -> Vector:
    vector = np.zeros(DIM, dtype=np.float32)
    vector[: len(head)] = head
    return vector


async def found_by(vectors: Vectors, where: Clause, limit: int = 1_000) -> set[AssetId]:
    return {hit.id for hit in await vectors.nearest(a_vector(1, 1), where, limit)}


async def test_an_empty_index_has_nothing_and_finds_nothing(vectors: Vectors) -> None:
    assert await vectors.count() == 0
    assert await vectors.ids() == set()
    assert await vectors.nearest(a_vector(1), All(), 10) == []


async def test_neighbours_come_best_first_with_their_cosine(vectors: Vectors) -> None:
    points = list(some_points(200, DIM))
    await vectors.upsert(points)
    query = clip_like(1, DIM, seed=9)[0]

    hits = await vectors.nearest(query, All(), 50)

    cosines = np.array([point.vector @ query for point in points])
    assert [hit.id for hit in hits] == [points[i].id for i in np.argsort(-cosines)[:50]]
    assert [hit.cosine for hit in hits] == pytest.approx(sorted(cosines, reverse=True)[:50], abs=1e-5)


async def test_a_thousand_neighbours_can_be_asked_for(vectors: Vectors) -> None:
    await vectors.upsert(list(some_points(1_200, DIM)))

    hits = await vectors.nearest(clip_like(1, DIM, seed=9)[0], All(), 1_000)

    assert len({hit.id for hit in hits}) == 1_000


async def test_a_point_put_again_is_replaced_with_its_payload(vectors: Vectors) -> None:
    await vectors.upsert([Point(an_id(1), a_vector(1), {"visibility": "public", "tags": ["old"]})])
    await vectors.upsert([Point(an_id(1), a_vector(0, 1), {"visibility": "private"})])

    (hit,) = await vectors.nearest(a_vector(0, 1), Is("visibility", ("private",)), 10)

    assert hit.id == an_id(1)
    assert hit.cosine == pytest.approx(1.0)
    assert await found_by(vectors, Is("visibility", ("public",))) == set()
    assert await found_by(vectors, Is("tags", ("old",))) == set()
    assert await vectors.count() == 1


async def test_deleted_points_are_gone_everywhere_and_missing_ones_are_fine(vectors: Vectors) -> None:
    await vectors.upsert(list(some_points(3, DIM)))

    await vectors.delete([an_id(0), AssetId(uuid7())])
    await vectors.delete([an_id(0)])

    assert await vectors.ids() == {an_id(1), an_id(2)}
    assert await vectors.count() == 2
    assert await found_by(vectors, All()) == {an_id(1), an_id(2)}
    assert await vectors.fetch([an_id(0)]) == {}


async def test_fetch_gives_the_vectors_of_those_that_are_there(vectors: Vectors) -> None:
    points = list(some_points(300, DIM))
    await vectors.upsert(points)

    found = await vectors.fetch([*(point.id for point in points), AssetId(uuid7())])

    assert found.keys() == {point.id for point in points}
    for point in points:
        assert found[point.id].dtype == np.float32
        np.testing.assert_allclose(found[point.id], point.vector, atol=1e-6)


async def test_asking_for_no_points_or_ids_does_nothing(vectors: Vectors) -> None:
    await vectors.upsert([])
    await vectors.delete([])
    assert await vectors.fetch([]) == {}


@pytest.mark.parametrize("wrong", [np.ones(DIM + 1), np.ones((1, DIM)), np.full(DIM, np.nan)])
async def test_a_vector_that_is_not_of_the_space_is_refused(vectors: Vectors, wrong: Vector) -> None:
    with pytest.raises(Invalid):
        await vectors.upsert([Point(an_id(1), wrong.astype(np.float32), {})])
    with pytest.raises(Invalid):
        await vectors.nearest(wrong.astype(np.float32), All(), 1)
    assert await vectors.count() == 0


@pytest.mark.parametrize(
    "where",
    [
        All(), Some(), Not(All()), Not(Some()), Is("owner", ()),
        Is("owner", ("owner-1",)), Is("tags", ("tag-1", "tag-2")), Not(Is("tags", ("tag-1",))),
        Is("trashed", (True,)), Is("trashed", (False,)), Not(Is("trashed", (True,))), Is("trashed", (True, False)),
        Between("created", 1_700_000_010.0, 1_700_000_020.0), Between("created", None, 1_700_000_005.0),
        Between("created", 1_700_000_095.0, None), Between("created", None, None),
        All((Is("visibility", ("public",)), Some((Is("owner", ("owner-0",)), Is("tags", ("tag-3",)))))),
        Some((All((Is("owner", ("owner-0",)), Not(Is("trashed", (True,))))), Is("visibility", ("private",)))),
    ],
)  # fmt: skip
async def test_only_points_that_satisfy_the_condition_are_found(vectors: Vectors, where: Clause) -> None:
    payloads = {an_id(number): a_payload(number) for number in range(100)} | {an_id(200): {}}
    await vectors.upsert([Point(id_, a_vector(1, i / 100), facts) for i, (id_, facts) in enumerate(payloads.items())])

    assert await found_by(vectors, where) == {id_ for id_, facts in payloads.items() if holds(where, facts)}


async def test_a_viewer_finds_their_own_and_what_others_may_see(vectors: Vectors) -> None:
    me, other = UserId(uuid7()), UserId(uuid7())
    seen = {"visibility": "public", "moderation": "approved", "trashed": False, "banned": False}
    await vectors.upsert([
        Point(an_id(1), a_vector(1), seen | {"owner": str(me), "visibility": "private"}),
        Point(an_id(2), a_vector(1), seen | {"owner": str(other)}),
        Point(an_id(3), a_vector(1), seen | {"owner": str(other), "visibility": "private"}),
        Point(an_id(4), a_vector(1), seen | {"owner": str(me), "trashed": True}),
        Point(an_id(5), a_vector(1), seen | {"owner": str(other), "banned": True}),
        Point(an_id(6), a_vector(1), seen | {"owner": str(other), "moderation": "pending"}),
    ])  # fmt: skip

    assert await found_by(vectors, findable_by(Viewer(me))) == {an_id(1), an_id(2)}
    assert await found_by(vectors, findable_by(Viewer(me), trashed=True)) == {an_id(4)}
    assert await found_by(vectors, findable_by(Viewer())) == {an_id(2)}
