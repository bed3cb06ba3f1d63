"""Runs groups from the Postgres log: steps in turn, assets in parallel, retries, dead letters, a clean stop."""

import asyncio
import json
import logging
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from events import flow, minio
from events.envelope import Event, from_json, new_event, to_json, traceparent
from events.errors import EnvelopeError
from functions.core.errors import Unavailable
from functions.core.model import BUCKET
from functions.core.postgres import inbox, log
from functions.core.postgres.log import Counted, Delivery
from functions.core.runtime.answer import Answer, Outcome
from functions.core.runtime.claims import MOST_ATTEMPTS, undeliverable
from functions.core.runtime.run import World, answer
from functions.core.runtime.step import Step
from functions.core.stopping import told_to_stop
from functions.core.times import utcnow

logger = logging.getLogger(__name__)
MOST: Final[Mapping[Counted, int]] = {"attempts": MOST_ATTEMPTS, "waits": 200}
COUNTS: Final[Mapping[Outcome, Counted]] = {
    Outcome.FAILED: "attempts", Outcome.BUSY: "waits", Outcome.EARLY: "waits",
}  # fmt: skip
"""What one more of these is counted as; a dependency that is down is not counted at all."""
HOPELESS: Final = (Outcome.MALFORMED, Outcome.FORGED, Outcome.DEAD)
LONGEST_PAUSE_S = 30.0


def events_in(message: dict[str, Any], bucket: str = BUCKET) -> list[Event]:
    """The facts in a record: one CloudEvent, or what a bucket notification tells; raises EnvelopeError."""
    if "raw" not in message:
        return [from_json(message)]
    trace = traceparent(message)
    arrived = minio.arrived(json.dumps(message["raw"]).encode(), bucket=bucket)
    return [new_event(fact, now=utcnow(), traceparent=trace) for fact in arrived]


@dataclass(slots=True)
class Pause:
    """A group rests while a dependency is down: longer each time, until something works."""

    until: float = 0.0
    length_s: float = 0.25

    def lengthen(self) -> None:
        """The dependency did not answer again; several that meet it at once are one."""
        if self.until > time.monotonic():
            return
        self.until = time.monotonic() + self.length_s
        self.length_s = min(self.length_s * 2, LONGEST_PAUSE_S)


