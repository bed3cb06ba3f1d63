"""What people do with their assets; who may not see one is told that it is not there."""

from typing import Final
from uuid import UUID

from functions.assets import rows
from functions.assets.contract import ChangeAsset, ListAssets, ListOut, StepOut, TimelineOut
from functions.core.catalog import read
from functions.core.catalog.contract import AssetOut
from functions.core.catalog.filters import condition
from functions.core.catalog.read import Desk
from functions.core.errors import NotFound, PreconditionFailed
from functions.core.ids import AssetId, UserId
from functions.core.postgres import audit_log, steps, upkeep
from functions.core.runtime.run import World
from functions.core.signing import original_url, seal, unseal
from functions.core.tx import Tx

DEEPEST: Final = 10_000
"""How far a list of everybody's assets is told; `to` begins another where it ends."""


async def page(world: World, desk: Desk, asked: ListAssets) -> ListOut:
    """One page; without `owner` every ready asset that the viewer may see. A list of one's own has no last place."""
    after = rows.place_of(unseal(desk.media, rows.CURSOR, asked.cursor)) if asked.cursor else None
    async with world.database.transaction() as tx:
        clause = await condition(tx, desk.viewer, asked)
        found = await rows.page(tx, desk.viewer, clause, asked, after)
        facets = await rows.facets(tx, desk.viewer, clause, asked)
    items = [read.told(row, desk) for row in found[: asked.limit]]
    seen = (after.seen if after else 0) + len(items)
    more = len(found) > asked.limit and (seen < DEEPEST or asked.owner == "me")
    following = seal(desk.media, rows.CURSOR, rows.place(found[asked.limit - 1], seen)) if more else None
    return ListOut(items=items, next_cursor=following, facets=facets)


async def one(world: World, desk: Desk, asset: UUID) -> tuple[AssetOut, int]:
    """An asset and the revision of its editable fields."""
    async with world.database.transaction() as tx:
        return await read.one_by_id(tx, desk, asset), await rows.revision(tx, asset)


async def change(world: World, desk: Desk, asset: UUID, wanted: ChangeAsset, revision: int) -> tuple[AssetOut, int]:
    """Change what the caller owns, from the revision they saw; raises PreconditionFailed when it is another by now."""
    async with world.database.transaction() as tx:
        mine = await _own(tx, desk, asset)
        if await rows.revision(tx, asset) != revision:
            raise PreconditionFailed
        before = (await rows.visibilities(tx, desk.viewer.user, [mine]))[str(mine)]
        await rows.change(tx, mine, wanted)
        if wanted.tags is not None or wanted.visibility is not None:  # the index shows nothing else of it
            await upkeep.changed(tx, mine)
        if wanted.visibility not in (None, before):
            thing = f"asset:{asset}"
            await audit_log.note(tx, desk.viewer.user, "asset.visibility_changed", thing, before, wanted.visibility)
    return await one(world, desk, asset)


async def delete(world: World, desk: Desk, asset: UUID, *, permanent: bool) -> None:
    """To the trash, or away for good."""
    async with world.database.transaction() as tx:
        mine = await _own(tx, desk, asset)
        await (upkeep.delete(tx, mine) if permanent else upkeep.trash(tx, mine))
        await audit_log.note(tx, desk.viewer.user, f"asset.{'deleted' if permanent else 'trashed'}", f"asset:{asset}")


async def restore(world: World, desk: Desk, asset: UUID) -> AssetOut:
    """Out of the trash."""
    async with world.database.transaction() as tx:
        await upkeep.restore(tx, await _own(tx, desk, asset))
        told = await read.one_by_id(tx, desk, asset)
        await audit_log.note(tx, desk.viewer.user, "asset.restored", f"asset:{asset}")
    return told


async def retry(world: World, desk: Desk, asset: UUID) -> AssetOut:
    """A new run after a failure; raises Conflict for an asset in any other state."""
    async with world.database.transaction() as tx:
        await upkeep.retry(tx, await _own(tx, desk, asset))
        return await read.one_by_id(tx, desk, asset)


async def timeline(world: World, desk: Desk, asset: UUID) -> TimelineOut:
    """Each step of each run, for the owner."""
    async with world.database.transaction() as tx:
        found = await steps.timeline(tx, await _own(tx, desk, asset))
    return TimelineOut(items=[StepOut(**row) for row in found])


async def original(world: World, desk: Desk, asset: UUID) -> str:
    """An address of the original that is good for five minutes, for its owner and for moderators who may see it."""
    async with world.database.transaction() as tx:
        generation = await rows.original(tx, desk.viewer, asset)
        me = desk.viewer.user
        if me and desk.viewer.moderator and not await rows.lock(tx, me, asset):
            await audit_log.note(tx, me, "original.opened", f"asset:{asset}")
    return original_url(desk.media, AssetId(asset), generation, desk.now)


async def _own(tx: Tx, desk: Desk, asset: UUID) -> AssetId:
    """The asset, locked, if it is the caller's; NotFound otherwise."""
    if desk.viewer.user is None or not await rows.lock(tx, UserId(desk.viewer.user), asset):
        raise NotFound
    return AssetId(asset)
