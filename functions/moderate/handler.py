"""Judges a picture by what is known of it; until there is a verdict, others do not see it."""

from dataclasses import dataclass

from events.types import AssetProcessed, AssetVectorized
from functions.core import reasons
from functions.core.model import Asset, Moderation, State
from functions.core.ports import Vector
from functions.core.runtime.step import Ports, Step, TooEarly
from functions.core.tx import Tx
from functions.moderate import rows
from functions.moderate.rows import Verdict


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stored vector, float32 of shape (dim,), and its model."""

    model: str
    vector: Vector


async def load(tx: Tx, asset: Asset) -> Evidence:
    """What there is to judge by; raises TooEarly while there is no vector."""
    found = await rows.vector(tx, asset)
    if found is None:
        raise TooEarly
    return Evidence(*found)


async def work(asset: Asset, ports: Ports, evidence: Evidence) -> Verdict:
    """A concept over its threshold is restricted; under review waits; the rest is approved."""
    if evidence.model != ports.embedding.model.model_id:
        # Says nothing here: housekeeping has it embedded anew, and judged then.
        return Verdict(Moderation.PENDING, reasons.NEEDS_REVIEW)
    limits = ports.rules.thresholds
    scores = {concept: await likeness(ports, concept, evidence.vector) for concept, _ in limits}
    if any(scores[concept] >= threshold for concept, threshold in limits):
        return Verdict(Moderation.RESTRICTED, reasons.OVER_THRESHOLD, scores)
    if ports.rules.review:
        return Verdict(Moderation.PENDING, reasons.NEEDS_REVIEW, scores)
    return Verdict(Moderation.APPROVED, None, scores)


async def likeness(ports: Ports, concept: str, picture: Vector) -> float:
    """How much a picture shows a concept said in words, 0 to 1, as far as the model can tell."""
    words = await ports.embedding.text(concept)
    return ports.embedding.model.score_text(float(words @ picture))


async def record(tx: Tx, asset: Asset, verdict: Verdict) -> AssetProcessed:
    """The verdict is a column. The block lists are read only now: what was blocked while we worked is rejected too."""
    if await rows.looks_blocked(tx, asset):
        verdict = Verdict(Moderation.REJECTED, reasons.LOOKS_BLOCKED, verdict.scores)
    await rows.store_verdict(tx, asset, verdict)
    return AssetProcessed.of(asset)


STEP = Step(
    name="moderate", consumes=(AssetVectorized,), after=State.UPLOADED, to=State.PROCESSED,
    load=load, work=work, record=record,
)  # fmt: skip
