"""Processes around a vector index that tests start and kill.

python -m tests.support.edge_process build FOLDER DIM COUNT     a shard of COUNT points, and exits
python -m tests.support.edge_process open FOLDER DIM            opens and closes an index
python -m tests.support.edge_process die FOLDER FUNCTION EVENT  writes, rebuilds, and dies there by SIGKILL
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from functions.core.adapters.edge_build import build
from functions.core.adapters.vectors_edge import EdgeVectors
from tests.support.points import an_id, some_points

ROOT = Path(__file__).parents[2]
DIM = 32
MODEL = "model-a"
COUNT = 300
SURVIVORS = {an_id(number) for number in range(1, COUNT)} | {an_id(1000)}
"""What a process that was told to die had written by then."""


async def run(*arguments: object) -> int:
    """The exit status of such a process; it is gone on return, also when this is cancelled."""
    command = [sys.executable, "-m", "tests.support.edge_process", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise


async def write_rebuild_and_die(folder: Path, function: str, event: str) -> None:
    """Points, and while a rebuild runs one more and one less; never synced but by the rebuild itself."""
    vectors = EdgeVectors(folder, DIM, MODEL, sync_after_s=3600)
    await vectors.upsert(list(some_points(COUNT, DIM)))

    async def make(fresh: Path) -> None:
        await vectors.upsert(list(some_points(1, DIM, first=1000)))
        await vectors.delete([an_id(0)])
        build(fresh, DIM, some_points(COUNT, DIM))

    sys.setprofile(_killer(function, event))
    await vectors.rebuild(make)


def _killer(function: str, event: str) -> Callable[[FrameType, str, object], None]:
    def look(frame: FrameType, happened: str, _: object) -> None:
        if happened == event and frame.f_code.co_qualname == function:
            os.kill(os.getpid(), signal.SIGKILL)

    return look


def main(what: str, folder: Path, *rest: str) -> None:
    """What the first line of this module's text says."""
    if what == "build":
        dim, count = map(int, rest)
        build(folder, dim, some_points(count, dim))
    elif what == "open":
        asyncio.run(EdgeVectors(folder, int(rest[0]), MODEL).close())
    else:
        asyncio.run(write_rebuild_and_die(folder, *rest))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
