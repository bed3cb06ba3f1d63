"""qdrant-edge's rendering of conditions lets through exactly what plain Python's does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.adapters.edge_build import build
from functions.core.adapters.edge_filter import INDEXES
from functions.core.adapters.edge_shard import Shard, chunked
from functions.core.filters import FIELDS, All, Between, Clause, Is, Not, Some, Value, Within, holds
from functions.core.ports import Point
from tests.support.points import an_id
from tests.support.quick_disk import quick_folder

DIM = 1024
"""Long enough for 400 points to be indexed and quantised."""
BUILT, ADDED = 400, 100
WORDS = ("red", "green", "blue", "true", "1")
FLAGS = ("trashed", "banned")
LISTS = ("tags", "colors")
NOT_TIMES = tuple(field for field in FIELDS if field != "created")


def a_value_of(field: str, random: np.random.Generator) -> object:
    if field in FLAGS:
        return bool(random.integers(2))
    if field in LISTS:
        return [str(word) for word in random.choice(WORDS, random.integers(4), replace=False)]
    return float(random.integers(-5, 5)) / 2 if field == "created" else str(random.choice(WORDS))


def some_facts(random: np.random.Generator) -> dict[str, object]:
    """A value for most fields; the others are missing or None."""
    facts = {field: a_value_of(field, random) for field in FIELDS if random.random() < 0.85}
    return facts | {field: None for field in FIELDS if random.random() < 0.05}


def some_points(random: np.random.Generator) -> Iterator[Point]:
    for number in range(BUILT + ADDED):
        yield Point(an_id(number), random.normal(size=DIM).astype(np.float32), some_facts(random))


class Filled:
    """Most points in the optimised part, some of them replaced, others only in the part that takes writes."""

    def __init__(self, folder: Path) -> None:
        self.points = list(some_points(np.random.default_rng(1)))
        build(folder, DIM, self.points[:BUILT])
        self.shard = Shard.load(folder, DIM)
        for chunk in chunked(self.points[BUILT - 50 :]):
            self.shard.upsert(chunk)


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    with quick_folder() as folder:
        filled = Filled(folder / "shard")
        yield filled
        filled.shard.close()


times = st.none() | st.integers(-6, 6).map(lambda half: half / 2)
values: st.SearchStrategy[Value] = st.sampled_from(WORDS) | st.booleans()
leaves: st.SearchStrategy[Clause] = st.one_of(
    st.builds(Is, st.sampled_from(NOT_TIMES), st.lists(values, max_size=3).map(tuple)),
    st.builds(Is, st.sampled_from(FLAGS), st.tuples(st.booleans())),
    st.builds(Within, st.uuids(), st.frozensets(st.integers(0, BUILT + ADDED).map(an_id), max_size=9)),
    st.builds(Between, st.sampled_from(("created", "created", "owner", "trashed")), times, times),
)


def branches(inner: st.SearchStrategy[Clause]) -> st.SearchStrategy[Clause]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(All, parts), st.builds(Some, parts), st.builds(Not, inner))


@settings(max_examples=300, deadline=None)
@given(where=st.recursive(leaves, branches, max_leaves=8))
def test_the_engine_finds_exactly_what_plain_python_lets_through(filled: Filled, where: Clause) -> None:
    hits = filled.shard.nearest(filled.points[0].vector, where, len(filled.points))

    expected = {point.id for point in filled.points if holds(where, {**point.payload, "id": point.id})}
    assert len(hits) == len(expected)
    assert {hit.id for hit in hits} == expected


def test_every_field_that_a_condition_may_name_is_indexed() -> None:
    assert set(INDEXES) == set(FIELDS)
