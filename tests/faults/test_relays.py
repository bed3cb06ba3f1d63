"""Two relays, and one that is killed between sending and marking: each fact is published once, in the order of its asset."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from events.types import AssetChanged
from functions.core.ids import AssetId, uuid7
from functions.core.postgres import outbox
from functions.core.runtime.run import World
from functions.housekeeping.relay import keep_relaying
from tests.support.ledger import Tally
from tests.support.runs import count, read, until

WAITING = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
FACTS = 600


async def is_killed(database_url: str) -> None:
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.relaying", database_url, cwd=Path(__file__).parents[2],
        env=os.environ | {"TEST_FAIL": "relay.before_mark=kill9"},
    )  # fmt: skip
    assert await dying.wait() == -signal.SIGKILL


@pytest.mark.promises("R31", "O2")
async def test_a_relay_that_dies_between_sending_and_marking_has_sent_nothing(
    world: World, database_url: str, tally: Tally
) -> None:
    keys = [AssetId(uuid7()) for _ in range(3)]

    async def say(first: int, number: int) -> None:
        async with world.database.transaction() as tx:
            said = [AssetChanged(asset_id=keys[n % 3], generation=1, change=n) for n in range(first, first + number)]
            await outbox.put(tx, "assets.changed", *said)

    await say(0, FACTS // 2)
    await is_killed(database_url)
    assert (await count(world, "SELECT count(*) FROM deliveries"), await count(world, WAITING)) == (0, FACTS // 2)
    relays = [asyncio.create_task(keep_relaying(world.database)) for _ in range(2)]
    for first in range(FACTS // 2, FACTS, 50):
        await say(first, 50)
    began = asyncio.get_running_loop().time()
    await until(lambda: _none_waits(world))
    tally.recovered(asyncio.get_running_loop().time() - began)
    for relay in relays:
        relay.cancel()
    for relay in relays:
        with suppress(asyncio.CancelledError):
            await relay
    published = [row["message"]["data"] for row in await read(world, "SELECT message FROM deliveries ORDER BY id")]
    for key in keys:
        mine = [data["change"] for data in published if data["assetId"] == str(key)]
        assert mine == sorted(set(mine)), "in order, none twice"
    assert len(published) == FACTS
    tally.add(loads=FACTS)


async def _none_waits(world: World) -> bool:
    return await count(world, WAITING) == 0
