"""A sweep in a process of its own, which a failpoint may end: `python -m tests.support.sweeping DATABASE FOLDER`."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from functions.core.runtime.run import World
from functions.core.tx import Database
from functions.housekeeping.sweep import Sweeper
from tests.support.worlds import Parts


async def sweep(database_url: str, folder: Path) -> None:
    """One sweep, for which nothing is too fresh."""
    parts = Parts(folder)
    database = Database(database_url)
    await database.open()
    try:
        await Sweeper(World(database, parts), grace=timedelta(seconds=-1)).sweep()
    finally:
        await parts.close()
        await database.close()


if __name__ == "__main__":
    asyncio.run(sweep(sys.argv[1], Path(sys.argv[2])))