@dataclass(slots=True)
class Runner:
    """The runner of some groups in one process; `run` ends when the task is cancelled and what is under way is done."""

    world: World
    steps: Mapping[str, Step]
    groups: list[str]
    slots: int = 4
    bucket: str = BUCKET
    grace_s: float = 2.0
    _under_way: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _suspects: set[int] = field(default_factory=set)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _pauses: dict[str, Pause] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Take over what a former process of ours left, then work until cancelled."""
        await self._take_over()
        listener, keeper = asyncio.create_task(self._listen()), asyncio.create_task(self._keep_leases())
        try:
            while not told_to_stop():
                self._wake.clear()
                if not await self._fill():
                    await self._rest()
        finally:
            listener.cancel()
            await self._drain()
            keeper.cancel()

    async def _take_over(self) -> None:
        """Nobody else runs these groups: whatever is leased was lost with the process that held it."""
        async with self.world.database.transaction() as tx:
            await log.abandon(tx, self.groups)
            await inbox.abandon(tx, [step for name in self.groups for step in flow.group(name).steps])

    async def _fill(self) -> bool:
        """Start what is due and fits; says whether anything was. Nothing new comes beside a suspect."""
        groups = [name for name in self.groups if self._pause(name).until <= time.monotonic()]
        free = self.slots - len(self._under_way)
        if not groups or free <= 0 or self._suspects:
            return False
        try:
            async with self.world.database.transaction() as tx:
                claimed = await log.claim(tx, groups, free, self.world.lease_s)
        except Unavailable:
            await asyncio.sleep(0.5)
            return False
        for delivery in claimed:
            task = asyncio.create_task(self._deliver(delivery), name=f"{delivery.group}:{delivery.key}")
            self._under_way[delivery.id] = task
            self._suspects |= {delivery.id} if delivery.suspect else set()
        return bool(claimed)

    async def _rest(self) -> None:
        longest = await self._until_due()
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._wake.wait()

    async def _until_due(self) -> float:
        """At most a second, since a notification may be lost with its connection."""
        try:
            async with self.world.database.transaction() as tx:
                due = await log.due_in(tx, self.groups)
        except Unavailable:
            return 1.0
        return 1.0 if due is None or due <= 0 else min(due, 1.0)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            if delivery.suspect:
                await self._pass_alone(delivery)
            else:
                await self._pass(delivery)
        except asyncio.CancelledError:
            # Told to stop: given back at once, and under no new suspicion.
            with suppress(Unavailable):
                await self._give_back(delivery, 0, None)
            raise
        except Unavailable:
            self._pause(delivery.group).lengthen()
        except Exception:  # one delivery must not end the runner; its lease brings it back
            logger.exception("delivery %s of %s failed", delivery.id, delivery.group)
        finally:
            self._under_way.pop(delivery.id, None)
            self._suspects.discard(delivery.id)
            self._wake.set()

    async def _pass_alone(self, delivery: Delivery) -> None:
        """What may have killed its process has the next one for itself: no neighbour is lost with it, or blamed for it."""
        async with self._alone:
            if innocent := [task for id_, task in self._under_way.items() if id_ not in self._suspects]:
                await asyncio.wait(innocent)
            await self._pass(delivery)

    async def _pass(self, delivery: Delivery) -> None:
        """Each fact of a record through the group; what was done before gives its stored reply again."""
        try:
            events = events_in(delivery.message, self.bucket)
        except EnvelopeError as error:
            await self._bury(delivery, f"malformed: {error}")
            return
        replies: list[Event] = []
        for event in events:
            result, reply = await self._through(flow.group(delivery.group), event)
            if result.outcome not in (Outcome.DONE, Outcome.GONE):
                await self._put_off(delivery, result)
                return
            replies += [reply] if reply else []
        await self._finish(delivery, replies)
        self._pauses.pop(delivery.group, None)

    async def _through(self, group: flow.Group, event: Event) -> tuple[Answer, Event | None]:
        """The steps in turn, each with the reply of the one before; no reply ends the chain."""
        result, current = Answer(Outcome.GONE), event
        for name in group.steps:
            result = await answer(self.steps[name], current, self.world)
            if result.outcome is not Outcome.DONE or result.reply is None:
                return result, None
            current = result.reply
        return result, current

    async def _finish(self, delivery: Delivery, replies: list[Event]) -> None:
        topic = flow.group(delivery.group).replies_to
        async with self.world.database.transaction() as tx:
            if await log.done(tx, delivery) and topic:
                for reply in replies:
                    await log.append(tx, topic, reply.fact.key, to_json(reply))

    async def _put_off(self, delivery: Delivery, result: Answer) -> None:
        if result.outcome is Outcome.UNAVAILABLE:
            self._pause(delivery.group).lengthen()
        counts = COUNTS.get(result.outcome)
        tries = {"attempts": delivery.attempts, "waits": delivery.waits}.get(counts or "", 0)
        if result.outcome in HOPELESS or (counts and tries + 1 >= MOST[counts]):
            await self._bury(delivery, result.error)
            return
        delay = random.uniform(0, 0.5 * 2 ** min(tries, 4))  # noqa: S311
        await self._give_back(delivery, delay, counts)

    async def _give_back(self, delivery: Delivery, delay_s: float, counts: Counted | None) -> None:
        async with self.world.database.transaction() as tx:
            await log.postpone(tx, delivery, delay_s, counts)

    async def _bury(self, delivery: Delivery, error: str) -> None:
        logger.warning("dead letter: %s %s: %s", delivery.group, delivery.key, error)
        async with self.world.database.transaction() as tx:
            await log.bury(tx, delivery, error)
            with suppress(EnvelopeError):
                for event in events_in(delivery.message, self.bucket):
                    await undeliverable(tx, event.fact)

    def _pause(self, group: str) -> Pause:
        return self._pauses.setdefault(group, Pause())

    async def _listen(self) -> None:
        """Wake on every new delivery; the connection is made again when it is lost."""
        while not told_to_stop():
            with suppress(psycopg.Error):
                async with self.world.database.listening(log.CHANNEL) as heard:
                    self._wake.set()
                    async for _ in heard.notifies():
                        self._wake.set()
            await asyncio.sleep(0.5)

    async def _keep_leases(self) -> None:
        while not told_to_stop():
            await asyncio.sleep(self.world.lease_s / 3)
            with suppress(Unavailable):
                async with self.world.database.transaction() as tx:
                    await log.renew(tx, list(self._under_way), self.world.lease_s)

    async def _drain(self) -> None:
        """Let what is under way end; what takes longer is given up, and comes again."""
        if self._under_way:
            tasks = list(self._under_way.values())
            _, late = await asyncio.wait(tasks, timeout=self.grace_s)
            while late:
                for task in late:
                    task.cancel()
                _, late = await asyncio.wait(late, timeout=0.5)
