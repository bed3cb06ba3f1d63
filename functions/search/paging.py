"""Pages of hits: what the rows confirm, what it is worth, and where the next page begins."""

import hashlib
from dataclasses import dataclass
from typing import Final

from functions.core.catalog import read
from functions.core.catalog.contract import AssetOut, HitOut
from functions.core.catalog.read import Desk
from functions.core.errors import CursorExpired, Malformed
from functions.core.ids import AssetId
from functions.core.model import State
from functions.core.runtime.run import World
from functions.core.signing import seal, unseal
from functions.core.tx import Tx
from functions.search import fusion
from functions.search.contract import Search
from functions.search.ranking import DEEPEST, SHALLOW, Asked, ranked

CURSOR: Final = "search"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page, the order that it is a part of, and the place in it where the page ends."""

    items: list[HitOut]
    order: list[fusion.Found]
    end: int


async def stretch(world: World, tx: Tx, desk: Desk, asked: Asked, start: int) -> Stretch:
    """A full page from a place on: looks deeper, once, where the rows did not confirm enough of what lies near."""
    depth = SHALLOW if start + asked.limit <= SHALLOW // 2 else DEEPEST
    while True:
        order = await ranked(world, tx, asked, depth)
        items, looked = await page(world, tx, desk, asked, order[start:])
        full = len(items) == asked.limit and start + looked < len(order)
        # By likeness alone, what is not good enough now is not better further down.
        if full or depth == DEEPEST or len(order) < SHALLOW - 1 or (asked.min_score is not None and not asked.words):
            return Stretch(items, order, start + looked)
        depth = DEEPEST


async def page(world: World, tx: Tx, desk: Desk, asked: Asked, order: list[fusion.Found]) -> tuple[list[HitOut], int]:
    """Hits until the page is full, and how many places were looked at: what the rows do not confirm leaves no gap."""
    hits: list[HitOut] = []
    looked = 0
    while looked < len(order) and len(hits) < asked.limit:
        # As many again each time: a thousand places are a dozen queries, also for a page of one.
        batch = order[looked : looked + max(asked.limit - len(hits), looked)]
        told = await _told(world, tx, desk, asked, batch)
        room = asked.limit - len(hits)
        taken = [place for place, found in enumerate(batch) if found.id in told][:room]
        hits += [told[batch[place].id] for place in taken]
        looked += taken[-1] + 1 if len(taken) == room else len(batch)
    return hits, looked


async def _told(world: World, tx: Tx, desk: Desk, asked: Asked, batch: list[fusion.Found]) -> dict[AssetId, HitOut]:
    """Those of a batch that the rows confirm and the search wants."""
    wanted = [found for found in batch if asked.wants(found, world.ports)]
    seen = await read.by_ids(tx, desk, [found.id for found in wanted], asked.clause)
    cosines = await _cosines(world, asked, wanted)
    return {
        found.id: _hit(seen[found.id], found, asked.score(cosines[found.id], world.ports))
        for found in wanted
        if found.id in seen and seen[found.id].state == State.READY
    }


async def _cosines(world: World, asked: Asked, batch: list[fusion.Found]) -> dict[AssetId, float]:
    """Likeness also of those that were found by words alone."""
    missing = [found.id for found in batch if found.cosine is None]
    vectors = await world.ports.vectors.fetch(missing) if missing else {}
    apart = {found: float(vectors[found] @ asked.vector) if found in vectors else 0.0 for found in missing}
    return apart | {found.id: found.cosine for found in batch if found.cosine is not None}


def _hit(asset: AssetOut, found: fusion.Found, score: float) -> HitOut:
    # The asset was validated when it was told.
    return HitOut.model_construct(**dict(asset), score=score, why=list(found.why))


def cursor(world: World, desk: Desk, wanted: Search, place: int) -> str:
    """Where the next page begins, sealed."""
    return seal(desk.media, CURSOR, {"o": place} | _identity(world, wanted))


def _identity(world: World, wanted: Search) -> dict[str, object]:
    """What a cursor is bound to: the model, and the search itself."""
    said = wanted.model_dump_json(exclude={"cursor", "limit", "facets"})
    return {"m": world.ports.embedding.model.model_id, "s": hashlib.sha256(said.encode()).hexdigest()[:16]}


def continued(world: World, desk: Desk, wanted: Search) -> int:
    """Where the page before ended."""
    if wanted.cursor is None:
        return 0
    said, mine = unseal(desk.media, CURSOR, wanted.cursor), _identity(world, wanted)
    if said.get("s") != mine["s"] or not isinstance(said.get("o"), int):
        raise Malformed("this cursor belongs to another search", code="invalid_cursor")
    if said.get("m") != mine["m"]:
        raise CursorExpired
    return int(str(said["o"]))
