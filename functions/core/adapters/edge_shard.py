"""One shard folder of qdrant-edge: its configuration, its calls and its failures, as plain synchronous steps.

Every call holds the GIL, so a thread would win nothing: calls stay short and the owner makes them inline.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, Self, TypeVar, cast
from uuid import UUID

import numpy as np
from qdrant_edge import (
    CountRequest,
    Distance,
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeShard,
    EdgeVectorParams,
    HnswIndexConfig,
    Memory,
    QuantizationSearchParams,
    Query,
    QueryRequest,
    Record,
    ScalarQuantizationConfig,
    ScalarType,
    ScrollRequest,
    SearchParams,
    UpdateOperation,
)
from qdrant_edge import Point as EdgePoint

from functions.core.adapters.edge_filter import INDEXES, to_filter, to_payload
from functions.core.errors import Invalid, Unavailable
from functions.core.filters import Clause
from functions.core.ids import AssetId
from functions.core.ports import Point, Scored, Vector

CHUNK: Final = 64
"""Points per call: about 7 ms of a 512-d upsert, which is how long the loop may stand still."""

_EF: Final = 128
_OVERSAMPLING: Final = 2.0
_INDEX_FROM_KB: Final = 1_000

T = TypeVar("T")


def chunked(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of `size`, the last one shorter."""
    rest = iter(items)
    return iter(lambda: list(islice(rest, size)), [])


def sync(paths: Iterable[Path]) -> None:
    """On return the disk has these files and folders; those that are gone by now are skipped. Frees the GIL."""
    for path in paths:
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


class Shard:
    """An open shard of unit vectors; everything it raises on purpose is Invalid or Unavailable."""

    def __init__(self, edge: EdgeShard, folder: Path, dim: int) -> None:
        self._edge = edge
        self._folder = folder
        self._dim = dim

    @classmethod
    def create(cls, folder: Path, dim: int) -> Self:
        """A new empty shard in a new folder, with an index for every field that a condition may name."""
        folder.mkdir(parents=True)
        shard = cls(_call(partial(EdgeShard.create, str(folder), _config(dim))), folder, dim)
        for field, kind in INDEXES.items():
            shard._update(UpdateOperation.create_field_index(field, kind))
        return shard

    @classmethod
    def load(cls, folder: Path, dim: int) -> Self:
        """The shard of a folder; Unavailable when it is missing, broken or of another dimension."""
        return cls(_call(partial(EdgeShard.load, str(folder), _config(dim))), folder, dim)

    def upsert(self, points: Iterable[Point]) -> None:
        """Put points in place: past kill -9 on return, past a power cut after sync_log()."""
        self._update(UpdateOperation.upsert_points([self._edge_point(point) for point in points]))

    def delete(self, ids: Iterable[AssetId]) -> None:
        """Remove points, also when they are not there."""
        self._update(UpdateOperation.delete_points(list(ids)))

    def nearest(self, vector: Vector, where: Clause, limit: int) -> list[Scored]:
        """Best first; searched in int8 for twice the limit, then scored again with the full vectors."""
        quantised = QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING)
        request = QueryRequest(
            limit=limit,
            query=Query.Nearest(self._listed(vector)),
            filter=to_filter(where),
            params=SearchParams(hnsw_ef=_EF, quantization=quantised),
        )
        found = _call(partial(self._edge.query, request))
        return [Scored(_asset(hit.id), hit.score) for hit in found]

    def vectors(self, ids: Sequence[AssetId]) -> Mapping[AssetId, Vector]:
        """The vectors of those points that are there, of unit length."""
        return {_asset(record.id): _vector(record) for record in self._records(ids)}

    def points(self, ids: Sequence[AssetId]) -> list[Point]:
        """Those points that are there, with stored payloads: good for upserting, booleans stay numbers."""
        return [
            Point(_asset(record.id), _vector(record), record.payload or {})
            for record in self._records(ids, with_payload=True)
        ]

    def page_of_ids(self, after: UUID | None, size: int) -> tuple[list[UUID], UUID | None]:
        """Up to `size` ids in their own order, and where the next page starts."""
        request = ScrollRequest(offset=after, limit=size, with_payload=False, with_vector=False)
        records, following = _call(partial(self._edge.scroll, request))
        return [_asset(record.id) for record in records], cast("UUID | None", following)

    def count(self) -> int:
        """How many points there are."""
        return _call(partial(self._edge.count, CountRequest(exact=True)))

    def optimise(self) -> None:
        """Build the graph and the quantised copy; freezes the whole process for seconds to minutes."""
        _call(self._edge.optimize)

    def sync_log(self) -> None:
        """On return everything survives a power cut; may run in a thread, also while the shard is closed."""
        # Writes go to this log first and are replayed from it: one sync here spares sixty with the GIL held.
        sync([*(self._folder / "wal").glob("*"), self._folder / "wal"])

    def flush(self) -> None:
        """Sync all parts, which shortens the log; all stands still for 0.02 s to 1 s, as the disk is."""
        _call(self._edge.flush)

    def close(self) -> None:
        """Flush and let go of the files; safe to repeat."""
        _call(self._edge.close)

    def _update(self, operation: UpdateOperation) -> None:
        _call(partial(self._edge.update, operation))

    def _records(self, ids: Sequence[AssetId], *, with_payload: bool = False) -> list[Record]:
        return _call(partial(self._edge.retrieve, list(ids), with_payload, with_vector=True))

    def _edge_point(self, point: Point) -> EdgePoint:
        return EdgePoint(point.id, self._listed(point.vector), to_payload(point.payload))

    def _listed(self, vector: Vector) -> list[float]:
        if vector.shape != (self._dim,) or not np.isfinite(vector).all():
            raise Invalid("A vector has another length than its model's, or is not finite", dim=self._dim)
        return cast("list[float]", vector.tolist())


def _config(dim: int) -> EdgeConfig:
    return EdgeConfig(
        vectors=EdgeVectorParams(size=dim, distance=Distance.Cosine),
        hnsw_config=HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10_000),
        quantization_config=ScalarQuantizationConfig(ScalarType.Int8, quantile=0.99, memory=Memory.Pinned),
        optimizers=EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=_INDEX_FROM_KB),
    )


def _call(step: Callable[[], T]) -> T:
    # A panic of the engine derives from BaseException and would otherwise pass every handler above.
    try:
        return step()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as broken:
        raise Unavailable("The vector index cannot do this", cause=str(broken)) from broken


def _asset(point_id: object) -> AssetId:
    return AssetId(cast("UUID", point_id))


def _vector(record: Record) -> Vector:
    return np.asarray(record.vector, dtype=np.float32)
