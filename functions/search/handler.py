"""Finds assets by words, by example and by both: the picture's vector and the row's words, fused by reciprocal rank."""

import time
from uuid import UUID

from functions.core.catalog.filters import AssetFilters, condition
from functions.core.catalog.read import Desk
from functions.core.filters import All
from functions.core.runtime.run import World
from functions.core.visibility import visible_to
from functions.search import rows
from functions.search.contract import Hits, Search, SimilarOut
from functions.search.paging import continued, cursor, page
from functions.search.ranking import DEEPEST, SHALLOW, Asked, prepare, ranked


async def search(world: World, desk: Desk, wanted: Search) -> Hits:
    """One page; raises NotFound for an example the viewer may not see, QueryImageExpired and CursorExpired."""
    started = time.perf_counter()
    start = continued(world, desk, wanted)
    async with world.database.transaction() as tx:
        asked = await prepare(world, tx, desk, wanted)
        order = await ranked(world, tx, asked, start + wanted.limit)
        items, looked = await page(world, tx, desk, asked, wanted, order[start:])
        if len(items) < wanted.limit and len(order) >= SHALLOW and wanted.min_score is None:
            # Many that the rows did not confirm would leave a gap: look deeper, once.
            order = await ranked(world, tx, asked, DEEPEST)
            items, looked = await page(world, tx, desk, asked, wanted, order[start:])
    end = start + looked
    following = cursor(world, desk, wanted, end) if end < len(order) else None
    return Hits(items=items, next_cursor=following, took_ms=round((time.perf_counter() - started) * 1000, 1))


async def similar(world: World, desk: Desk, asset: UUID, limit: int) -> SimilarOut:
    """The assets nearest to one that the viewer may see, itself left out."""
    async with world.database.transaction() as tx:
        vector = await rows.asset_vector(tx, desk.viewer, asset, world.ports.embedding.model.model_id)
        clause = All((visible_to(desk.viewer), await condition(tx, desk.viewer, AssetFilters())))
        asked = Asked(vector, "", "", clause, by_words=False)
        order = [found for found in await ranked(world, tx, asked, limit + 1) if found.id != asset]
        items, _ = await page(world, tx, desk, asked, Search.model_construct(limit=limit, min_score=None), order)
        return SimilarOut(items=items)
