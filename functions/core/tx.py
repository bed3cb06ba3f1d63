"""Transactions: one pool per process, and database trouble told in our own words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import orjson
import psycopg
from psycopg import errors as pg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from functions.core.errors import Unavailable

Tx = psycopg.AsyncConnection[DictRow]
# A plan made for these values beats one for any; notices are nobody's to read.
OPTIONS: Final = "-c plan_cache_mode=force_custom_plan -c client_min_messages=warning"
LOST = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
WORTH_REPEATING = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)


class Database:
    """A pool of connections as the role without DDL."""

    def __init__(self, url: str, *, size: int = 8, wait_s: float = 10.0) -> None:
        self._url = url
        self._pool: AsyncConnectionPool[Tx] = AsyncConnectionPool(
            url, min_size=1, max_size=size, timeout=wait_s, open=False, kwargs={"row_factory": dict_row, "options": OPTIONS},
            check=AsyncConnectionPool.check_connection, configure=_configure, reconnect_timeout=5.0,
        )  # fmt: skip

    async def open(self) -> None:
        """Connect; raises Unavailable when the server does not answer."""
        try:
            await self._pool.open(wait=True, timeout=30.0)
        except BaseException as error:
            await self.close()
            if isinstance(error, LOST):
                raise Unavailable("the database does not answer", part="database") from error
            raise

    async def close(self) -> None:
        """Give the connections back."""
        await self._pool.close(timeout=2.0)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction: commits at the end, rolls back on any error; a lost server raises Unavailable."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                yield connection
        except (*LOST, *WORTH_REPEATING) as error:
            raise Unavailable("the database does not answer", part="database") from error

    @asynccontextmanager
    async def listening(self, channel: LiteralString) -> AsyncIterator[Tx]:
        """A connection of its own that hears NOTIFY on one channel."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True, row_factory=dict_row) as heard:
            await heard.execute(f"LISTEN {channel}".encode())
            yield heard


async def _configure(connection: Tx) -> None:
    """JSON columns are read by the fastest reader there is: a page of assets has hundreds of values."""
    set_json_loads(orjson.loads, connection)


async def one(tx: Tx, sql: LiteralString, *values: Any) -> DictRow | None:
    """The first row, or None."""
    return await (await tx.execute(sql, values)).fetchone()


async def rows(tx: Tx, sql: LiteralString, *values: Any) -> list[DictRow]:
    """All rows."""
    return await (await tx.execute(sql, values)).fetchall()
