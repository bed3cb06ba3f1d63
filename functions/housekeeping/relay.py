"""Moves facts from the outbox to the event log as they come."""

import asyncio
import logging
from contextlib import suppress

import psycopg

from functions.core.errors import Unavailable
from functions.core.postgres import outbox
from functions.core.stopping import told_to_stop
from functions.core.tx import Database

logger = logging.getLogger(__name__)


async def keep_relaying(database: Database) -> None:
    """Relay until cancelled; a notification wakes it, a second passes at most without one."""
    wake = asyncio.Event()
    listener = asyncio.create_task(_listen(database, wake))
    try:
        while not told_to_stop():
            wake.clear()
            if not await _relay(database):
                with suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await wake.wait()
    finally:
        listener.cancel()


async def _relay(database: Database) -> int:
    try:
        async with database.transaction() as tx:
            return await outbox.relay(tx)
    except Unavailable:
        await asyncio.sleep(0.5)
    except Exception:  # the relay must not end the process that answers
        logger.exception("relay failed")
        await asyncio.sleep(5.0)
    return 0


async def _listen(database: Database, wake: asyncio.Event) -> None:
    while not told_to_stop():
        with suppress(psycopg.Error, OSError):
            async with database.listening(outbox.CHANNEL) as heard:
                wake.set()
                async for _ in heard.notifies():
                    wake.set()
        await asyncio.sleep(0.5)
