"""A whole gateway for tests, on a port of its own with the server that ships, and people who talk to it."""

import asyncio
import hashlib
import json
import re
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import aiohttp
from fastapi import FastAPI
from multidict import CIMultiDictProxy
from starlette.types import ASGIApp
from yarl import URL

from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials
from functions.core.identity.callers import recognise
from functions.core.identity.principal import Principal
from functions.core.ids import AssetId, UserId, uuid7
from functions.core.model import derived_key, original_key
from functions.core.models.embedding import to_bytes
from functions.core.ports import Vector
from functions.core.postgres import assets
from functions.core.runtime.run import World
from functions.core.settings import Settings
from functions.core.tx import Database
from functions.embed.handler import example
from functions.index.rows import shown as shown_of
from gateway.app import create_app, routes
from gateway.auth import verifier
from gateway.door import Callers, Door
from gateway.local import process
from gateway.local.accounts import Accounts
from gateway.local.answer import notify
from gateway.local.identity import LocalIdentity
from gateway.local.store import store_routes
from tests.support.images import a_png
from tests.support.worlds import MEDIA, MODEL, RULES, Parts

PIXEL = a_png(1, (8, 6))


@dataclass(frozen=True)
class Person:
    """Somebody with an access token."""

    user: UserId
    subject: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: CIMultiDictProxy[str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def code(self) -> str:
        """The problem's code; there must be a whole problem, about this status."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        problem = self.json
        assert {"type", "title", "status", "code", "detail", "requestId"} <= problem.keys(), self
        assert problem["status"] == self.status
        assert problem["requestId"]
        return str(problem["code"])


@dataclass
class Gallery:
    """One gateway over one world."""

    world: World
    app: FastAPI
    identity: LocalIdentity
    accounts: Accounts
    http: aiohttp.ClientSession
    url: str

    @property
    def door(self) -> Door:
        found: Door = self.app.state.door
        return found

    @contextmanager
    def with_other(self, settings: Mapping[str, object] | None = None, **parts: Any) -> Iterator[None]:
        """The same gateway with other settings or parts, until the body ends."""
        before = self.door
        if settings:
            parts["settings"] = before.settings.model_copy(update=dict(settings))
        self.app.state.door = replace(before, **parts)
        try:
            yield
        finally:
            self.app.state.door = before

    async def a_person(
        self, name: str = "Ann", roles: tuple[str, ...] = ("user",), client: str = "miraveja-web"
    ) -> Person:
        """Somebody new."""
        subject = str(uuid.uuid4())
        principal = Principal(self.identity.issuer, subject, frozenset(roles), 0, 0, client, name)
        async with self.world.database.transaction() as tx:
            user = (await recognise(tx, principal)).user
        return Person(user, subject, self.identity.mint(uuid.UUID(subject), roles, name, client))

    async def ask(self, method: str, path: str, who: Person | None = None, **options: Any) -> Answer:
        """One request; the path goes out as it is written, and nothing is followed."""
        kind = {"Content-Type": "application/json"} if "json" in options else {}
        headers = {**kind, **(who.headers if who else {}), **options.pop("headers", {})}
        target = URL(path if path.startswith("http") else self.url + path, encoded=True)
        async with self.http.request(method, target, headers=headers, allow_redirects=False, **options) as answer:
            self.expect(method, target.raw_path, answer.status)
            return Answer(answer.status, answer.headers, await answer.read())

    def expect(self, method: str, path: str, status: int) -> None:
        """No route may answer what the contract does not say, whatever a test asks of it; a bug has no place there."""
        for verb, pattern, statuses in self.contract:
            if verb == method and pattern.fullmatch(path):
                assert status in statuses or status == 500, f"{method} {path} answered {status}: gateway/refusals.py"
                return

    @cached_property
    def contract(self) -> list[tuple[str, re.Pattern[str], set[int]]]:
        """Verb, path and statuses of every route that the contract has."""
        paths = self.app.openapi()["paths"]
        return [
            (method, route.path_regex, {int(status) for status in paths[route.path][method.lower()]["responses"]})
            for route in routes() if route.include_in_schema for method in route.methods or ()
        ]  # fmt: skip

    async def get(self, path: str, who: Person | None = None, **options: Any) -> Answer:
        return await self.ask("GET", path, who, **options)

    async def post(self, path: str, who: Person | None = None, **options: Any) -> Answer:
        return await self.ask("POST", path, who, **options)

    async def row(self, sql: str, *values: object) -> dict[str, Any]:
        """One row of the truth behind the door."""
        async with self.world.database.transaction() as tx:
            row = await (await tx.execute(sql.encode(), values)).fetchone()
        assert row is not None
        return row

    async def do(self, sql: str, *values: object) -> None:
        """Change the truth behind the door."""
        async with self.world.database.transaction() as tx:
            await tx.execute(sql.encode(), values)

    async def a_picture(self, owner: Person, vector: Vector | None = None, **columns: Any) -> AssetId:
        """An asset with its objects, as the pipeline leaves one: ready and approved, private unless `columns` say more."""
        asset = AssetId(uuid7())
        row = {
            "id": asset, "owner": owner.user, "state": "ready", "moderation": "approved", "visibility": "private",
            "name": "picture.png", "declared_type": "image/png", "content_type": "image/png", "size": len(PIXEL),
            "sha256": hashlib.sha256(asset.bytes).digest(), "width": 8, "height": 6,
        } | columns  # fmt: skip
        names = ", ".join(row)
        await self.do(
            f"INSERT INTO assets ({names}, form_expires_at) VALUES ({', '.join(['%s'] * len(row))}, now())",
            *row.values(),
        )
        await self.do("INSERT INTO renditions VALUES (%s, 1, '256', 8, 6, 'image/webp', 4)", asset)
        if vector is not None:
            await self.do("INSERT INTO embeddings VALUES (%s, %s, 1, %s)", asset, MODEL.model_id, to_bytes(vector))
        await self.world.ports.objects.write(derived_key(asset, 1, "256", "image/webp"), b"webp", "image/webp")
        await self.world.ports.objects.write(original_key(asset, 1), PIXEL, "image/png")
        return asset

    async def index(self, *pictures: AssetId) -> None:
        """Put pictures that have a vector into the index, as `index` does."""
        async with self.world.database.transaction() as tx:
            found = [await assets.find(tx, picture) for picture in pictures]
            shown = [await shown_of(tx, asset) for asset in found if asset]
        await self.world.ports.vectors.upsert([each.point for each in shown if each and each.point])

    async def media_of(self, asset: AssetId, who: Person | None) -> str:
        """The address of the smallest rendition, as it is told to somebody."""
        told = (await self.get(f"/v1/assets/{asset}", who)).json
        return str(told["renditions"][0]["url"])


@dataclass
class Served(Parts):
    """Ports whose forms lead to the store that this gateway serves."""

    store_url: str = ""

    @cached_property
    def objects(self) -> FolderObjects:
        return FolderObjects(self.folder / "objects", Credentials("test", "s" * 40), self.store_url)


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 8.0) -> float:
    """How many seconds it took until something held."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            if await holds():
                return time.monotonic() - began
            await asyncio.sleep(0.05)


async def embed_here(world: World, data: bytes) -> tuple[str, Vector]:
    """What the process that decodes does, in this one."""
    found = await example(world.ports, data)
    return found.model, found.vector


@asynccontextmanager
async def a_server(app: ASGIApp, listening: socket.socket | None = None) -> AsyncIterator[str]:
    """The server that ships around an application; its address."""
    with listening or socket.create_server(("127.0.0.1", 0)) as heard:
        server = process.server(app)
        serving = asyncio.create_task(server.serve(sockets=[heard]))
        await server.up.wait()
        yield f"http://localhost:{heard.getsockname()[1]}"
        server.should_exit = True
        await serving


@asynccontextmanager
async def a_gallery(database_url: str, folder: Path) -> AsyncIterator[Gallery]:
    """A gateway over a database and a folder, listening on 127.0.0.1."""
    database = Database(database_url)
    await database.open()
    listening = socket.create_server(("127.0.0.1", 0))
    settings = Settings.load({}, data_dir=folder, port=listening.getsockname()[1])
    parts = Served(folder, replace(RULES, uploads_pending=10), settings.store_url)
    world = World(database, parts, lease_s=5.0)
    identity = LocalIdentity(folder / "secrets")
    accounts = Accounts(database, identity)
    door = Door(
        settings=settings, world=world, verifier=verifier(settings, identity), media=MEDIA,
        embed_query=partial(embed_here, world), callers=Callers(world), accounts=accounts,
    )  # fmt: skip
    app = create_app(door, store_routes(parts.objects, partial(notify, database)))
    quiet = aiohttp.ClientSession(skip_auto_headers=["Content-Type"], cookie_jar=aiohttp.DummyCookieJar())
    async with a_server(app, listening), quiet as http:
        listener = asyncio.create_task(door.live.keep_listening(database))
        yield Gallery(world, app, identity, accounts, http, settings.address)
        listener.cancel()
        await asyncio.wait([listener])
    await parts.close()
    await database.close()
