"""One event through one step, in the order that survives crashes, duplicates and deletes.

claim (committed) -> row and generation -> work -> effects under deterministic names -> one transaction of guard, record,
state, reply -> answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from events.envelope import Event, new_event, to_json
from events.types import AssetRejected, Fact
from functions.core import metrics, traces
from functions.core.errors import Rejected, Unavailable
from functions.core.failpoints import reach
from functions.core.model import ENDS, Asset, State
from functions.core.postgres import assets, inbox, outbox, steps
from functions.core.postgres.inbox import Claim
from functions.core.runtime.answer import Answer, Outcome
from functions.core.runtime.claims import MOST_ATTEMPTS, Left, Taken, give_up, take
from functions.core.runtime.step import Moved, Ports, Ref, Step, TooEarly
from functions.core.stopping import told_to_stop
from functions.core.times import utcnow
from functions.core.tx import Database, Tx

log = logging.getLogger(__name__)
MOST_MOVES = 5


class Superseded(Exception):
    """The asset was deleted or replaced while the step worked."""


class GivenUp(Exception):
    """The asset failed while the step worked; it may be tried again, so nothing of it is removed."""


class LeaseLost(Exception):
    """Another took the work over; its word counts."""


@dataclass(frozen=True, slots=True)
class World:
    """Where steps run: rows, ports, how long a claim holds, and how long one try may take."""

    database: Database
    ports: Ports
    lease_s: float = 30.0
    wall_s: float = 120.0


async def answer(step: Step, event: Event, world: World) -> Answer:
    """Pass one event through one step; every trouble becomes an outcome, none an exception."""
    result = await _answer(step, event, world)
    metrics.STEPS.labels(step.name, result.outcome.value).inc()
    return result


async def _answer(step: Step, event: Event, world: World) -> Answer:
    try:
        async with world.database.transaction() as tx:
            claimed = await take(tx, step, event.fact, world.lease_s)
        await reach(f"{step.name}.after_claim", event.fact.asset_id)
        if isinstance(claimed, Taken):
            return await _observed(step, event, claimed, world)
        return await _leave(step, claimed, world)
    except Unavailable as error:
        return Answer(Outcome.UNAVAILABLE, error=error.detail)
    except Exception:  # the door of an event function: a bug must not end the process
        log.exception("step %s could not take on asset %s", step.name, event.fact.asset_id)
        return Answer(Outcome.FAILED, error="internal_error")


async def _leave(step: Step, left: Left, world: World) -> Answer:
    if left.undo and step.undo:
        await step.undo(left.undo, world.ports)
    if left.settle and step.settle:
        await step.settle(left.settle, world.ports)
    return left.answer


async def _observed(step: Step, event: Event, taken: Taken, world: World) -> Answer:
    """The work, timed, as a span of the trace that its event belongs to."""
    if taken.claim.attempts > 1:
        metrics.STEP_RETRIES.labels(step.name).inc()
    with traces.span(step.name, event.traceparent) as span, metrics.STEP_S.labels(step.name).time():
        span.say(asset_id=str(taken.asset.id), attempt=taken.claim.attempts)
        result = await _carry_out(step, taken, world)
        span.say(outcome=result.outcome.value)
        return result


async def _carry_out(step: Step, taken: Taken, world: World) -> Answer:
    try:
        async with _lease(taken.claim, world), asyncio.timeout(world.wall_s):
            reply = await _until_still(step, taken, world)
        await reach(f"{step.name}.after_record", taken.asset.id)
        if step.settle:
            await step.settle(_ref(taken.asset), world.ports)
        return Answer(Outcome.DONE, reply=reply)
    except asyncio.CancelledError:
        # Told to stop: the attempt is given back, so that stopping often is never taken for a poisonous picture.
        with suppress(Unavailable):
            await _let_go(taken.claim, Answer(Outcome.BUSY, error="stopped"), world)
        raise
    except (Superseded, GivenUp, Rejected, LeaseLost) as end:
        return await _ended(step, taken, end, world)
    except Exception as trouble:  # noqa: BLE001 -- a bug in one step must not end the process
        return await _troubled(step, taken, trouble, world)


def _ref(asset: Asset) -> Ref:
    return Ref(asset.id, asset.generation)


async def _ended(step: Step, taken: Taken, end: Exception, world: World) -> Answer:
    """The work is over, though not done."""
    if isinstance(end, Rejected):
        return await _reject(step, taken.asset, taken.claim, end, world)
    if isinstance(end, LeaseLost) and not await _is_superseded(taken.asset, world):
        return Answer(Outcome.BUSY, error="lease_lost")
    if step.undo and not isinstance(end, GivenUp):
        await step.undo(_ref(taken.asset), world.ports)
    return await _close(taken.claim, world)


async def _is_superseded(asset: Asset, world: World) -> bool:
    """Whether what we wrote after we lost the lease is nobody's: who took over may have been and gone."""
    try:
        async with world.database.transaction() as tx:
            await _still_there(tx, asset)
    except Superseded:
        return True
    return False


