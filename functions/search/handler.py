"""Finds assets by words, by example and by both: the picture's vector and the row's words, fused by reciprocal rank."""

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

from functions.core.catalog.filters import AssetFilters, condition
from functions.core.catalog.read import Desk
from functions.core.ids import UserId
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.search import rows
from functions.search.contract import Hits, QueryImageOut, Search, SimilarOut
from functions.search.paging import continued, cursor, page
from functions.search.ranking import DEEPEST, SHALLOW, Asked, prepare, ranked, towards

QUERY_IMAGE_LIFETIME: Final = timedelta(hours=1)


async def search(world: World, desk: Desk, wanted: Search) -> Hits:
    """One page; raises NotFound for an example the viewer may not see, QueryImageExpired and CursorExpired."""
    started = time.perf_counter()
    start = continued(world, desk, wanted)
    said = await towards(world, wanted)
    async with world.database.transaction() as tx:
        asked = await prepare(world, tx, desk, wanted, said)
        order = await ranked(world, tx, asked, start + wanted.limit)
        items, looked = await page(world, tx, desk, asked, order[start:])
        if len(items) < wanted.limit and len(order) >= SHALLOW and wanted.min_score is None:
            # Many that the rows did not confirm would leave a gap: look deeper, once.
            order = await ranked(world, tx, asked, DEEPEST)
            items, looked = await page(world, tx, desk, asked, order[start:])
    end = start + looked
    following = cursor(world, desk, wanted, end) if end < len(order) else None
    return Hits(items=items, next_cursor=following, took_ms=round((time.perf_counter() - started) * 1000, 1))


async def similar(world: World, desk: Desk, asset: UUID, limit: int) -> SimilarOut:
    """The assets nearest to one that the viewer may see, itself left out."""
    async with world.database.transaction() as tx:
        vector = await rows.asset_vector(tx, desk.viewer, asset, world.ports.embedding.model.model_id)
        clause = await condition(tx, desk.viewer, AssetFilters())
        asked = Asked(desk.viewer, vector, "", "", clause, by_words=False, limit=limit)
        order = [found for found in await ranked(world, tx, asked, limit + 1) if found.id != asset]
        items, _ = await page(world, tx, desk, asked, order)
        return SimilarOut(items=items)


async def create_query_image(world: World, owner: UserId, model: str, vector: Vector) -> QueryImageOut:
    """Keep the vector of an example picture for an hour; the picture itself is not kept."""
    expires_at = utcnow() + QUERY_IMAGE_LIFETIME
    async with world.database.transaction() as tx:
        made = await rows.keep_query(tx, owner, model, vector, expires_at)
    return QueryImageOut(query_image_id=made, expires_at=expires_at)
