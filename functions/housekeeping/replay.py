"""Says again from the rows what an event log that was lost can say no more."""

from collections import Counter
from typing import Final

from events.types import AssetChanged, ObjectArrived
from functions.core.errors import Conflict, NotFound
from functions.core.ids import AssetId
from functions.core.model import State, incoming_key
from functions.core.postgres import assets, audit_log, outbox, upkeep
from functions.core.runtime.run import World
from functions.core.tx import one
from functions.housekeeping import rows
from functions.housekeeping.sweep import LOCK

RUNS: Final = {
    State.UPLOADED: ("redone", upkeep.redo),
    State.PROCESSED: ("reindexed", upkeep.reindex),
    State.DELETING: ("purged_again", upkeep.purge_again),
}
"""What brings an asset on from where it is, under a new run, which no inbox takes for a duplicate."""


async def replay(world: World) -> dict[str, int]:
    """Put every asset on its way again that is not at an end and has nothing under way; returns how many, by kind.

    Twice is once: what the first put on its way is under way for the second. Raises Conflict while another
    replays or sweeps.
    """
    done: Counter[str] = Counter()
    async with world.database.transaction() as leader:
        if not (await one(leader, "SELECT pg_try_advisory_xact_lock(%s) AS mine", LOCK) or {"mine": False})["mine"]:
            raise Conflict("a sweep is under way: try again in a minute")
        async with world.database.transaction() as tx:
            stranded, changed = await rows.stranded(tx), await rows.changed_lately(tx)
        for asset, state in stranded:
            done[await _on_its_way(world, asset, state)] += 1
        for asset in changed:
            done["changes_told"] += await _told(world, asset)
    async with world.database.transaction() as tx:
        await audit_log.note(tx, None, "log.replayed", "log:assets", after=dict(done))
    return {what: number for what, number in done.items() if number}


async def _on_its_way(world: World, asset: AssetId, state: State) -> str:
    if state is State.NEW:
        return await _arrived(world, asset)
    what, act = RUNS[state]
    try:
        async with world.database.transaction() as tx:
            await rows.strand(tx, asset, state)
            await act(tx, asset)
    except Conflict:
        return "moved_on"
    return what


async def _arrived(world: World, asset: AssetId) -> str:
    """An upload whose bytes are here; without them it is its client's turn."""
    try:
        await world.ports.objects.stat(incoming_key(asset))
    except NotFound:
        return "not_sent_yet"
    async with world.database.transaction() as tx:
        await outbox.put(tx, "storage.events", ObjectArrived(asset_id=asset))
    return "arrived"


async def _told(world: World, asset_id: AssetId) -> int:
    """The last change of an asset, as it was said before: whoever has it already answers as before."""
    async with world.database.transaction() as tx:
        asset = await assets.find(tx, asset_id)
        if asset is None:
            return 0
        await outbox.put(tx, "assets.changed", AssetChanged.of(asset))
    return 1
