"""Builds the search index anew: when asked, when it is damaged, and when much was written to it."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.errors import MiraVejaError, Unavailable
from functions.core.ports import Embedder
from functions.core.runtime.run import World
from gateway.door import Door
from gateway.local.operators.act import Act, Said, Wanted

logger = logging.getLogger(__name__)
LOOK_S: Final = 30.0


async def rebuild(here: Door, _wanted: Wanted) -> Said:
    """`{points}`: how many there are in the new index."""
    return {"points": await reindex(here.world)}


async def reindex(world: World) -> int:
    """Build the index anew from the rows, in a process of its own, while the old one answers; returns its points."""
    vectors = world.ports.vectors
    if not isinstance(vectors, EdgeVectors):
        raise Unavailable("only the embedded index is built here")
    await vectors.rebuild(partial(_build, world.ports.embedding.model))
    return await vectors.count()


async def keep_fit(world: World) -> None:
    """Build the index anew whenever it is damaged, or much was written since it was last optimised."""
    vectors = world.ports.vectors
    while isinstance(vectors, EdgeVectors):
        if vectors.needs_rebuild or vectors.needs_optimise:
            try:
                logger.info("index built anew: %d points", await reindex(world))
            except MiraVejaError as error:
                logger.warning("index not built: %s", error.detail)
            except Exception:  # the gallery answers without, and a full disk may have room again
                logger.exception("index not built")
        await asyncio.sleep(LOOK_S)


async def _build(model: Embedder, folder: Path) -> None:
    """Fill a new shard in a child that ends with us."""
    arguments = ("-m", "functions.index.build", str(folder), str(model.dim), model.model_id)
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=asyncio.subprocess.PIPE)
    try:
        if await child.wait():
            raise Unavailable("the index could not be built; see the log", part="vectors")
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


COMMANDS: Final[Mapping[str, Act]] = {"/reindex": rebuild}
