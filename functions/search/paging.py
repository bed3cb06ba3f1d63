"""Pages of hits: what the rows confirm, what it is worth, and where the next page begins."""

import hashlib

from functions.core.catalog import read
from functions.core.catalog.contract import AssetOut, HitOut
from functions.core.catalog.read import Desk
from functions.core.errors import CursorExpired, Malformed
from functions.core.ids import AssetId
from functions.core.runtime.run import World
from functions.core.signing import seal, unseal
from functions.core.tx import Tx
from functions.search import fusion
from functions.search.contract import Search
from functions.search.ranking import Asked


async def page(world: World, tx: Tx, desk: Desk, asked: Asked, ranked: list[fusion.Found]) -> tuple[list[HitOut], int]:
    """Hits until the page is full, and how many places were looked at: what the rows do not confirm leaves no gap."""
    hits: list[HitOut] = []
    looked = 0
    while looked < len(ranked) and len(hits) < asked.limit:
        batch = ranked[looked : looked + asked.limit - len(hits)]
        looked += len(batch)
        seen = await read.by_ids(tx, desk, [found.id for found in batch], asked.clause)
        cosines = await _cosines(world, asked, batch)
        told = [
            _hit(seen[found.id], found, asked.score(cosines[found.id], world.ports))
            for found in batch
            if found.id in seen
        ]
        hits += [hit for hit in told if _good_enough(hit, asked.min_score)]
    return hits, looked


async def _cosines(world: World, asked: Asked, batch: list[fusion.Found]) -> dict[AssetId, float]:
    """Likeness also of those that were found by words alone."""
    missing = [found.id for found in batch if found.cosine is None]
    vectors = await world.ports.vectors.fetch(missing) if missing else {}
    apart = {found: float(vectors[found] @ asked.vector) if found in vectors else 0.0 for found in missing}
    return apart | {found.id: found.cosine for found in batch if found.cosine is not None}


def _hit(asset: AssetOut, found: fusion.Found, score: float) -> HitOut:
    # The asset was validated when it was told.
    return HitOut.model_construct(**dict(asset), score=score, why=list(found.why))


def _good_enough(hit: HitOut, least: float | None) -> bool:
    return hit.state == "ready" and (least is None or hit.score >= least or "words" in hit.why)


def cursor(world: World, desk: Desk, wanted: Search, place: int) -> str:
    """Where the next page begins, sealed."""
    return seal(desk.media, {"o": place} | _identity(world, wanted))


def _identity(world: World, wanted: Search) -> dict[str, object]:
    """What a cursor is bound to: the model, and the search itself."""
    said = wanted.model_dump_json(exclude={"cursor", "limit"})
    return {"m": world.ports.embedding.model.model_id, "s": hashlib.sha256(said.encode()).hexdigest()[:16]}


def continued(world: World, desk: Desk, wanted: Search) -> int:
    """Where the page before ended."""
    if wanted.cursor is None:
        return 0
    said, mine = unseal(desk.media, wanted.cursor), _identity(world, wanted)
    if said.get("s") != mine["s"] or not isinstance(said.get("o"), int):
        raise Malformed("this cursor belongs to another search", code="invalid_cursor")
    if said.get("m") != mine["m"]:
        raise CursorExpired
    return int(str(said["o"]))
