"""Facets of a search: of what its words found, or of every match where it goes by examples alone."""

from collections.abc import Sequence

from functions.core.catalog.facets import FacetName, Facets, counted
from functions.core.runtime.run import World
from functions.core.tx import Tx
from functions.search.ranking import DEEPEST, Asked, ranked

READY = "a.state = 'ready'"


async def counts(world: World, tx: Tx, asked: Asked, names: Sequence[FacetName]) -> Facets:
    """With words among the best thousand that are good enough, without among all that the filters let through."""
    if not asked.by_words:
        return await counted(tx, asked.viewer, asked.clause, names, READY, [])
    order = await ranked(world, tx, asked, DEEPEST)
    ids = [found.id for found in order if asked.wants(found, world.ports)]
    return await counted(tx, asked.viewer, asked.clause, names, f"{READY} AND a.id = ANY(%s)", [ids])
