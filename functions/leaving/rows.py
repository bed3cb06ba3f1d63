"""The SQL of leaving."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.rows import DictRow

from functions.core.identity.callers import departure
from functions.core.ids import AssetId, UserId
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows
from functions.leaving.held import PARTS, Held

ID: Final = "00000000-0000-0000-0000-000000000000"
GONE: Final = (
    "DELETE FROM inbox WHERE asset_id = ANY(%s)",
    "DELETE FROM outbox WHERE key = ANY(%s::text[]) AND published_at IS NOT NULL",
    "DELETE FROM dead_letters WHERE key = ANY(%s::text[])",
    "DELETE FROM erased_assets WHERE asset_id = ANY(%s)",
)
"""What still names assets that are no more."""


async def told(tx: Tx, held: Held, user: UserId) -> list[Any]:
    """The rows of one table about a person, without what is hidden, with what belongs to each."""
    parts = [_part(table, column, (column,)) for table, column in held.parts]
    asked = sql.SQL("SELECT to_jsonb(t) - %s::text[] AS row {} FROM {} t WHERE {} = %s").format(
        sql.Composed(parts), sql.Identifier(held.table), sql.Identifier("t", held.column)
    )
    found = await (await tx.execute(asked, [list(held.hidden), user])).fetchall()
    return [row.pop("row") | row for row in found]


def _part(table: str, column: str, hidden: Sequence[str]) -> sql.Composed:
    """One more column of `t`: the rows of another table that lead to it."""
    return sql.SQL(
        ", (SELECT coalesce(jsonb_agg(to_jsonb(p) - {}::text[]), '[]') FROM {} p WHERE {} = t.id) AS {}"
    ).format(list(hidden), sql.Identifier(table), sql.Identifier("p", column), sql.Identifier(table))


async def some(tx: Tx, user: UserId, before: datetime, after: UUID | None, limit: int) -> list[DictRow]:
    """The next assets of a person by id, whole, with their parts; what came after `before` is left for another time."""
    parts = [_part(part, "asset_id", ("asset_id", *hidden)) for part, hidden in PARTS.items()]
    asked = sql.SQL(
        "SELECT t.id, t.name, t.content_type, t.generation, t.created_at, to_jsonb(t) - 'words' AS row,"
        " EXISTS (SELECT FROM block_sha256 b WHERE b.sha256 = t.sha256) AS blocked {}"
        " FROM assets t WHERE t.owner = %s AND t.state <> 'deleting' AND t.created_at <= %s AND t.id > %s"
        " ORDER BY t.id LIMIT %s"
    ).format(sql.Composed(parts))
    return await (await tx.execute(asked, [user, before, after or ID, limit])).fetchall()


async def handle(tx: Tx, user: UserId) -> str:
    """What somebody is called now, empty for nobody; locked, but for steps that only mention them."""
    row = await one(tx, "SELECT handle FROM users WHERE id = %s FOR NO KEY UPDATE", user)
    return row["handle"] if row else ""


async def hide(tx: Tx, user: UserId, issuer: str, subject: str) -> None:
    """Nothing of a person is there for anybody from the commit on: whatever the predicate hides of the banned.

    No other row is waited for, since a step of the pipeline that holds an asset may be waiting for its owner.
    """
    await tx.execute(
        "UPDATE users SET erased_at = coalesce(erased_at, now()), banned_at = coalesce(banned_at, now()) WHERE id = %s",
        [user],
    )
    await tx.execute(
        "INSERT INTO departed (hash) VALUES (%s) ON CONFLICT (hash) DO UPDATE SET at = now()",
        [departure(issuer, subject)],
    )


async def bury(tx: Tx, user: UserId, limit: int) -> int:
    """Some of their assets on the way out, and says how many; what somebody is at comes with the next round."""
    gone = await tx.execute(
        "UPDATE assets SET state = 'deleting', generation = generation + 1, updated_at = now() WHERE id IN ("
        " SELECT id FROM assets WHERE owner = %s AND state <> 'deleting' ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)",
        [user, limit],
    )
    await tx.execute(
        "INSERT INTO erased_assets (asset_id, user_id) SELECT id, owner FROM assets"
        " WHERE owner = %s AND state = 'deleting' ON CONFLICT DO NOTHING",
        [user],
    )
    return gone.rowcount


async def leave(tx: Tx, held: Held, user: UserId) -> None:
    """The rows of one table about them go, or forget them; what goes last is not touched."""
    if held.leaves != "last":
        await tx.execute(_leaves(held), [user])


def _leaves(held: Held) -> sql.Composed:
    table, column = sql.Identifier(held.table), sql.Identifier(held.column)
    if held.leaves == "blanked":
        return sql.SQL("UPDATE {} SET {} = NULL WHERE {} = %s").format(table, column, column)
    return sql.SQL("DELETE FROM {} WHERE {} = %s").format(table, column)


async def leaving(tx: Tx) -> list[UserId]:
    """Who is on the way out, the longest first."""
    found = await all_rows(tx, "SELECT id FROM users WHERE erased_at IS NOT NULL ORDER BY erased_at LIMIT 100")
    return [UserId(row["id"]) for row in found]


async def untold(tx: Tx, user: UserId, limit: int) -> list[AssetId]:
    """Assets of somebody who leaves whose purge is not under way."""
    found = await all_rows(
        tx,
        "SELECT a.id FROM assets a WHERE a.owner = %s AND a.state = 'deleting'"
        " AND NOT EXISTS (SELECT FROM deliveries d WHERE d.key = a.id::text)"
        " AND NOT EXISTS (SELECT FROM outbox o WHERE o.key = a.id::text AND o.published_at IS NULL)"
        " ORDER BY a.id LIMIT %s FOR NO KEY UPDATE OF a SKIP LOCKED",
        user, limit,
    )  # fmt: skip
    return [AssetId(row["id"]) for row in found]


async def forget_events(tx: Tx, user: UserId, limit: int) -> int:
    """Remove what inbox, outbox and dead letters say of assets that are gone, once nothing of them is under way."""
    found = await all_rows(
        tx,
        "SELECT e.asset_id FROM erased_assets e WHERE e.user_id = %s"
        " AND NOT EXISTS (SELECT FROM assets a WHERE a.id = e.asset_id AND a.owner = e.user_id)"
        " AND NOT EXISTS (SELECT FROM deliveries d WHERE d.key = e.asset_id::text)"
        " AND NOT EXISTS (SELECT FROM outbox o WHERE o.key = e.asset_id::text AND o.published_at IS NULL)"
        " LIMIT %s",
        user, limit,
    )  # fmt: skip
    ids = [row["asset_id"] for row in found]
    for statement in GONE:
        await tx.execute(statement, [ids])
    return len(ids)


async def close(tx: Tx, user: UserId) -> bool:
    """The person's own row goes, if nothing leads to it any more; says whether it did."""
    row = await one(
        tx,
        "DELETE FROM users u WHERE u.id = %s AND u.erased_at IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM assets a WHERE a.owner = u.id)"
        " AND NOT EXISTS (SELECT FROM erased_assets e WHERE e.user_id = u.id) RETURNING u.id",
        user,
    )
    return row is not None
