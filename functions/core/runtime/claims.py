"""The first transaction of a step: look at the row and the inbox, and take the work on or say why not."""

from dataclasses import dataclass, replace
from typing import Any

from events.envelope import from_json
from events.types import AssetChanged, Fact, StepFact
from functions.core.ids import AssetId
from functions.core.model import ENDS, PATH, Asset, State
from functions.core.postgres import assets, inbox, steps
from functions.core.postgres.inbox import Claim, Entry
from functions.core.runtime.answer import Answer, Outcome
from functions.core.runtime.step import Ref, Step, TooEarly
from functions.core.tx import Tx

MOST_ATTEMPTS = 5
MOST_LOST = 3
"""A picture that kills its worker is set aside although no exception was ever raised; after the first time the runner
gives it the process for itself, so that its neighbours do not pay."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Ours to work on."""

    claim: Claim
    asset: Asset
    needs: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Not ours: the answer, and whose effects to remove or tidy first."""

    answer: Answer
    undo: Ref | None = None
    settle: Ref | None = None


def mark_of(fact: Fact, asset: Asset) -> str:
    """What tells one piece of work on a generation from another: the run, or the counted change."""
    match fact:
        case AssetChanged(change=change):
            return f"change:{change}"
        case StepFact(run=run):
            return f"run:{run}"
    return f"run:{asset.run}"


async def take(tx: Tx, step: Step, fact: Fact, lease_s: float) -> Taken | Left:
    """Claim one fact for one step; committed by the caller before any work begins."""
    asset_id = AssetId(fact.asset_id)
    asset = await assets.find(tx, asset_id)
    ref = Ref(asset_id, _generation(fact, asset))
    if (
        asset is None
        or asset.generation > ref.generation
        or (asset.state is State.DELETING) > (step.after is State.DELETING)
    ):
        return await _gone(tx, step, ref, asset)
    if isinstance(fact, StepFact) and fact.run < asset.run:
        return Left(Answer(Outcome.GONE), settle=ref)
    entry = Entry(step.name, asset_id, ref.generation, mark_of(fact, asset))
    if left := await _known(tx, entry, ref) or _out_of_place(step, fact, asset, ref):
        # What failed may be tried again, from the very bytes that tidying up would remove.
        return replace(left, settle=None) if asset.state is State.FAILED else left
    return await _claim(tx, step, entry, asset, lease_s)


def _generation(fact: Fact, asset: Asset | None) -> int:
    """The fence that the fact was said under; an arrival is of whatever generation its row is."""
    if isinstance(fact, AssetChanged | StepFact):
        return fact.generation
    return asset.generation if asset else 1


async def _gone(tx: Tx, step: Step, ref: Ref, asset: Asset | None) -> Left:
    """Superseded or purged; an id that was never ours is left to the sweeper."""
    if asset is None:
        known = await assets.is_gone_for_good(tx, ref.id)
    else:
        # An old event, or a forged one, takes nothing from a generation that lives.
        known = step.by_generation or asset.state is State.DELETING
    return Left(Answer(Outcome.GONE), undo=ref if known else None)


async def _known(tx: Tx, entry: Entry, ref: Ref) -> Left | None:
    """The answer of before; tidied up after once more, since a crash may have come before that."""
    known = await inbox.look(tx, entry)
    if known is None or known.state == "working":
        return None
    if known.state == "dead":
        return Left(Answer(Outcome.DEAD, error=known.error or "dead"))
    return Left(Answer(Outcome.DONE, reply=from_json(known.reply) if known.reply else None), settle=ref)


def _out_of_place(step: Step, fact: Fact, asset: Asset, ref: Ref) -> Left | None:
    """The asset is not where the step works: too early, or over."""
    if asset.generation < ref.generation or _ahead(fact, asset) or _before(asset, step):
        # A change is read from the row when its turn comes: nothing waits for it.
        over = isinstance(fact, AssetChanged)
        return Left(Answer(Outcome.GONE)) if over else Left(Answer(Outcome.EARLY, error="too_early"))
    ended = asset.state in ENDS and not step.at_ends
    passed = asset.state is not step.after and (step.once or step.after is State.DELETING)
    return Left(Answer(Outcome.GONE), settle=ref) if ended or passed else None


def _ahead(fact: Fact, asset: Asset) -> bool:
    """The fact tells of what the row does not know: it would take the place of the work that is to come."""
    match fact:
        case AssetChanged(change=change):
            return change > asset.change
        case StepFact(run=run):
            return run > asset.run
    return False


def _before(asset: Asset, step: Step) -> bool:
    return asset.state in PATH and step.after in PATH and PATH.index(asset.state) < PATH.index(step.after)


async def _claim(tx: Tx, step: Step, entry: Entry, asset: Asset, lease_s: float) -> Taken | Left:
    try:
        needs = (await step.load(tx, asset),) if step.load else ()
    except TooEarly:
        return Left(Answer(Outcome.EARLY, error="too_early"))
    claim = await inbox.claim(tx, entry, lease_s)
    if claim is None:
        return Left(Answer(Outcome.BUSY, error="in_progress"))
    if claim.lost >= MOST_LOST or claim.attempts > MOST_ATTEMPTS:
        reason = "worker_lost" if claim.lost else "too_many_attempts"
        await give_up(tx, claim, asset, reason)
        return Left(Answer(Outcome.DEAD, error=reason))
    await steps.begin(tx, asset, step.name, claim.attempts)
    return Taken(claim, asset, needs)


async def give_up(tx: Tx, claim: Claim, asset: Asset, reason: str) -> None:
    """Set the work aside for good: the owner reads why, and may ask for a new run."""
    if await inbox.finish(tx, claim, "dead", None, reason):
        await assets.end(tx, asset.id, State.FAILED, reason)
        await steps.end(tx, asset, claim.entry.step, "failed", reason)


async def undeliverable(tx: Tx, fact: Fact) -> None:
    """A dead letter ends its asset, unless it is of another run or generation, or of a change that is only shown."""
    asset = await assets.find(tx, AssetId(fact.asset_id), lock=True)
    if asset and _generation(fact, asset) == asset.generation and mark_of(fact, asset) == f"run:{asset.run}":
        await assets.end(tx, asset.id, State.FAILED, "undeliverable")
