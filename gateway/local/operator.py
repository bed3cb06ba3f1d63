"""What the operator's commands ask of a running gallery, over a private Unix socket."""

import asyncio
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.errors import Conflict, MiraVejaError, Unavailable
from functions.core.ports import Embedder
from functions.core.runtime.run import World
from functions.core.settings import Settings
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper
from gateway.door import Door
from gateway.local import process, wires

logger = logging.getLogger(__name__)
LOOK_S: Final = 30.0


def socket(settings: Settings) -> Path:
    """Where the answering process takes commands; only its own user can reach it."""
    return process.sockets(settings) / "answer.sock"


def application(world: World, settings: Settings, here: Door) -> Starlette:
    """Audit, reconcile, reindex and sign-in links."""

    async def look(_request: Request) -> JSONResponse:
        return JSONResponse(await audit(world))

    async def reconcile(request: Request) -> JSONResponse:
        wanted = await request.json()
        sweeper = Sweeper(world, dry_run=wanted["dry_run"], force=wanted["force"], trash_days=settings.trash_days)
        swept = await sweeper.sweep()
        if swept is None:
            raise Conflict("a sweep is under way: try again in a minute")
        return JSONResponse({"done": swept.done})

    async def rebuild(_request: Request) -> JSONResponse:
        return JSONResponse({"points": await reindex(world)})

    async def link(_request: Request) -> JSONResponse:
        if here.accounts is None:
            raise Unavailable("this gallery signs people in elsewhere")
        secret = await here.accounts.link(await here.accounts.owner())
        return JSONResponse({"link": f"{settings.address}/start/{secret}"})

    named = {"/audit": look, "/reconcile": reconcile, "/reindex": rebuild, "/link": link}
    routes = [Route(path, act, methods=["POST"]) for path, act in named.items()]
    handlers = {MiraVejaError: wires.on_error, Exception: wires.on_error}
    return Starlette(routes=routes, exception_handlers=handlers)


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
