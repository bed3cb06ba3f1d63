"""The SQL of the block lists."""

from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound
from functions.core.filters import All
from functions.core.ids import AssetId
from functions.core.model import NEAR
from functions.core.postgres.where import FROM
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows
from functions.core.visibility import Viewer

PHASH: Final = "lpad(to_hex({}), 16, '0')"
BITS: Final = "('x' || %s::text)::bit(64)"
BLOCKS: Final = f"""
    SELECT kind, value, note, added_at FROM (
        SELECT 'sha256' AS kind, encode(sha256, 'hex') AS value, note, added_at FROM block_sha256
        UNION ALL SELECT 'phash', {PHASH.format("phash")}, note, added_at FROM block_phash) blocked
    WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
        AND (%(at)s::timestamptz IS NULL OR (added_at, kind, value) < (%(at)s, %(last)s, %(value)s))
    ORDER BY added_at DESC, kind DESC, value DESC LIMIT %(limit)s
"""
KEEP: Final = "DO UPDATE SET note = coalesce(nullif(excluded.note, ''), b.note) RETURNING note, added_at"
BLOCK: Final = {
    "sha256": "INSERT INTO block_sha256 AS b (sha256, note) VALUES (decode(%s, 'hex'), %s)"
    f" ON CONFLICT (sha256) {KEEP}",
    "phash": f"INSERT INTO block_phash AS b (phash, note) VALUES ({BITS}::bigint, %s) ON CONFLICT (phash) {KEEP}",
}
UNBLOCK: Final = {
    "sha256": "DELETE FROM block_sha256 WHERE sha256 = decode(%s, 'hex') RETURNING 1",
    "phash": f"DELETE FROM block_phash WHERE phash = {BITS}::bigint RETURNING 1",
}
ALIKE: Final = {
    "sha256": "a.sha256 = decode(%s, 'hex')",
    "phash": f"NOT a.judged AND bit_count(a.phash::bit(64) # {BITS}) <= {NEAR}",
}


async def hashes(tx: Tx, viewer: Viewer, asset: UUID) -> tuple[str, str | None]:
    """sha256 and perceptual hash of an asset that the viewer may see, as hex; NotFound otherwise."""
    sql, bound = seen_by(viewer, All())
    row = await one(
        tx,
        f"SELECT encode(a.sha256, 'hex') AS sha256, {PHASH.format('a.phash')} AS phash FROM {FROM} WHERE a.id = %s AND {sql}",
        asset, *bound,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return row["sha256"], row["phash"]


async def blocks(tx: Tx, kind: str | None, after: tuple[str, str, str] | None, limit: int) -> list[DictRow]:
    """What is blocked, newest first, from after a time (ISO 8601), kind and value."""
    asked = {"kind": kind, "limit": limit} | dict(
        zip(("at", "last", "value"), after or (None, None, None), strict=True)
    )
    return await (await tx.execute(BLOCKS, asked)).fetchall()


async def block(tx: Tx, kind: str, value: str, note: str) -> DictRow:
    """Block a hash; what is blocked already keeps its date, and its note where there is no new one."""
    row = await one(tx, BLOCK[kind], value, note)
    assert row  # noqa: S101 -- narrows: RETURNING gives the row
    return row


async def unblock(tx: Tx, kind: str, value: str) -> bool:
    """Whether it was blocked, which it is no more."""
    return await one(tx, UNBLOCK[kind], value) is not None


async def alike(tx: Tx, kind: str, value: str, limit: int) -> list[AssetId]:
    """Pictures with the bytes, or with the looks and no person's verdict, that are not rejected yet; locked."""
    found = await all_rows(
        tx,
        "SELECT a.id FROM assets a WHERE a.state IN ('processed', 'ready') AND a.moderation <> 'rejected'"
        f" AND {ALIKE[kind]} ORDER BY a.id LIMIT %s FOR NO KEY UPDATE",
        value, limit,
    )  # fmt: skip
    return [AssetId(row["id"]) for row in found]
