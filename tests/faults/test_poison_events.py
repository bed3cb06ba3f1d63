"""Events that nobody can read die at once, each by itself, and what comes after them is not held up."""

import time
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from functions.core.postgres import log
from functions.core.runtime.run import World
from functions.upload_presign import handler as uploads
from tests.support.images import a_jpeg
from tests.support.runs import count, read, ready, until
from tests.support.worlds import a_user, an_upload, running, state_of


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


POISON: dict[str, dict[str, Any]] = {
    "no event": {},
    "unknown type": {"specversion": "1.0", "id": "1", "source": "/x", "type": "org.example.unknown.v1", "data": {}},
    "later version": {"specversion": "1.0", "id": "1", "source": "/x", "type": "org.miraveja.asset.uploaded.v2", "data": {}},
    "one megabyte": {"specversion": "1.0", "id": "x" * 1_000_000},
    "deep": nested(500),
    "not a notification": {"raw": {"Records": [{"s3": "no"}]}},
    "deep notification": {"raw": nested(200)},
    "data of another": {
        "specversion": "1.0", "id": "1", "source": "/x", "type": "org.miraveja.asset.uploaded.v1", "data": {"assetId": 7},
    },
}  # fmt: skip


@pytest.mark.promises("R18", "S56")
async def test_poison_dies_alone_and_what_follows_is_not_held_up(world: World) -> None:
    owner = await a_user(world)
    await ready(world, owner, [a_jpeg(1)])  # whatever is loaded at first use is loaded
    asset = await an_upload(world, owner, a_jpeg(2))
    async with world.database.transaction() as tx:
        for topic in ("storage.events", "assets.uploaded", "assets.processed"):
            for number, message in enumerate(POISON.values()):
                await log.append(tx, topic, f"poison-{topic}-{number}", message)
            # And one before the good event on its own key, where order is kept.
            await tx.execute(
                'INSERT INTO deliveries (topic, "group", key, message) VALUES (%s, %s, %s, %s)',
                ["storage.events", "ingest", str(asset), Jsonb({})],
            )
    await uploads.complete(world, owner, asset)

    async def is_ready() -> bool:
        return await state_of(world, asset) == "ready"

    began = time.monotonic()
    async with running(world):
        await until(is_ready)
        took = time.monotonic() - began
        await until(lambda: _all_dead(world))
    assert took < 5.0, "each of the five groups on its way comes to it within a second"
    letters = await read(world, "SELECT error, attempts, message FROM dead_letters")
    assert len(letters) == 3 * len(POISON) + 3
    assert all(each["error"].startswith("malformed") and each["attempts"] == 0 for each in letters)


async def _all_dead(world: World) -> bool:
    return await count(world, "SELECT count(*) FROM deliveries") == 0
