"""Finds assets by words, by example and by both: the picture's vector and the row's words, fused by reciprocal rank."""

import hashlib
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from functions.core.catalog import read
from functions.core.catalog.contract import AssetOut, HitOut
from functions.core.catalog.filters import AssetFilters, condition
from functions.core.catalog.read import Desk
from functions.core.errors import CursorExpired, Malformed
from functions.core.filters import All, Clause
from functions.core.ids import AssetId
from functions.core.models.embedding import unit
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.runtime.step import Ports
from functions.core.signing import seal, unseal
from functions.core.tx import Tx
from functions.core.visibility import visible_to
from functions.search import fusion, rows
from functions.search.contract import Hits, Search, SimilarOut

DEEPEST: Final = 1_000
"""By similarity a list ends here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search made ready: its direction, float32 of shape (dim,), its words, and whom and what it is limited to."""

    vector: Vector
    words: str
    unwanted: str
    clause: Clause
    by_words: bool

    def score(self, cosine: float, ports: Ports) -> float:
        """Calibrated likeness, 0 to 1, three digits: enough to compare, too little to invert."""
        model = ports.embedding.model
        return round(model.score_text(cosine) if self.by_words else model.score_image(cosine), 3)


async def search(world: World, desk: Desk, wanted: Search) -> Hits:
    """One page; raises NotFound for an example the viewer may not see, QueryImageExpired and CursorExpired."""
    started = time.perf_counter()
    start = _continued(world, desk, wanted)
    async with world.database.transaction() as tx:
        asked = await _prepare(world, tx, desk, wanted)
        ranked = await _ranked(world, tx, asked)
        items, end = await _page(world, tx, desk, asked, wanted, ranked[start:])
    more = start + end < len(ranked)
    cursor = seal(desk.media, {"o": start + end} | _identity(world, wanted)) if more else None
    return Hits(items=items, next_cursor=cursor, took_ms=round((time.perf_counter() - started) * 1000, 1))


async def similar(world: World, desk: Desk, asset: UUID, limit: int) -> SimilarOut:
    """The assets nearest to one that the viewer may see, itself left out."""
    async with world.database.transaction() as tx:
        vector = await rows.asset_vector(tx, desk.viewer, asset, world.ports.embedding.model.model_id)
        clause = All((visible_to(desk.viewer), await condition(tx, desk.viewer, AssetFilters())))
        asked = Asked(vector, "", "", clause, by_words=False)
        ranked = [found for found in await _ranked(world, tx, asked, 4 * limit) if found.id != asset]
        wanted = Search.model_construct(limit=limit, min_score=None)
        return SimilarOut(items=(await _page(world, tx, desk, asked, wanted, ranked))[0])


async def _prepare(world: World, tx: Tx, desk: Desk, wanted: Search) -> Asked:
    clause = All((visible_to(desk.viewer), await condition(tx, desk.viewer, wanted.filters)))
    wished = [part.q for part in wanted.texts if part.weight > 0]
    unwanted = [part.q for part in wanted.texts if part.weight < 0]
    vector = await _direction(world, tx, desk, wanted)
    return Asked(vector, " ".join(wished), " ".join(unwanted), clause, by_words=bool(wished))


async def _direction(world: World, tx: Tx, desk: Desk, wanted: Search) -> Vector:
    """Where the weighted words and examples point together."""
    embedding = world.ports.embedding
    total = np.zeros(embedding.model.dim, dtype=np.float32)
    for text in wanted.texts:
        total += text.weight * await embedding.text(text.q)
    for image in wanted.images:
        model = embedding.model.model_id
        if image.asset_id:
            vector = await rows.asset_vector(tx, desk.viewer, image.asset_id, model)
        else:
            vector = await rows.query_vector(tx, desk.viewer, image.query_image_id, model)
        total += image.weight * vector
    return unit(total)


async def _ranked(world: World, tx: Tx, asked: Asked, depth: int = DEEPEST) -> list[fusion.Found]:
    near = await world.ports.vectors.nearest(asked.vector, asked.clause, depth)
    said = await rows.by_words(tx, asked.clause, asked.words, asked.unwanted, depth) if asked.words else []
    return fusion.fuse(near, said)[:depth]


async def _page(
    world: World, tx: Tx, desk: Desk, asked: Asked, wanted: Search, ranked: list[fusion.Found]
) -> tuple[list[HitOut], int]:
    """Hits until the page is full, and how many places were looked at: what the rows do not confirm leaves no gap."""
    hits: list[HitOut] = []
    looked = 0
    while looked < len(ranked) and len(hits) < wanted.limit:
        batch = ranked[looked : looked + wanted.limit - len(hits)]
        looked += len(batch)
        seen = await read.by_ids(tx, desk, [found.id for found in batch], asked.clause)
        cosines = await _cosines(world, asked, batch)
        told = [
            _hit(seen[found.id], found, asked.score(cosines[found.id], world.ports))
            for found in batch
            if found.id in seen
        ]
        hits += [hit for hit in told if _good_enough(hit, wanted.min_score)]
    return hits, looked


async def _cosines(world: World, asked: Asked, batch: list[fusion.Found]) -> dict[AssetId, float]:
    """Likeness also of those that were found by words alone."""
    missing = [found.id for found in batch if found.cosine is None]
    vectors = await world.ports.vectors.fetch(missing) if missing else {}
    apart = {found: float(vectors[found] @ asked.vector) if found in vectors else 0.0 for found in missing}
    return apart | {found.id: found.cosine for found in batch if found.cosine is not None}


def _hit(asset: AssetOut, found: fusion.Found, score: float) -> HitOut:
    return HitOut(**dict(asset), score=score, why=list(found.why))


def _good_enough(hit: HitOut, least: float | None) -> bool:
    return hit.state == "ready" and (least is None or hit.score >= least or "words" in hit.why)


def _identity(world: World, wanted: Search) -> dict[str, object]:
    """What a cursor is bound to: the model, and the search itself."""
    said = wanted.model_dump_json(exclude={"cursor", "limit"})
    return {"m": world.ports.embedding.model.model_id, "s": hashlib.sha256(said.encode()).hexdigest()[:16]}


def _continued(world: World, desk: Desk, wanted: Search) -> int:
    """Where the page before ended."""
    if wanted.cursor is None:
        return 0
    cursor, mine = unseal(desk.media, wanted.cursor), _identity(world, wanted)
    if cursor.get("s") != mine["s"] or not isinstance(cursor.get("o"), int):
        raise Malformed("this cursor belongs to another search", reason="invalid_cursor")
    if cursor.get("m") != mine["m"]:
        raise CursorExpired
    return int(str(cursor["o"]))
