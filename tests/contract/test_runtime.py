"""The runtime's promises to every step: claims, fences, retries, ends; and the log's: order, leases, dead letters."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from events.envelope import to_json
from events.minio import NewObject, notification
from events.types import AssetChanged, AssetPreviewed, AssetUploaded, ObjectArrived
from functions.core.errors import Unavailable
from functions.core.ids import AssetId, UserId
from functions.core.model import Asset, State, incoming_key
from functions.core.postgres import inbox, log, outbox, upkeep
from functions.core.postgres.inbox import Entry
from functions.core.runtime.answer import Outcome
from functions.core.runtime.run import World, answer
from functions.core.runtime.runner import LONGEST_PAUSE_S, Pause, Runner
from functions.core.runtime.step import Ports, Ref, Step, TooEarly
from functions.core.times import utcnow
from functions.core.tx import Tx
from gateway.local.steps import STEPS
from tests.support.images import a_png
from tests.support.runs import count, event, read, row, said_of, until, write
from tests.support.worlds import a_user, an_upload, quiet, running, state_of

Work = Callable[[Asset], Awaitable[object]]


@dataclass
class Probe:
    """A step that keeps a diary: what it worked on, what it recorded, what it took back."""

    act: Work | None = None
    worked: list[Asset] = field(default_factory=list)
    recorded: list[object] = field(default_factory=list)
    undone: list[Ref] = field(default_factory=list)

    def step(self, **more: Any) -> Step:
        known: dict[str, Any] = {
            "name": "probe", "consumes": (AssetUploaded,), "after": State.UPLOADED,
            "work": self._work, "record": self._record, "undo": self._undo,
        }  # fmt: skip
        return Step(**known | more)

    async def _work(self, asset: Asset, _ports: Ports) -> object:
        self.worked.append(asset)
        return await self.act(asset) if self.act else None

    async def _record(self, _tx: Tx, asset: Asset, result: object) -> AssetPreviewed:
        self.recorded.append(result)
        return AssetPreviewed.of(asset)

    async def _undo(self, ref: Ref, _ports: Ports) -> None:
        self.undone.append(ref)


async def an_uploaded_asset(world: World, owner: UserId | None = None, seed: int = 1) -> AssetId:
    """An asset at `uploaded`, by decree."""
    asset = await an_upload(world, owner or await a_user(world), a_png(seed, (16, 16)))
    await write(world, "UPDATE assets SET state = 'uploaded', content_type = 'image/png' WHERE id = %s", asset)
    return asset


async def uploaded(world: World, asset: AssetId) -> Any:
    return event(await said_of(world, AssetUploaded, asset))


async def entry(world: World) -> Any:
    """The one entry of the inbox."""
    [found] = await read(
        world, "SELECT state, attempts, lost, greatest(lease_until, 'epoch') AS lease_until, token FROM inbox"
    )
    return found


@pytest.mark.promises("O1")
async def test_the_claim_is_committed_before_the_work_begins(world: World) -> None:
    seen: list[Any] = []

    async def look(_asset: Asset) -> None:
        seen.append(await entry(world))

    asset = await an_uploaded_asset(world)
    await answer(Probe(look).step(), await uploaded(world, asset), world)
    [claimed] = seen
    assert (claimed["state"], claimed["attempts"]) == ("working", 1)


@pytest.mark.promises("O1")
async def test_a_duplicate_gets_the_stored_reply_and_no_second_work(world: World) -> None:
    probe, asset = Probe(), await an_uploaded_asset(world)
    said = await uploaded(world, asset)
    first = await answer(probe.step(), said, world)
    again = [await answer(probe.step(), said, world) for _ in range(3)]
    assert (first.status, len(probe.worked), len(probe.recorded)) == (200, 1, 1)
    assert [each.reply for each in again] == [first.reply] * 3


@pytest.mark.promises("O1", "O5")
async def test_of_many_at_once_one_works_and_the_others_are_told_to_come_again(world: World) -> None:
    others_were_told = asyncio.Event()

    async def wait(_asset: Asset) -> None:
        await others_were_told.wait()

    probe, asset = Probe(wait), await an_uploaded_asset(world)
    said = await uploaded(world, asset)
    tasks = [asyncio.create_task(answer(probe.step(), said, world)) for _ in range(5)]
    done: set[asyncio.Task[Any]] = set()
    while len(done) < 4:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        tasks_left = [task for task in tasks if task not in done]
        assert tasks_left
    others_were_told.set()
    statuses = sorted([(await task).status for task in tasks])
    assert statuses == [200, 409, 409, 409, 409]
    assert len(probe.worked) == 1


@pytest.mark.promises("O1")
async def test_who_lost_the_lease_can_no_more_write(world: World) -> None:
    """A process that slept beyond its lease wakes up when another has done the work."""
    asset = await an_uploaded_asset(world)
    said, second = await uploaded(world, asset), Probe()

    async def sleep_too_long(_asset: Asset) -> str:
        await write(world, "UPDATE inbox SET lease_until = now()")
        assert (await answer(second.step(), said, world)).status == 200
        return "late"

    zombie = Probe(sleep_too_long)
    late = await answer(zombie.step(), said, world)
    assert (late.outcome, late.status) == (Outcome.BUSY, 409)
    assert (zombie.recorded, len(second.recorded), zombie.undone) == ([], 1, [])
    assert (await answer(zombie.step(), said, world)).status == 200


@pytest.mark.promises("O1", "O4")
async def test_who_lost_the_lease_and_finds_the_asset_gone_removes_its_effects(world: World) -> None:
    asset = await an_uploaded_asset(world)

    async def sleep_too_long(_asset: Asset) -> None:
        await write(world, "UPDATE inbox SET lease_until = now(), token = gen_random_uuid()")
        async with world.database.transaction() as tx:
            await upkeep.delete(tx, asset)

    zombie = Probe(sleep_too_long)
    assert (await answer(zombie.step(), await uploaded(world, asset), world)).status == 204
    assert (zombie.recorded, zombie.undone) == ([], [Ref(asset, 1)])


async def test_a_lease_that_is_lost_stops_the_work(world: World) -> None:
    async def lose_it_and_wait(_asset: Asset) -> None:
        await write(world, "UPDATE inbox SET token = gen_random_uuid()")
        await asyncio.Event().wait()

    probe, asset = Probe(lose_it_and_wait), await an_uploaded_asset(world)
    quick = replace(world, lease_s=0.3)
    async with asyncio.timeout(20):
        assert (await answer(probe.step(), await uploaded(world, asset), quick)).error == "lease_lost"


async def test_a_lease_is_renewed_as_long_as_the_work_goes_on(world: World) -> None:
    async def work_longer_than_a_lease(_asset: Asset) -> None:
        first = (await entry(world))["lease_until"]

        async def renewed() -> bool:
            return bool((await entry(world))["lease_until"] > first)

        await until(renewed)

    probe, asset = Probe(work_longer_than_a_lease), await an_uploaded_asset(world)
    done = await answer(probe.step(), await uploaded(world, asset), replace(world, lease_s=0.6))
    assert (done.status, len(probe.worked)) == (200, 1)


@pytest.mark.promises("O6")
@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [(TooEarly(), Outcome.EARLY), (Unavailable("down", part="objects"), Outcome.UNAVAILABLE)],
)
async def test_waiting_is_never_counted_as_an_attempt(world: World, trouble: Exception, outcome: Outcome) -> None:
    async def fail(_asset: Asset) -> None:
        raise trouble

    probe, asset = Probe(fail), await an_uploaded_asset(world)
    said = await uploaded(world, asset)
    assert [(await answer(probe.step(), said, world)).outcome for _ in range(8)] == [outcome] * 8
    assert ((await entry(world))["attempts"], await state_of(world, asset)) == (0, "uploaded")
    probe.act = None
    assert (await answer(probe.step(), said, world)).status == 200


@pytest.mark.promises("O3", "O5")
async def test_a_step_whose_input_is_not_there_yet_is_told_so(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_png(1))
    early = await answer(Probe().step(), await uploaded(world, asset), world)
    assert (early.outcome, early.status) == (Outcome.EARLY, 409)


@pytest.mark.promises("O6")
async def test_after_five_errors_the_asset_has_failed_and_a_retry_works_again(world: World) -> None:
    async def fail(_asset: Asset) -> None:
        raise RuntimeError("a bug")

    probe, asset = Probe(fail), await an_uploaded_asset(world)
    said = await uploaded(world, asset)
    statuses = [(await answer(probe.step(), said, world)).status for _ in range(6)]
    assert statuses == [500, 500, 500, 500, 400, 400]
    assert len(probe.worked) == 5
    failed = await row(world, asset)
    assert (failed["state"], failed["reason"]) == ("failed", "internal_error")
    [step] = await read(world, "SELECT * FROM pipeline_steps")
    assert (step["state"], step["attempts"], step["error"]) == ("failed", 5, "internal_error")
    async with world.database.transaction() as tx:
        await upkeep.retry(tx, asset)
    probe.act = None
    assert (await answer(probe.step(), said, world)).status == 204, "the former run is over"
    assert (await answer(probe.step(), await uploaded(world, asset), world)).status == 200


@pytest.mark.promises("O1", "O6")
async def test_a_picture_that_kills_its_worker_is_set_aside_after_three(world: World) -> None:
    probe, asset = Probe(), await an_uploaded_asset(world)
    said = await uploaded(world, asset)
    for _ in range(3):
        async with world.database.transaction() as tx:
            assert await inbox.claim(tx, Entry("probe", asset, 1, "run:0"), 30)
            await inbox.abandon(tx, ["probe"])
    assert (await answer(probe.step(), said, world)).error == "worker_lost"
    failed = await row(world, asset)
    assert (failed["state"], failed["reason"], probe.worked) == ("failed", "worker_lost", [])
    async with world.database.transaction() as tx:
        await upkeep.retry(tx, asset)
    assert (await answer(probe.step(), await uploaded(world, asset), world)).status == 200


@pytest.mark.promises("O4")
@pytest.mark.parametrize("purged", [False, True])
async def test_who_meets_a_delete_at_the_end_of_its_work_takes_its_effects_back(world: World, purged: bool) -> None:
    asset = await an_uploaded_asset(world)

    async def people_delete_it(_asset: Asset) -> None:
        async with world.database.transaction() as tx:
            await upkeep.delete(tx, asset)
            if purged:
                await tx.execute("INSERT INTO tombstones (asset_id) VALUES (%s)", [asset])
                await tx.execute("DELETE FROM assets WHERE id = %s", [asset])

    probe = Probe(people_delete_it)
    said = await uploaded(world, asset)
    assert (await answer(probe.step(), said, world)).status == 204
    assert (probe.recorded, probe.undone) == ([], [Ref(asset, 1)])
    assert (await answer(probe.step(), said, world)).status == 204
    assert len(probe.worked) == 1


async def test_to_be_stopped_costs_no_attempt(world: World) -> None:
    begun = asyncio.Event()

    async def wait(_asset: Asset) -> None:
        begun.set()
        await asyncio.Event().wait()

    probe, asset = Probe(wait), await an_uploaded_asset(world)
    said = await uploaded(world, asset)
    for _ in range(4):
        begun.clear()
        task = asyncio.create_task(answer(probe.step(), said, world))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
    found = await entry(world)
    assert (found["attempts"], found["lost"], found["state"]) == (0, 0, "working")
    probe.act = None
    assert (await answer(probe.step(), said, world)).status == 200


@pytest.mark.promises("O6")
async def test_what_failed_while_it_was_taken_in_keeps_the_bytes_for_a_new_try(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_png(5))
    said, key = ObjectArrived(asset_id=asset), incoming_key(asset)

    async def fail_meanwhile(seen: Asset, ports: Ports, needs: object) -> object:
        done: object = await STEPS["ingest"].work(seen, ports, needs)
        await write(world, "UPDATE assets SET state = 'failed', reason = 'undeliverable'")
        return done

    ended = await answer(replace(STEPS["ingest"], work=fail_meanwhile), event(said), world)
    again = await answer(STEPS["ingest"], event(said), world)
    await write(world, "DELETE FROM inbox")
    late = await answer(STEPS["ingest"], event(said), world)
    assert [each.outcome for each in (ended, late)] == [Outcome.GONE, Outcome.GONE]
    assert again.outcome is Outcome.DONE
    assert (await world.ports.objects.stat(key)).key == key
    async with world.database.transaction() as tx:
        await upkeep.retry(tx, asset)
    assert (await answer(STEPS["ingest"], event(said), world)).status == 200
    assert await state_of(world, asset) == "uploaded"


# The event log and its runner


async def appended(world: World, *messages: tuple[str, str, dict[str, Any]]) -> None:
    async with world.database.transaction() as tx:
        for topic, key, message in messages:
            await log.append(tx, topic, key, message)


async def claimed(world: World, *groups: str, limit: int = 10) -> list[log.Delivery]:
    async with world.database.transaction() as tx:
        return await log.claim(tx, list(groups), limit, 30)


async def finished(world: World, delivery: log.Delivery) -> None:
    async with world.database.transaction() as tx:
        assert await log.done(tx, delivery)


@pytest.mark.promises("O2")
async def test_one_asset_is_in_order_and_in_one_hand_and_others_go_beside_it(world: World) -> None:
    groups = ("index", "reindex")
    for number in range(3):
        for key in "ab":
            await appended(world, ("assets.processed", key, {"n": number}), ("assets.changed", key, {"n": number}))
    seen: dict[tuple[str, str], list[int]] = {}
    while batch := await claimed(world, *groups):
        assert sorted(delivery.key for delivery in batch) == ["a", "b"]
        assert await claimed(world, *groups) == []
        for delivery in batch:
            seen.setdefault((delivery.key, delivery.group), []).append(delivery.message["n"])
            await finished(world, delivery)
    assert seen == {(key, group): [0, 1, 2] for key in "ab" for group in groups}


async def test_what_is_put_off_is_not_overtaken_by_its_own_asset(world: World) -> None:
    await appended(world, ("assets.changed", "a", {"n": 0}), ("assets.changed", "a", {"n": 1}))
    [first] = await claimed(world, "reindex")
    async with world.database.transaction() as tx:
        await log.postpone(tx, first, 60, "waits")
    assert await claimed(world, "reindex") == []


@pytest.mark.promises("O2")
async def test_what_commits_late_is_not_missed(world: World) -> None:
    async with world.database.transaction() as late:
        await log.append(late, "assets.changed", "late", {"n": 0})
        await appended(world, ("assets.changed", "quick", {"n": 1}))
        [quick] = await claimed(world, "reindex")
        await finished(world, quick)
    [found] = await claimed(world, "reindex")
    assert (quick.key, found.key, found.id < quick.id) == ("quick", "late", True)


@pytest.mark.promises("O2")
async def test_two_relays_publish_every_fact_once_and_in_order(world: World) -> None:
    keys = [await an_uploaded_asset(world, seed=seed) for seed in range(2)]
    async with world.database.transaction() as tx:
        for change in range(300):
            fact = AssetChanged(asset_id=keys[change % 2], generation=1, change=change)
            await outbox.put(tx, "assets.changed", fact)

    async def relay() -> int:
        async with world.database.transaction() as tx:
            return await outbox.relay(tx)

    moved = [await asyncio.gather(relay(), relay()) for _ in range(4)]
    assert sum(number for pair in moved for number in pair) == 300
    published = await read(world, "SELECT message FROM deliveries ORDER BY id")
    assert [each["message"]["data"]["change"] for each in published] == list(range(300))
    assert await count(world, "SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0


@dataclass
class Desk:
    """A runner of the group `reindex` whose one step does as a probe says."""

    world: World
    probe: Probe

    async def until_quiet(self) -> None:
        step = self.probe.step(name="index", consumes=(AssetChanged,), after=State.UPLOADED)
        task = asyncio.create_task(Runner(self.world, {"index": step}, ["reindex"]).run())
        try:
            await quiet(self.world)
        finally:
            task.cancel()
            await asyncio.wait([task])


async def changes(world: World, assets: list[AssetId], number: int) -> None:
    """So many changes of each asset in the log, one after another."""
    for _ in range(number):
        for asset in assets:
            await write(world, "UPDATE assets SET change = change + 1 WHERE id = %s", asset)
            fact = await said_of(world, AssetChanged, asset)
            await appended(world, ("assets.changed", str(asset), to_json(event(fact))))


async def test_the_runner_keeps_the_order_of_an_asset_and_works_on_several(world: World) -> None:
    now, most, twice = set[AssetId](), 0, False
    entered = asyncio.Event()

    async def work(asset: Asset) -> None:
        nonlocal most, twice
        twice = twice or asset.id in now
        now.add(asset.id)
        most = max(most, len(now))
        if len(now) > 1:
            entered.set()
        async with asyncio.timeout(20):
            await entered.wait()
        now.discard(asset.id)

    assets = [await an_uploaded_asset(world, seed=seed) for seed in range(3)]
    await changes(world, assets, 4)
    await Desk(world, Probe(work)).until_quiet()
    assert (most > 1, twice) == (True, False)
    assert await count(world, "SELECT count(*) FROM inbox WHERE state = 'done'") == 12


@pytest.mark.promises("O6")
async def test_a_group_rests_while_a_dependency_is_down_and_goes_on_by_itself(world: World) -> None:
    down = iter([True] * 3)

    async def work(_asset: Asset) -> None:
        if next(down, False):
            raise Unavailable("down", part="objects")

    probe, asset = Probe(work), await an_uploaded_asset(world)
    await changes(world, [asset], 1)
    await Desk(world, probe).until_quiet()
    assert ((await entry(world))["attempts"], (await entry(world))["state"]) == (1, "done")
    assert await read(world, "SELECT 1 FROM dead_letters") == []


def test_many_that_meet_the_same_outage_lengthen_the_rest_once() -> None:
    pause = Pause()
    for _ in range(8):
        pause.lengthen()
    assert pause.length_s == 0.5
    for _ in range(20):
        pause.until = 0
        pause.lengthen()
    assert pause.length_s == LONGEST_PAUSE_S


@pytest.mark.promises("O6")
async def test_what_cannot_be_settled_goes_to_the_dead_letters_and_the_rest_goes_on(world: World) -> None:
    async def fail_once(asset: Asset) -> None:
        if asset.id == bad:
            raise RuntimeError("a bug")

    good, bad = await an_uploaded_asset(world, seed=1), await an_uploaded_asset(world, seed=2)
    await appended(world, ("assets.changed", str(good), {"not": "an event"}))
    await changes(world, [bad, good], 1)
    await write(world, "UPDATE deliveries SET attempts = 3")
    await Desk(world, Probe(fail_once)).until_quiet()
    letters = await read(world, "SELECT * FROM dead_letters ORDER BY id")
    assert {(each["key"], each["topic"], each["error"].split(":")[0]) for each in letters} == {
        (str(good), "assets.changed.dlq", "malformed"), (str(bad), "assets.changed.dlq", "RuntimeError"),
    }  # fmt: skip
    assert await count(world, "SELECT count(*) FROM inbox WHERE asset_id = %s AND state = 'done'", good) == 1
    assert await state_of(world, bad) == "uploaded", "a change that is not shown fails no asset"


@pytest.mark.promises("O6")
async def test_to_be_stopped_costs_a_delivery_nothing(world: World) -> None:
    begun = asyncio.Event()

    async def wait(_asset: Asset) -> None:
        begun.set()
        await asyncio.Event().wait()

    await changes(world, [await an_uploaded_asset(world)], 1)
    step = Probe(wait).step(name="index", consumes=(AssetChanged,), after=State.UPLOADED)
    for _ in range(6):
        begun.clear()
        task = asyncio.create_task(Runner(world, {"index": step}, ["reindex"], grace_s=0).run())
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
    [delivery] = await read(world, "SELECT attempts, waits, suspect, lease_until FROM deliveries")
    assert delivery == {"attempts": 0, "waits": 0, "suspect": False, "lease_until": None}
    await Desk(world, Probe()).until_quiet()
    assert await read(world, "SELECT 1 FROM dead_letters") == []


@pytest.mark.promises("O6", "R16")
@pytest.mark.parametrize("how", ["died", "slept"])
async def test_what_a_process_was_lost_with_has_the_next_one_for_itself(world: World, how: str) -> None:
    now, crowd = set[AssetId](), dict[AssetId, int]()

    async def work(asset: Asset) -> None:
        now.add(asset.id)
        for _ in range(20):
            await asyncio.sleep(0)
            crowd[asset.id] = max(crowd.get(asset.id, 0), len(now))
        await count(world, "SELECT 1 FROM pg_sleep(0.05)")
        crowd[asset.id] = max(crowd[asset.id], len(now))
        now.discard(asset.id)

    suspects = [await an_uploaded_asset(world, seed=seed) for seed in range(3)]
    await changes(world, suspects, 1)
    assert not any(delivery.suspect for delivery in await claimed(world, "reindex"))
    if how == "slept":
        await write(world, "UPDATE deliveries SET lease_until = now() - interval '1 second'")
        assert all(delivery.suspect for delivery in await claimed(world, "reindex"))
    others = [await an_uploaded_asset(world, seed=seed) for seed in range(3, 6)]
    await changes(world, others, 1)
    await Desk(world, Probe(work)).until_quiet()
    assert [crowd[asset] for asset in suspects] == [1, 1, 1]
    assert max(crowd[asset] for asset in others) > 1
    assert await count(world, "SELECT count(*) FROM inbox WHERE state = 'done'") == 6


@pytest.mark.promises("O6", "R16")
async def test_a_picture_that_kills_its_worker_does_not_condemn_its_neighbours(world: World) -> None:
    """The process dies whenever the bad one is worked on: by an abandoned lease, as the next start finds it."""
    bad, *good = [await an_uploaded_asset(world, seed=seed) for seed in range(4)]
    await changes(world, [bad, *good], 1)
    dead = asyncio.Event()

    async def kill(asset: Asset) -> None:
        if asset.id == bad:
            await count(world, "SELECT 1 FROM pg_sleep(0.3)")  # whoever works beside it has begun by then
            dead.set()
        await asyncio.Event().wait()

    step = Probe(kill).step(name="index", consumes=(AssetChanged,), after=State.UPLOADED)
    for _ in range(3):
        runner = Runner(world, {"index": step}, ["reindex"], grace_s=0)
        task = asyncio.create_task(runner.run())
        await asyncio.wait_for(dead.wait(), 20)
        dead.clear()
        held = await read(world, "SELECT id, token FROM deliveries WHERE lease_until IS NOT NULL")
        claims = await read(world, "SELECT asset_id, attempts, lost FROM inbox WHERE state = 'working'")
        task.cancel()
        await asyncio.wait([task])
        # What a kill leaves, in the place of what a clean stop left.
        await write(world, "UPDATE deliveries SET lease_until = now() + interval '1 minute' WHERE id = ANY(%s)",
                    [each["id"] for each in held])  # fmt: skip
        for each in claims:
            await write(world, "UPDATE inbox SET lease_until = now() + interval '1 minute', attempts = %s"
                        " WHERE asset_id = %s AND state = 'working'", each["attempts"], each["asset_id"])  # fmt: skip
    await Desk(world, Probe()).until_quiet()
    letters = await read(world, "SELECT key, error FROM dead_letters")
    assert [(each["key"], each["error"]) for each in letters] == [(str(bad), "worker_lost")]
    assert await count(world, "SELECT count(*) FROM inbox WHERE state = 'done'") == 3


async def test_a_notification_of_several_objects_takes_each_one_in(world: World) -> None:
    owner = await a_user(world)
    assets = [await an_upload(world, owner, a_png(seed, (32, 32))) for seed in range(2)]
    records: list[Any] = []
    for asset in assets:
        new = NewObject("miraveja", f"incoming/{asset}", 1, "image/png", "e", "1", utcnow())
        records += json.loads(notification(new))["Records"]
    await appended(world, ("storage.events", "both", {"raw": {"Records": records}}))
    async with running(world):
        await quiet(world)
    assert [await state_of(world, asset) for asset in assets] == ["ready", "ready"]


async def test_every_step_that_can_leave_effects_can_take_them_back() -> None:
    assert {name for name, step in STEPS.items() if step.undo} == {"ingest", "thumbnail", "index", "purge"}
    assert {name for name, step in STEPS.items() if step.by_generation} == {"ingest", "thumbnail"}
