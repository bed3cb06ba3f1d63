"""The SQL of moderation: who looks at what, what they decide, and what people ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound
from functions.core.filters import All, Is
from functions.core.ids import AssetId, UserId
from functions.core.model import Moderation
from functions.core.postgres.where import FROM, where
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows
from functions.core.visibility import Viewer

LEASE: Final = "interval '2 minutes'"
MOST_TOLD: Final = 50
"""How much of a history, and how many reports, one case tells."""
UNJUDGED: Final = Is("moderation", (Moderation.PENDING, Moderation.RESTRICTED))
ASKED: Final = """
    SELECT count(*) FILTER (WHERE q.kind = 'report') AS reports, min(q.created_at) AS since
    FROM moderation_requests q WHERE q.asset_id = a.id AND q.closed_by IS NULL
"""
DECIDE: Final = """
    WITH was AS (
        SELECT id, owner, moderation, reason, judged FROM assets WHERE id = ANY(%(assets)s) ORDER BY id FOR NO KEY UPDATE
    ), now AS (
        UPDATE assets a SET moderation = %(after)s, reason = %(reason)s, judged = %(judged)s, updated_at = now()
        FROM was WHERE a.id = was.id
    ), said AS (
        INSERT INTO moderation_decisions (asset_id, by_person, moderator, own, decision, before, reason_before,
            judged_before, after, reason, note)
        SELECT id, true, %(moderator)s, owner = %(moderator)s, %(decision)s, moderation, reason, judged,
            %(after)s, %(reason)s, %(note)s FROM was
        RETURNING id, asset_id
    ), free AS (
        DELETE FROM moderation_leases l USING said WHERE l.asset_id = said.asset_id
    )
    UPDATE moderation_requests q SET closed_by = said.id FROM said
    WHERE q.asset_id = said.asset_id AND q.closed_by IS NULL
"""


@dataclass(frozen=True, slots=True)
class Held:
    """An asset that is locked for a decision: its verdict, and whether renditions and vector are still there."""

    id: AssetId
    moderation: Moderation
    reason: str | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Word:
    """What a moderator says; `judged` is whether a person's verdict stands after it."""

    decision: str
    moderation: Moderation
    reason: str | None
    note: str
    judged: bool = True


async def waiting(tx: Tx, viewer: Viewer, take: int) -> list[AssetId]:
    """What nobody else looks at, locked: the viewer's own leases first, then most reported, then oldest."""
    sql, bound = seen_by(viewer, Is("trashed", (False,)))
    unjudged, more = where(UNJUDGED)
    found = await all_rows(
        tx,
        f"SELECT a.id FROM {FROM} LEFT JOIN moderation_leases l ON l.asset_id = a.id AND l.until > now()"
        f" CROSS JOIN LATERAL ({ASKED}) asked WHERE {sql} AND a.state = 'ready'"
        " AND (l.moderator IS NULL OR l.moderator = %s) AND a.id IN ("
        f"  SELECT a.id FROM {FROM} WHERE a.state = 'ready' AND {unjudged} AND NOT a.judged"
        "   UNION SELECT asset_id FROM moderation_requests WHERE closed_by IS NULL)"
        " ORDER BY l.moderator IS NULL, asked.reports DESC, coalesce(asked.since, a.created_at), a.id LIMIT %s"
        " FOR NO KEY UPDATE OF a SKIP LOCKED",
        *bound, viewer.user, *more, take,
    )  # fmt: skip
    return [AssetId(row["id"]) for row in found]


async def lease(tx: Tx, moderator: UserId, assets: Sequence[AssetId]) -> list[AssetId]:
    """Those that the moderator has from now on; one that another took since it was looked for is not among them."""
    found = await all_rows(
        tx,
        "INSERT INTO moderation_leases AS l (asset_id, moderator, until)"
        f" SELECT id, %s, now() + {LEASE} FROM unnest(%s::uuid[]) AS wanted (id)"
        " ON CONFLICT (asset_id) DO UPDATE SET moderator = excluded.moderator, until = excluded.until"
        " WHERE l.moderator = excluded.moderator OR l.until <= now() RETURNING asset_id",
        moderator, list(assets),
    )  # fmt: skip
    mine = {row["asset_id"] for row in found}
    return [asset for asset in assets if asset in mine]


async def leased(tx: Tx, assets: Sequence[UUID]) -> dict[UUID, DictRow]:
    """Who has which of the assets (`moderator`), and `until` when."""
    sql = "SELECT asset_id, moderator, until FROM moderation_leases WHERE asset_id = ANY(%s) AND until > now()"
    return {row["asset_id"]: row for row in await all_rows(tx, sql, list(assets))}


