"""Suggests what a person may be typing, from what they may see anyway."""

from functions.core.runtime.run import World
from functions.core.visibility import Viewer
from functions.suggest import rows
from functions.suggest.contract import PersonFound, Suggest, SuggestOut, TagFound


async def suggest(world: World, viewer: Viewer, asked: Suggest) -> SuggestOut:
    """Tags, people and searches that begin as asked; people only once something is typed."""
    async with world.database.transaction() as tx:
        like = await rows.pattern(tx, asked.q)
        tags = await rows.tags(tx, viewer, like)
        people = await rows.people(tx, viewer, like) if asked.q else []
        searches = await rows.searches(tx, viewer, like)
    return SuggestOut(
        tags=[TagFound(**row) for row in tags], people=[PersonFound(**row) for row in people],
        searches=[row["said"] for row in searches],
    )  # fmt: skip
