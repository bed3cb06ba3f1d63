"""A whole shard built in one go, in a process of its own: optimising freezes the process that does it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from functions.core.adapters.edge_shard import Shard, chunked, sync
from functions.core.errors import Unavailable
from functions.core.ports import Point

_BUILT: Final = "BUILT"
"""Written last, so that a folder without it is known to be half made."""


def build(folder: Path, dim: int, points: Iterable[Point]) -> int:
    """Fill the new `folder` with an optimised shard and say how many points it holds.

    Blocks until all is on the disk; `points` are read once, a chunk at a time; the last of equal ids wins.
    """
    shard = Shard.create(folder, dim)
    try:
        for chunk in chunked(points):
            shard.upsert(chunk)
        shard.optimise()
        count = shard.count()
    finally:
        shard.close()
    _seal(folder, count)
    return count


def open_built(folder: Path, dim: int) -> Shard:
    """What build() left in `folder`; Unavailable when it did not come to its end there."""
    shard = Shard.load(folder, dim)
    if _sealed_count(folder) == (count := shard.count()):
        return shard
    shard.close()
    raise Unavailable("The new vector index is not complete", count=count)


def _seal(folder: Path, count: int) -> None:
    # The engine syncs what it appends to; files that the optimiser wrote once are synced here.
    sync([*folder.rglob("*"), folder])
    (folder / _BUILT).write_text(str(count), "ascii")
    sync([folder / _BUILT, folder])


def _sealed_count(folder: Path) -> int | None:
    try:
        return int((folder / _BUILT).read_text("ascii"))
    except (OSError, ValueError):
        return None