async def _troubled(step: Step, taken: Taken, trouble: Exception, world: World) -> Answer:
    """The work is to be done again."""
    match trouble:
        case TooEarly():
            return await _let_go(taken.claim, Answer(Outcome.EARLY, error="too_early"), world)
        case Unavailable():
            return await _let_go(taken.claim, Answer(Outcome.UNAVAILABLE, error=trouble.detail), world)
    log.error("step %s failed on asset %s", step.name, taken.asset.id, exc_info=trouble)
    return await _fail(taken.asset, taken.claim, type(trouble).__name__, world)


async def _until_still(step: Step, taken: Taken, world: World) -> Event | None:
    """Work and record; when the row moved meanwhile, once more from what it says now."""
    asset, needs = taken.asset, taken.needs
    for _ in range(MOST_MOVES):
        result = await step.work(asset, world.ports, *needs)
        await reach(f"{step.name}.after_work", asset.id)
        try:
            async with world.database.transaction() as tx:
                return await _record(tx, step, taken.claim, asset, result)
        except Moved:
            async with world.database.transaction() as tx:
                asset = await _still_there(tx, asset)
                needs = (await step.load(tx, asset),) if step.load else ()
    raise TooEarly


async def _still_there(tx: Tx, asset: Asset, *, lock: bool = False) -> Asset:
    now = await assets.find(tx, asset.id, lock=lock)
    if (
        now is None
        or now.generation != asset.generation
        or (now.state is State.DELETING) != (asset.state is State.DELETING)
    ):
        raise Superseded
    return now


async def _record(tx: Tx, step: Step, claim: Claim, asset: Asset, result: Any) -> Event | None:
    """The transaction of guard, record, state and reply."""
    if not await inbox.hold(tx, claim):
        raise LeaseLost
    now = await _still_there(tx, asset, lock=True)
    if now.state in ENDS and not step.at_ends:
        raise GivenUp if now.state is State.FAILED else Superseded
    fact: Fact | None = await step.record(tx, now, result)
    event = new_event(fact, now=utcnow(), traceparent=traces.current()) if fact else None
    await inbox.finish(tx, claim, "done", to_json(event) if event else None)
    if step.to and now.state is step.after:
        _count(now, step.to, await assets.move(tx, now, step.to))
    await steps.end(tx, asset, step.name, "done")
    await reach(f"{step.name}.before_commit", asset.id)
    return event


def _count(asset: Asset, to: State, since_s: float) -> None:
    """What people wait for: taken in, and ready."""
    if to is State.UPLOADED:
        metrics.UPLOADS.inc()
        metrics.UPLOAD_BYTES.inc(asset.size)
    elif to is State.READY:
        metrics.READY_S.observe(since_s)


async def _reject(step: Step, asset: Asset, claim: Claim, verdict: Rejected, world: World) -> Answer:
    """Content that cannot work is no error: it is told to the owner and acknowledged."""
    async with world.database.transaction() as tx:
        if not await inbox.finish(tx, claim, "done", None, verdict.code()):
            return Answer(Outcome.BUSY, error="lease_lost")
        await steps.end(tx, asset, step.name, "rejected", verdict.code())
        ended = await assets.end(tx, asset.id, State.REJECTED, verdict.code())
        if ended:
            metrics.REJECTED.labels(verdict.code()).inc()
            await outbox.put(tx, "assets.processed", AssetRejected.of(asset, reason=verdict.code()))
    if ended and step.settle:
        await step.settle(_ref(asset), world.ports)
    return Answer(Outcome.GONE)


async def _close(claim: Claim, world: World) -> Answer:
    async with world.database.transaction() as tx:
        await inbox.finish(tx, claim, "done", None, "superseded")
    return Answer(Outcome.GONE)


async def _let_go(claim: Claim, answer: Answer, world: World) -> Answer:
    async with world.database.transaction() as tx:
        await inbox.release(tx, claim, answer.error, counts=False)
    return answer


async def _fail(asset: Asset, claim: Claim, error: str, world: World) -> Answer:
    async with world.database.transaction() as tx:
        if claim.attempts < MOST_ATTEMPTS:
            await inbox.release(tx, claim, error, counts=True)
            return Answer(Outcome.FAILED, error=error)
        await give_up(tx, claim, asset, "internal_error")
    return Answer(Outcome.DEAD, error=error)


@asynccontextmanager
async def _lease(claim: Claim, world: World) -> AsyncIterator[None]:
    """Keep the claim while the body works; when it is lost, the body is stopped and LeaseLost raised."""
    body = asyncio.current_task()
    lost = False

    async def keep() -> None:
        nonlocal lost
        while not (lost or told_to_stop()):
            await asyncio.sleep(world.lease_s / 3)
            try:
                async with world.database.transaction() as tx:
                    lost = not await inbox.renew(tx, claim, world.lease_s)
            except Unavailable:
                continue
        if body and not told_to_stop():  # once the body has ended, its task is at something else
            body.cancel()

    keeper = asyncio.create_task(keep())
    try:
        yield
    except asyncio.CancelledError:
        if lost and body:
            body.uncancel()
            raise LeaseLost from None
        raise
    finally:
        keeper.cancel()
