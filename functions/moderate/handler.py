"""Judges a picture by what is known of it; until there is a verdict, others do not see it."""

from dataclasses import dataclass

from events.types import AssetProcessed, AssetVectorized
from functions.core.model import Asset, Moderation, State
from functions.core.ports import Vector
from functions.core.runtime.step import Ports, Step, TooEarly
from functions.core.tx import Tx
from functions.moderate import rows


@dataclass(frozen=True, slots=True)
class Evidence:
    """The stored vector, float32 of shape (dim,), its model, and whether the picture looks like a blocked one."""

    model: str
    vector: Vector
    blocked: bool


async def load(tx: Tx, asset: Asset) -> Evidence:
    """What there is to judge by; raises TooEarly while there is no vector."""
    found = await rows.vector(tx, asset)
    if found is None:
        raise TooEarly
    return Evidence(*found, await rows.looks_blocked(tx, asset))


async def work(asset: Asset, ports: Ports, evidence: Evidence) -> Moderation:
    """Blocked is rejected; a concept over its threshold is restricted; under review waits; the rest is approved."""
    if evidence.blocked:
        return Moderation.REJECTED
    if evidence.model != ports.embedding.model.model_id:
        return Moderation.PENDING  # says nothing here: housekeeping has it embedded anew, and judged then
    for concept, threshold in ports.rules.thresholds:
        if await likeness(ports, concept, evidence.vector) >= threshold:
            return Moderation.RESTRICTED
    return Moderation.PENDING if ports.rules.review else Moderation.APPROVED


async def likeness(ports: Ports, concept: str, picture: Vector) -> float:
    """How much a picture shows a concept said in words, 0 to 1, as far as the model can tell."""
    words = await ports.embedding.text(concept)
    return ports.embedding.model.score_text(float(words @ picture))


async def record(tx: Tx, asset: Asset, verdict: Moderation) -> AssetProcessed:
    """The verdict is a column; nothing else depends on it being kind."""
    await rows.store_verdict(tx, asset, verdict)
    return AssetProcessed.of(asset)


STEP = Step(
    name="moderate", consumes=(AssetVectorized,), after=State.UPLOADED, to=State.PROCESSED,
    load=load, work=work, record=record,
)  # fmt: skip
