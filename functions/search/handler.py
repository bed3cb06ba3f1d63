"""Finds assets by words, by example and by both: the picture's vector and the row's words, fused by reciprocal rank."""

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

from functions.core.catalog.filters import AssetFilters, condition
from functions.core.catalog.read import Desk
from functions.core.contract import LONGEST_QUERY
from functions.core.ids import UserId
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.core.tx import Tx
from functions.search import rows
from functions.search.contract import Hits, QueryImageOut, Search, SimilarOut
from functions.search.counting import counts
from functions.search.paging import continued, cursor, stretch
from functions.search.ranking import Asked, prepare, towards

QUERY_IMAGE_LIFETIME: Final = timedelta(hours=1)


async def search(world: World, desk: Desk, wanted: Search) -> Hits:
    """One page; raises NotFound for an example the viewer may not see, QueryImageExpired and CursorExpired."""
    started = time.perf_counter()
    start = continued(world, desk, wanted)
    said = await towards(world, wanted)
    async with world.database.transaction() as tx:
        asked = await prepare(world, tx, desk, wanted, said)
        found = await stretch(world, tx, desk, asked, start)
        await _remember(tx, desk, wanted, asked.words)
        facets = await counts(world, tx, asked, wanted.facets) if wanted.facets else {}
    following = cursor(world, desk, wanted, found.end) if found.end < len(found.order) else None
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    return Hits(items=found.items, next_cursor=following, facets=facets, took_ms=took_ms)


async def _remember(tx: Tx, desk: Desk, wanted: Search, words: str) -> None:
    """A new search in words, for its maker to be suggested again; neither further pages nor whole essays."""
    if desk.viewer.user and words and not wanted.cursor and len(words) <= LONGEST_QUERY:
        await rows.remember(tx, UserId(desk.viewer.user), words)


async def similar(world: World, desk: Desk, asset: UUID, limit: int) -> SimilarOut:
    """The assets nearest to one that the viewer may see, itself left out."""
    async with world.database.transaction() as tx:
        vector = await rows.asset_vector(tx, desk.viewer, asset, world.ports.embedding.model.model_id)
        clause = await condition(tx, desk.viewer, AssetFilters())
        asked = Asked(desk.viewer, vector, "", "", clause, by_words=False, limit=limit, but=asset)
        return SimilarOut(items=(await stretch(world, tx, desk, asked, 0)).items)


async def create_query_image(world: World, owner: UserId, model: str, vector: Vector) -> QueryImageOut:
    """Keep the vector of an example picture for an hour; the picture itself is not kept."""
    expires_at = utcnow() + QUERY_IMAGE_LIFETIME
    async with world.database.transaction() as tx:
        made = await rows.keep_query(tx, owner, model, vector, expires_at)
    return QueryImageOut(query_image_id=made, expires_at=expires_at)
