"""The embedded process that decodes and computes: thumbnail, embed, moderate, and vectors of example pictures."""

import asyncio
import base64
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from functions.core import metrics, traces
from functions.core.errors import MiraVejaError
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.runtime.runner import Runner
from functions.core.settings import Settings
from functions.core.wire import Wired, open_world, trace
from functions.embed.handler import example
from gateway.local import process, wires
from gateway.local.steps import STEPS, WORKS

SLOTS: Final = 6
METRICS_S: Final = 2.0


def socket(settings: Settings) -> Path:
    """Where this process takes example pictures."""
    return process.sockets(settings) / "work.sock"


async def main(settings: Settings) -> None:
    """Work until cancelled."""
    process.start_log(settings, "work")
    trace("work")
    world = await open_world(settings, lease_s=process.lease_s(), wall_s=process.wall_s())
    server = process.server(_application(world), uds=str(socket(settings)))
    runner = Runner(world, STEPS, list(WORKS), slots=SLOTS)
    try:
        await asyncio.to_thread(lambda: world.ports.embedding.model.model_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            group.create_task(runner.run())
            process.say_ready()
    finally:
        await _close(world)


async def _close(world: World) -> None:
    if isinstance(world.ports, Wired):
        await world.ports.close()
    await world.database.close()
    traces.stop()


def _application(world: World) -> Starlette:
    async def embed(request: Request) -> JSONResponse:
        found = await example(world.ports, await request.body())
        return JSONResponse({"model": found.model, "vector": base64.b64encode(found.vector.tobytes()).decode()})

    async def counted(_request: Request) -> JSONResponse:
        return JSONResponse({"text": metrics.own()})

    routes = [Route("/embed", embed, methods=["POST"]), Route("/metrics", counted, methods=["POST"])]
    handlers = {MiraVejaError: wires.on_error, Exception: wires.on_error}
    return Starlette(routes=routes, exception_handlers=handlers)


async def embed_query(settings: Settings, data: bytes) -> tuple[str, Vector]:
    """Ask this process for the vector of a picture: the model's name and float32 of shape (dim,)."""
    import numpy as np

    said = await wires.call(socket(settings), "/embed", data)
    return said["model"], np.frombuffer(base64.b64decode(said["vector"]), dtype=np.float32)


async def counted(settings: Settings) -> str:
    """Ask this process for what it counted, in Prometheus's text format."""
    text: str = (await wires.call(socket(settings), "/metrics", timeout_s=METRICS_S))["text"]
    return text


if __name__ == "__main__":
    process.run(main(Settings.load()))