async def hold(tx: Tx, viewer: Viewer, asset: UUID) -> Held:
    """An asset that is ready, locked until the transaction ends; NotFound otherwise."""
    sql, bound = seen_by(viewer, All())
    row = await one(
        tx,
        "SELECT a.id, a.moderation, a.reason,"
        " EXISTS (SELECT FROM renditions r WHERE r.asset_id = a.id AND r.generation = a.generation)"
        " AND EXISTS (SELECT FROM embeddings e WHERE e.asset_id = a.id AND e.generation = a.generation) AS whole"
        f" FROM {FROM} WHERE a.id = %s AND a.state = 'ready' AND {sql} FOR NO KEY UPDATE OF a",
        asset, *bound,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return Held(AssetId(row["id"]), Moderation(row["moderation"]), row["reason"], row["whole"])


async def decide(tx: Tx, moderator: UserId, word: Word, *assets: AssetId) -> None:
    """The verdict, its place in the history, and an end to leases and to what was asked."""
    await tx.execute(
        DECIDE,
        {
            "assets": list(assets), "moderator": moderator, "decision": word.decision, "after": word.moderation,
            "reason": word.reason, "judged": word.judged, "note": word.note,
        },
    )  # fmt: skip


async def last_decision(tx: Tx, asset: UUID) -> DictRow | None:
    """The newest of its history, with `untouched`: whether nobody has asked anything since."""
    return await one(
        tx,
        "SELECT d.*, NOT EXISTS (SELECT FROM moderation_requests q WHERE q.asset_id = d.asset_id"
        "  AND q.created_at > d.created_at) AS untouched"
        " FROM moderation_decisions d WHERE d.asset_id = %s ORDER BY d.id DESC LIMIT 1",
        asset,
    )


async def reopen(tx: Tx, decision: int) -> None:
    """What a decision had settled is open once more."""
    await tx.execute("UPDATE moderation_requests SET closed_by = NULL WHERE closed_by = %s", [decision])


async def history(tx: Tx, assets: Sequence[UUID]) -> list[DictRow]:
    """At most MOST_TOLD decisions of each asset, newest first, with the appeal against each."""
    return await all_rows(
        tx,
        "SELECT d.*, u.handle, q.note AS appeal, q.created_at AS appealed_at"
        " FROM unnest(%s::uuid[]) AS of (id) CROSS JOIN LATERAL"
        "  (SELECT * FROM moderation_decisions d WHERE d.asset_id = of.id ORDER BY d.id DESC LIMIT %s) d"
        " LEFT JOIN users u ON u.id = d.moderator LEFT JOIN moderation_requests q ON q.appealed = d.id"
        " ORDER BY d.id DESC",
        list(assets), MOST_TOLD,
    )  # fmt: skip


async def open_requests(tx: Tx, assets: Sequence[UUID]) -> list[DictRow]:
    """At most MOST_TOLD open reports and appeals of each asset, oldest first."""
    return await all_rows(
        tx,
        "SELECT q.asset_id, q.kind, q.reason, q.note, q.created_at, q.person, u.handle"
        " FROM unnest(%s::uuid[]) AS of (id) CROSS JOIN LATERAL (SELECT * FROM moderation_requests q"
        "  WHERE q.asset_id = of.id AND q.closed_by IS NULL ORDER BY q.kind, q.id LIMIT %s) q"
        " JOIN users u ON u.id = q.person ORDER BY q.id",
        list(assets), MOST_TOLD,
    )  # fmt: skip


async def lock_person(tx: Tx, person: UserId) -> None:
    """One report of one person at a time, until the transaction ends."""
    await tx.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [person])


async def open_report(tx: Tx, person: UserId, asset: UUID) -> DictRow | None:
    """The person's report that nobody has looked at yet."""
    return await one(
        tx,
        "SELECT reason, note, created_at FROM moderation_requests"
        " WHERE person = %s AND asset_id = %s AND kind = 'report' AND closed_by IS NULL",
        person, asset,
    )  # fmt: skip


async def reports_of(tx: Tx, person: UserId) -> tuple[int, float]:
    """How many somebody made within the hour, and the seconds until the first of them is an hour old."""
    row = await one(
        tx,
        "SELECT count(*) AS n, coalesce(extract(epoch FROM min(created_at) + interval '1 hour' - now()), 0)::float AS wait"
        " FROM moderation_requests WHERE person = %s AND kind = 'report' AND created_at > now() - interval '1 hour'",
        person,
    )
    return (row["n"], row["wait"]) if row else (0, 0.0)


async def report(tx: Tx, person: UserId, asset: UUID, reason: str, note: str) -> DictRow:
    """Keep a report."""
    row = await one(
        tx,
        "INSERT INTO moderation_requests (asset_id, person, kind, reason, note) VALUES (%s, %s, 'report', %s, %s)"
        " RETURNING reason, note, created_at",
        asset, person, reason, note,
    )  # fmt: skip
    assert row  # noqa: S101 -- narrows: RETURNING gives the row
    return row


async def appeal(tx: Tx, person: UserId, decision: DictRow, note: str) -> bool:
    """Keep an appeal against a decision; False when there is one, or another is open."""
    row = await one(
        tx,
        "INSERT INTO moderation_requests (asset_id, person, kind, appealed, note) SELECT %s, %s, 'appeal', %s, %s"
        " WHERE NOT EXISTS (SELECT FROM moderation_requests WHERE asset_id = %s AND kind = 'appeal' AND closed_by IS NULL)"
        " ON CONFLICT DO NOTHING RETURNING id",
        decision["asset_id"], person, decision["id"], note, decision["asset_id"],
    )  # fmt: skip
    return row is not None
