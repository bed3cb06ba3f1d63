"""Looking into a world and pushing single events through it: rows, objects, points and facts of one asset."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, LiteralString, cast

from psycopg.rows import DictRow

from events.envelope import Event, from_json, new_event
from events.types import Fact, ObjectArrived
from functions.core.ids import AssetId, UserId
from functions.core.postgres import assets
from functions.core.runtime.answer import Answer
from functions.core.runtime.run import World, answer
from functions.core.times import utcnow
from functions.core.tx import rows as all_rows
from functions.upload_presign import handler as uploads
from gateway.local.steps import STEPS
from tests.support.worlds import RULES, Parts, an_upload, ended, running

PREFIXES = ("incoming/", "originals/", "derived/")


async def read(world: World, sql: LiteralString, *values: object) -> list[DictRow]:
    """Rows of a query in a transaction of its own."""
    async with world.database.transaction() as tx:
        return await all_rows(tx, sql, *values)


async def count(world: World, sql: LiteralString, *values: object) -> int:
    """The one number that a query gives."""
    return int(next(iter((await read(world, sql, *values))[0].values())))


async def write(world: World, sql: LiteralString, *values: object) -> None:
    """One statement, committed."""
    async with world.database.transaction() as tx:
        await tx.execute(sql, values)


async def row(world: World, asset: AssetId) -> DictRow:
    """All columns of an asset."""
    return (await read(world, "SELECT * FROM assets WHERE id = %s", asset))[0]


async def said_of(world: World, kind: type[Any], asset: AssetId, **more: str) -> Fact:
    """The fact of a kind about an asset as its row is now."""
    async with world.database.transaction() as tx:
        return cast("Fact", kind.of(await assets.find(tx, asset), **more))


async def through(world: World, step: str, fact: Fact) -> Answer:
    """One fact through one step."""
    return await answer(STEPS[step], event(fact), world)


async def arrived(world: World, asset: AssetId) -> Answer:
    """Word of the bytes through ingest."""
    return await through(world, "ingest", ObjectArrived(asset_id=asset))


def event(fact: Fact) -> Event:
    """A fact in its envelope."""
    return new_event(fact, now=utcnow())


async def keys(world: World, asset: AssetId) -> set[str]:
    """Every object of an asset."""
    found: list[str] = []
    for prefix in PREFIXES:
        found += [each.key async for each in world.ports.objects.list(prefix)]
    return {key for key in found if key.split("/")[1] == str(asset)}


async def left_of(world: World, asset: AssetId) -> dict[str, object]:
    """Whatever there still is of an asset, by where it is; empty when nothing is left."""
    found: dict[str, object] = {"row": 1} if await read(world, "SELECT 1 FROM assets WHERE id = %s", asset) else {}
    for table in ("renditions", "embeddings", "metadata", "pipeline_steps"):
        number = await count(world, f"SELECT count(*) FROM {table} WHERE asset_id = %s", asset)
        found |= {table: number} if number else {}
    found |= {"objects": objects} if (objects := await keys(world, asset)) else {}
    return found | ({"point": 1} if asset in await world.ports.vectors.ids() else {})


async def outbox(world: World) -> list[tuple[str, Event]]:
    """Every fact that was ever put into the outbox, in order, with its topic."""
    return [(each["topic"], from_json(each["event"])) for each in await read(world, "SELECT * FROM outbox ORDER BY id")]


async def ready(world: World, owner: UserId, pictures: Iterable[bytes], names: Iterable[str] = ()) -> list[AssetId]:
    """Several assets through the whole pipeline, in the order in which they are given."""
    named = iter(names)
    made = [await an_upload(world, owner, data, next(named, "picture.png")) for data in pictures]
    for asset in made:
        await uploads.complete(world, owner, asset)
    async with running(world):
        await ended(world, *made, within_s=60)
    return made


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 30.0) -> None:
    """Wait for a condition; TimeoutError when it never holds."""
    async with asyncio.timeout(within_s):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


def rule(world: World, **rules: Any) -> None:
    """Other rules for this world."""
    cast("Parts", world.ports).rules = replace(RULES, **rules)
