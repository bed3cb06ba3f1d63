"""The SQL of backup and restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.rows import DictRow, dict_row

from functions.core.errors import Unavailable
from functions.core.ids import AssetId
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[tuple[Tx, str]]:
    """A transaction that sees one moment, and the name by which others may see the same."""
    try:
        async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            row = await one(connection, "SELECT pg_export_snapshot() AS name")
            assert row  # noqa: S101 -- narrows: a SELECT of a function has a row
            yield connection, row["name"]
    except psycopg.OperationalError as error:
        raise Unavailable("the database does not answer", part="database") from error


async def migrations(tx: Tx) -> dict[str, str]:
    """What was applied: numbers and digests."""
    found = await all_rows(tx, "SELECT number, digest FROM migrations ORDER BY number")
    return {str(row["number"]): row["digest"] for row in found}


async def named(tx: Tx) -> list[DictRow]:
    """What each asset has of objects."""
    return await all_rows(
        tx,
        "SELECT a.id, a.generation, a.state, a.content_type IS NOT NULL AS kept,"
        " (SELECT coalesce(json_agg(json_build_array(r.variant, r.content_type)), '[]') FROM renditions r"
        "   WHERE r.asset_id = a.id AND r.generation = a.generation) AS renditions"
        " FROM assets a WHERE a.state <> 'deleting' ORDER BY a.id",
    )


async def lives(tx: Tx, asset: AssetId, generation: int) -> bool:
    """Whether an asset is still there, and not on its way out."""
    sql = "SELECT 1 FROM assets WHERE id = %s AND generation = %s AND state <> 'deleting'"
    return await one(tx, sql, asset, generation) is not None


async def checksums(tx: Tx, ids: list[AssetId]) -> dict[AssetId, str]:
    """SHA-256 of originals as the rows have it, as hex."""
    found = await all_rows(tx, "SELECT id, sha256 FROM assets WHERE id = ANY(%s)", ids)
    return {AssetId(row["id"]): row["sha256"].hex() for row in found}
