"""What the door costs: a route that knows who asks against one that does not, and tiles against static files."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message

from functions.core.identity.principal import TOKEN_LIFE_S
from functions.core.wire import Wired, open_world
from gateway.app import create_app
from gateway.client import files
from gateway.client.credentials import LocalToken
from gateway.client.requests import assets
from gateway.client.uploads import Wishes, limits, upload
from gateway.door import Door, TheReader
from gateway.local import answer
from gateway.local.identity import LocalIdentity
from tests.speed.gallery import Running
from tests.speed.lines import Line
from tests.support.images import a_jpeg

CALLS: Final = 400
ROUNDS: Final = 9
TILES: Final = 50
VARIANT: Final = "256"
Ask = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Asked:
    """An application called without a network, so that only its own work is measured."""

    app: ASGIApp
    headers: Sequence[tuple[bytes, bytes]] = ()

    async def get(self, address: str) -> int:
        """The bytes of a good answer; RuntimeError for any other."""
        url, got, said = urlsplit(address), 0, False

        async def receive() -> Message:
            nonlocal said
            if said:
                await asyncio.Event().wait()  # a client that stays to the end
            said = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal got
            if message.get("status", 200) != 200:
                raise RuntimeError(f"{url.path} answers {message['status']}")
            got += len(message.get("body", b""))

        scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "method": "GET", "scheme": "http",
            "path": url.path, "raw_path": url.path.encode(), "root_path": "", "query_string": url.query.encode(),
            "http_version": "1.1", "client": ("127.0.0.1", 1), "server": ("localhost", 80), "headers": [*self.headers],
        }  # fmt: skip
        await self.app(scope, receive, send)
        return got


@asynccontextmanager
async def flooded(gallery: Running) -> AsyncIterator[None]:
    """Somebody else searches as fast as fifty connections can, from a process of their own."""
    identity = LocalIdentity(gallery.settings.data_dir / "secrets")
    token = identity.mint(uuid4(), frozenset({"user"}), "Flood", client="miraveja-cli", lifetime_s=TOKEN_LIFE_S)
    command = (sys.executable, "-m", "tests.speed.flood", gallery.settings.address, token)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def verified(gallery: Running) -> Line:
    """The same route with a reader's token and without: how much of its pace is left."""
    async with _door(gallery) as (asked, _):
        with_s, without_s = await _in_turn(
            lambda: asked.get("/bench/known"), lambda: asked.get("/bench/anybody"), CALLS
        )
    return Line("door", without_s / with_s, (
        f"{with_s * 1e6:.0f} us CPU with identity, {without_s * 1e6:.0f} us without: token, user and scope from memory"
    ))  # fmt: skip


async def tiles(gallery: Running, folder: Path) -> Line:
    """A page of fifty tiles, right after the page itself, against the same files as static ones."""
    await _fifty(gallery, folder)
    page = await gallery.client.ask(assets.page(owner="me", limit=TILES))
    urls = [each.url for asset in page.items for each in asset.renditions if each.variant == VARIANT]
    async with _door(gallery) as (asked, here):
        (folder / "tiles").mkdir()
        static = Asked(StaticFiles(directory=folder / "tiles"))
        sizes = []
        for number, url in enumerate(urls):
            sizes.append(await asked.get(url))
            (folder / "tiles" / str(number)).write_bytes(b"x" * sizes[-1])

        async def ours() -> int:
            return sum([await asked.get(url) for url in urls])

        async def theirs() -> int:
            return sum([await static.get(f"/{number}") for number in range(len(urls))])

        ours_s, theirs_s = await _in_turn(ours, theirs, 1, before=lambda: _listed(asked, here))
    return Line("tiles", ours_s / theirs_s, (
        f"{len(urls)} tiles of {np.mean(sizes) / 1000:.0f} kB: {ours_s / len(urls) * 1e6:.0f} us CPU each, "
        f"static {theirs_s / len(urls) * 1e6:.0f} us: {(ours_s - theirs_s) / len(urls) * 1e6:.0f} us more"
    ))  # fmt: skip


async def _listed(asked: Asked, here: Door) -> int:
    """The page whose tiles are asked for next, as browsers do; nothing is known of them from before."""
    here.shown.clear()
    return await asked.get(f"/v1/assets?owner=me&limit={TILES}")


async def _in_turn(one: Ask, other: Ask, calls: int, before: Ask | None = None) -> tuple[float, float]:
    """Seconds of computing a call, the median of rounds that take turns, so that both meet the same machine."""
    found = []
    for _ in range(ROUNDS):
        if before:
            await before()
        found.append((await _spent(one, calls), await _spent(other, calls)))
    first, second = np.median(np.array(found), axis=0)
    return float(first), float(second)


async def _spent(ask: Ask, calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        await ask()
    return (time.process_time() - started) / calls


@asynccontextmanager
async def _door(gallery: Running) -> AsyncIterator[tuple[Asked, Door]]:
    """The gateway over the same rows and objects, in this process, with the owner's token."""
    world = await open_world(gallery.settings, gallery.database_url)
    here = answer.door(gallery.settings, world)
    app = create_app(here, [APIRoute("/bench/known", _known), APIRoute("/bench/anybody", _anybody)])
    token = LocalToken(gallery.settings.data_dir)()
    try:
        host = f"localhost:{gallery.settings.port}".encode()
        yield Asked(app, [(b"host", host), (b"authorization", f"Bearer {token}".encode())]), here
    finally:
        if isinstance(world.ports, Wired):
            await world.ports.close()
        await world.database.close()


async def _known(who: TheReader) -> dict[str, str]:
    return {"handle": who.handle}


async def _anybody() -> dict[str, str]:
    return {"handle": "anybody"}


async def _fifty(gallery: Running, folder: Path) -> None:
    """Pictures through the whole pipeline."""
    (folder / "in").mkdir()
    for seed in range(TILES):
        (folder / "in" / f"{seed}.jpg").write_bytes(a_jpeg(seed, (800, 600)))
    found = files.pictures([folder / "in"], await limits(gallery.client))
    await upload(gallery.client, found, _Nobody(), Wishes(wait=True))


class _Nobody:
    """Does not look."""

    def moved(self, many: int) -> None:
        """Nothing."""

    def done(self, outcome: object) -> None:
        """Nothing."""
