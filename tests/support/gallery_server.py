"""A gallery on a port of its own, in this process: the real gateway and store, over the world of a test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import uvicorn

from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.settings import Settings
from functions.core.tx import Database
from functions.embed.handler import example
from gateway.app import create_app
from gateway.auth import verifier
from gateway.door import Callers, Door
from gateway.local.accounts import Accounts
from gateway.local.answer import notify
from gateway.local.identity import LocalIdentity
from gateway.local.store import store_routes
from tests.support.worlds import MEDIA, Parts, running


@dataclass
class ServedParts(Parts):
    """Ports whose store is reached at an address."""

    address: str = ""

    @cached_property
    def objects(self) -> FolderObjects:
        return FolderObjects(self.folder / "objects", Credentials("test", "s" * 40), f"{self.address}/store/miraveja")


@dataclass(frozen=True)
class Served:
    """Where it answers, what it stands on, its data folder, and the port that it listens on."""

    url: str
    world: World
    folder: Path
    port: int


@asynccontextmanager
async def served(database: Database, folder: Path, told_port: int = 0) -> AsyncIterator[Served]:
    """A gallery that answers and works until the body ends; people may be told of another port, that of a proxy."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = told_port or listening.getsockname()[1]
    parts = ServedParts(folder, address=f"http://127.0.0.1:{port}")
    world = World(database, parts, lease_s=5.0)
    app = create_app(_door(world, folder, port), store_routes(parts.objects, partial(notify, database)))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    async with running(world):
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield Served(parts.address, world, folder, listening.getsockname()[1])
        finally:
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await task
    await parts.close()


def _door(world: World, folder: Path, port: int) -> Door:
    settings = Settings.load({}, data_dir=folder, port=port)
    identity = LocalIdentity(folder / "secrets")
    identity.owner_subject()

    async def embed_query(data: bytes) -> tuple[str, Vector]:
        found = await example(world.ports, data)
        return found.model, found.vector

    return Door(
        settings=settings, world=world, verifier=verifier(settings, identity), media=MEDIA, embed_query=embed_query,
        callers=Callers(world), accounts=Accounts(world.database, identity),
    )  # fmt: skip
