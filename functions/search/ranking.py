"""Turns a search into a direction and an order: neighbours of the picture's vector and matches of words, fused."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from functions.core.catalog.filters import condition
from functions.core.catalog.read import Desk
from functions.core.filters import All, Clause, Some
from functions.core.model import State
from functions.core.models.embedding import unit
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.runtime.step import Ports
from functions.core.tx import Tx
from functions.core.visibility import Viewer
from functions.search import fusion, rows
from functions.search.contract import Search

DEEPEST: Final = 1_000
"""By similarity a list ends here."""
SHALLOW: Final = 200
"""As deep as first pages look."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search made ready: its direction, float32 of shape (dim,), its words, whom and what it is limited to, how many."""

    viewer: Viewer
    vector: Vector
    words: str
    unwanted: str
    clause: Clause
    by_words: bool
    limit: int
    min_score: float | None = None
    but: UUID | None = None
    """An asset that is not looked for: the example itself."""

    def score(self, cosine: float, ports: Ports) -> float:
        """Calibrated likeness, 0 to 1, three digits: enough to compare, too little to invert."""
        model = ports.embedding.model
        return round(model.score_text(cosine) if self.by_words else model.score_image(cosine), 3)

    def wants(self, found: fusion.Found, ports: Ports) -> bool:
        """Whether it is alike enough, or says the words."""
        if self.min_score is None or found.cosine is None or "words" in found.why:
            return True
        return self.score(found.cosine, ports) >= self.min_score


async def towards(world: World, wanted: Search) -> Vector:
    """Where the weighted words point together. The model computes: no transaction should wait for it."""
    embedding = world.ports.embedding
    total = np.zeros(embedding.model.dim, dtype=np.float32)
    for text in wanted.texts:
        total += text.weight * await embedding.text(text.q)
    return total


async def prepare(world: World, tx: Tx, desk: Desk, wanted: Search, said: Vector) -> Asked:
    """Make a search ready, `said` being where its words point; NotFound for an example that the viewer may not see."""
    # Only what is ready can be found.
    states = All() if wanted.filters.state in (None, State.READY) else Some()
    clause = All((states, await condition(tx, desk.viewer, wanted.filters)))
    wished = [part.q for part in wanted.texts if part.weight > 0]
    unwanted = [part.q for part in wanted.texts if part.weight < 0]
    vector = unit(said + await _examples(world, tx, desk, wanted))
    return Asked(
        desk.viewer, vector, " ".join(wished), " ".join(unwanted), clause, bool(wished), wanted.limit, wanted.min_score
    )


async def _examples(world: World, tx: Tx, desk: Desk, wanted: Search) -> Vector:
    """Where the weighted examples point together."""
    model = world.ports.embedding.model.model_id
    total = np.zeros(world.ports.embedding.model.dim, dtype=np.float32)
    for image in wanted.images:
        if image.asset_id:
            vector = await rows.asset_vector(tx, desk.viewer, image.asset_id, model)
        else:
            vector = await rows.query_vector(tx, desk.viewer, image.query_image_id, model)
        total += image.weight * vector
    return total


async def ranked(world: World, tx: Tx, asked: Asked, depth: int) -> list[fusion.Found]:
    """The fused order, SHALLOW or DEEPEST: what lies deep is appended, so that earlier pages never change."""
    near = await world.ports.vectors.nearest(asked.vector, asked.clause, depth)
    said = (
        await rows.by_words(tx, asked.viewer, asked.clause, asked.words, asked.unwanted, depth) if asked.words else []
    )
    first = fusion.fuse(near[:SHALLOW], said[:SHALLOW])
    known = {found.id for found in first}
    deep = fusion.fuse(near[SHALLOW:], said[SHALLOW:])
    order = first + [found for found in deep if found.id not in known]
    return [found for found in order if found.id != asked.but][:DEEPEST]
