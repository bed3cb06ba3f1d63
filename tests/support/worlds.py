"""Worlds for tests: the adapters that ship, in a folder of the test's own, and the people and pictures in them."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from functions.core.adapters.embedder_onnx import OnnxEmbedder
from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials
from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.catalog.read import Desk
from functions.core.identity.callers import recognise
from functions.core.identity.principal import Principal
from functions.core.ids import AssetId, UserId
from functions.core.model import incoming_key
from functions.core.models.embedding import Embedding
from functions.core.pictures.pictures import LimitedPictures
from functions.core.pictures.sniff import sniff
from functions.core.runtime.run import World
from functions.core.runtime.runner import Runner
from functions.core.runtime.step import Rules
from functions.core.signing import Keyring
from functions.core.times import utcnow
from functions.core.tx import one
from functions.core.visibility import Viewer
from functions.upload_presign import handler as uploads
from functions.upload_presign.contract import PresignUpload
from gateway.local.steps import ANSWERS, STEPS, WORKS

RULES = Rules(
    max_bytes=50 << 20, quota_bytes=0, quota_count=0, uploads_pending=500, uploads_per_day=0, review=False, thresholds=(),
    appeal_days=30,
)  # fmt: skip
MODEL = OnnxEmbedder(Path(str(files("functions.core") / "builtin")))
MEDIA = Keyring({"t": b"k" * 32}, "t")


@dataclass
class Parts:
    """Ports below one folder."""

    folder: Path
    rules: Rules = RULES

    @cached_property
    def objects(self) -> FolderObjects:
        return FolderObjects(self.folder / "objects", Credentials("test", "s" * 40), "http://localhost/store/miraveja")

    @cached_property
    def pictures(self) -> LimitedPictures:
        return LimitedPictures()

    @cached_property
    def vectors(self) -> EdgeVectors:
        return EdgeVectors(self.folder / "vectors", MODEL.dim, MODEL.model_id)

    @cached_property
    def embedding(self) -> Embedding:
        return Embedding(lambda: MODEL)

    async def close(self) -> None:
        for name in ("pictures", "vectors"):
            if name in vars(self):
                await vars(self)[name].close()


async def a_user(world: World, name: str = "Ann", issuer: str = "urn:test") -> UserId:
    """Somebody new."""
    principal = Principal(issuer, str(uuid.uuid4()), frozenset({"user"}), 0, 0, "miraveja-web", name)
    async with world.database.transaction() as tx:
        return (await recognise(tx, principal)).user


def a_desk(user: UserId | None) -> Desk:
    """Somebody looking."""
    return Desk(Viewer(user), MEDIA, utcnow())


async def an_upload(
    world: World, owner: UserId, data: bytes, name: str = "picture.png", kind: str | None = None
) -> AssetId:
    """Bytes declared and in quarantine; nothing has been told yet."""
    wanted = PresignUpload.model_validate({
        "name": name, "size": len(data), "content_type": kind or sniff(data) or "image/png",
        "sha256": hashlib.sha256(data).hexdigest(),
    })  # fmt: skip
    presigned = await uploads.presign(world, owner, wanted)
    asset = AssetId(presigned.upload.asset_id)
    if presigned.created:
        await world.ports.objects.write(incoming_key(asset), data, wanted.content_type)
    return asset


async def a_ready_asset(world: World, owner: UserId, data: bytes, name: str = "picture.png") -> AssetId:
    """An asset that has been through the whole pipeline."""
    asset = await an_upload(world, owner, data, name)
    await uploads.complete(world, owner, asset)
    async with running(world):
        await ended(world, asset)
    return asset


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    """Every group and the relay, until the body ends."""
    from functions.housekeeping.relay import keep_relaying

    runner = Runner(world, STEPS, [*ANSWERS, *WORKS], slots=6)
    tasks = [asyncio.create_task(runner.run()), asyncio.create_task(keep_relaying(world.database))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def state_of(world: World, asset: AssetId) -> str:
    """The state, or `gone` without a row."""
    async with world.database.transaction() as tx:
        row = await one(tx, "SELECT state FROM assets WHERE id = %s", asset)
    return row["state"] if row else "gone"


async def ended(world: World, *assets: AssetId, within_s: float = 30.0) -> list[str]:
    """The end states of assets, waited for."""
    async with asyncio.timeout(within_s):
        while True:
            states = [await state_of(world, asset) for asset in assets]
            if all(state in ("ready", "rejected", "failed", "expired", "gone") for state in states):
                return states
            await asyncio.sleep(0.02)


async def quiet(world: World, within_s: float = 30.0) -> None:
    """Until nothing is on its way."""
    async with asyncio.timeout(within_s):
        while True:
            async with world.database.transaction() as tx:
                row = await one(
                    tx,
                    "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS n",
                )
            if row and row["n"] == 0:
                return
            await asyncio.sleep(0.02)
