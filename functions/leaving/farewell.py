"""Brings erasures to their end: purges through the ordinary path, then the traces, then the person; as often as it takes."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from functions.core.errors import MiraVejaError
from functions.core.ids import UserId
from functions.core.postgres import audit_log, upkeep
from functions.core.runtime.run import World
from functions.core.stopping import told_to_stop
from functions.leaving import rows
from functions.leaving.held import PEOPLE

logger = logging.getLogger(__name__)
BATCH: Final = 200
EVERY_S: Final = 2.0
"""An index answers when there is nobody; a crash loses nothing, since every round looks at the rows anew."""


async def keep_erasing(world: World, every_s: float = EVERY_S) -> None:
    """Until cancelled; trouble with one person is logged, and keeps nobody else waiting."""
    while not told_to_stop():
        with suppress(MiraVejaError):  # a silent database is the log's matter elsewhere
            await erase_all(world)
        await asyncio.sleep(every_s)


async def erase_all(world: World) -> int:
    """One round for everybody who leaves; returns how many are gone for good."""
    async with world.database.transaction() as tx:
        people = await rows.leaving(tx)
    return sum([await _try(world, user) for user in people])


async def _try(world: World, user: UserId) -> bool:
    try:
        return await _round(world, user)
    except MiraVejaError as error:
        logger.warning("erasure waits: %s", error.detail)
    except Exception:  # this must not end the process that answers
        logger.exception("erasure failed")
    return False


async def _round(world: World, user: UserId) -> bool:
    """As much as can be done now; what is under way is looked at in the next round."""
    while await _bury_some(world, user) == BATCH:
        pass
    await _leave(world, user)
    while await _purge_some(world, user) == BATCH:
        pass
    while await _forget_some(world, user) == BATCH:
        pass
    async with world.database.transaction() as tx:
        gone = await rows.close(tx, user)
        if gone:
            await audit_log.forget(tx, user)
    return gone


async def _bury_some(world: World, user: UserId) -> int:
    """Also what was being written when they left."""
    async with world.database.transaction() as tx:
        return await rows.bury(tx, user, BATCH)


async def _leave(world: World, user: UserId) -> None:
    """One table at a time, so that nobody who writes into two of them is in the way."""
    for held in PEOPLE:
        async with world.database.transaction() as tx:
            await rows.leave(tx, held, user)


async def _purge_some(world: World, user: UserId) -> int:
    async with world.database.transaction() as tx:
        found = await rows.untold(tx, user, BATCH)
        for asset in found:
            await upkeep.purge_again(tx, asset)
    return len(found)


async def _forget_some(world: World, user: UserId) -> int:
    async with world.database.transaction() as tx:
        return await rows.forget_events(tx, user, BATCH)
