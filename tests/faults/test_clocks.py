"""The clock of one process jumps ten minutes: leases are the database's matter, and nobody takes what another holds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from events.types import AssetUploaded
from functions.core import times
from functions.core.model import Asset
from functions.core.runtime.answer import Outcome
from functions.core.runtime.run import World, answer
from functions.core.runtime.step import Step
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper
from functions.upload_presign import handler as uploads
from gateway.local.steps import STEPS
from tests.support.clocks import jumps
from tests.support.images import a_jpeg
from tests.support.runs import arrived, count, event, said_of
from tests.support.worlds import a_user, an_upload, ended, quiet, running

SMALL = (64, 48)
JUMPS = (600.0, -600.0)


def with_pause(step: Step, pause: Callable[[], Awaitable[object]]) -> Step:
    """The same step, which waits in the midst of its work."""

    async def work(asset: Asset, *given: Any) -> Any:
        result = await step.work(asset, *given)
        await pause()
        return result

    return replace(step, work=work)


@pytest.mark.promises("R26", "O1")
@pytest.mark.parametrize("seconds", JUMPS)
async def test_a_lease_holds_by_the_clock_of_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(1, SMALL))
    await arrived(world, asset)
    said = event(await said_of(world, AssetUploaded, asset))

    async def jump_and_try() -> None:
        jumps(monkeypatch, seconds)
        assert abs((times.utcnow() - datetime.now(UTC)).total_seconds()) > 500
        assert (await answer(STEPS["thumbnail"], said, world)).outcome is Outcome.BUSY

    first = await answer(with_pause(STEPS["thumbnail"], jump_and_try), said, world)
    assert first.outcome is Outcome.DONE
    assert await count(world, "SELECT max(attempts) + max(lost) FROM inbox WHERE step = 'thumbnail'") == 1


@pytest.mark.promises("R26", "O1")
@pytest.mark.parametrize("seconds", JUMPS)
async def test_a_lease_ends_by_the_clock_of_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(2, SMALL))
    await arrived(world, asset)
    said = event(await said_of(world, AssetUploaded, asset))
    asleep = asyncio.Event()
    begun = asyncio.Event()

    async def sleep() -> None:
        begun.set()
        await asleep.wait()

    slow = asyncio.create_task(answer(with_pause(STEPS["thumbnail"], sleep), said, world))
    await begun.wait()
    jumps(monkeypatch, seconds)
    async with world.database.transaction() as tx:
        await tx.execute("UPDATE inbox SET lease_until = now()")
    assert (await answer(STEPS["thumbnail"], said, world)).outcome is Outcome.DONE
    asleep.set()
    assert (await slow).outcome is Outcome.BUSY, "who slept too long writes nothing"


@pytest.mark.promises("R26")
async def test_uploads_go_through_while_the_clock_jumps_to_and_fro(world: World) -> None:
    owner = await a_user(world)
    made = []
    async with running(world):
        for seed, seconds in enumerate((0.0, *JUMPS, 0.0)):
            with pytest.MonkeyPatch.context() as patch:
                jumps(patch, seconds)
                made.append(await an_upload(world, owner, a_jpeg(10 + seed, SMALL)))
                await uploads.complete(world, owner, made[-1])
                assert await Sweeper(world).sweep()
        assert set(await ended(world, *made)) == {"ready"}
        await quiet(world)
    assert (await audit(world))["details"] == []
    assert await count(world, "SELECT max(attempts) + max(lost) FROM inbox") == 1
