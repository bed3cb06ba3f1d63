"""A relay in a process of its own, which a failpoint may end: `python -m tests.support.relaying DATABASE`."""

import asyncio
import sys

from functions.core.tx import Database
from functions.housekeeping.relay import keep_relaying


async def relay(database_url: str) -> None:
    """Until killed."""
    database = Database(database_url)
    await database.open()
    await keep_relaying(database)


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1]))
