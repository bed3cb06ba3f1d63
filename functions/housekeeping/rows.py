"""The SQL of housekeeping and of the audit."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.errors import Conflict
from functions.core.ids import AssetId
from functions.core.model import State, original_key
from functions.core.postgres import asset_changes, assets, audit_log, idempotency, upkeep
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows

KEY: Final = re.compile(r"(incoming|originals|derived)/([0-9a-f-]{36})(?:/(\d+))?")
UNDER_WAY: Final = (
    "(EXISTS (SELECT FROM deliveries d WHERE d.key = a.id::text)"
    " OR EXISTS (SELECT FROM outbox o WHERE o.key = a.id::text AND o.published_at IS NULL))"
)
ENDED_BADLY: Final = (
    "EXISTS (SELECT FROM pipeline_steps p WHERE p.asset_id = a.id AND p.run = a.run"
    " AND p.state IN ('failed', 'rejected'))"
)
EMBEDDED: Final = (
    "EXISTS (SELECT FROM embeddings e WHERE e.asset_id = a.id AND e.generation = a.generation AND e.model = %s)"
)
OVERDUE: Final = "a.form_expires_at < now() - interval '1 hour'"
OUTSTAYED: Final = "a.trashed_at < now() - make_interval(days => %s) AND a.state <> 'deleting'"
CONDEMNED: Final = (
    "a.moderation = 'rejected' AND a.state = 'ready' AND EXISTS (SELECT FROM renditions r WHERE r.asset_id = a.id)"
    " AND NOT EXISTS (SELECT FROM moderation_requests q WHERE q.asset_id = a.id AND q.closed_by IS NULL)"
    " AND coalesce((SELECT max(d.created_at) FROM moderation_decisions d WHERE d.asset_id = a.id), a.updated_at)"
    " < now() - make_interval(days => %s)"
)
FORGET: Final = (
    "DELETE FROM outbox WHERE published_at < now() - interval '7 days'",
    "DELETE FROM inbox WHERE updated_at < now() - interval '14 days' AND (state <> 'working' OR lease_until < now())",
    "DELETE FROM tombstones WHERE created_at < now() - interval '30 days'",
    "DELETE FROM query_images WHERE expires_at < now()",
    "DELETE FROM dead_letters WHERE created_at < now() - interval '30 days'",
    "DELETE FROM departed WHERE at < now() - interval '1 day'",
    "DELETE FROM former_handles WHERE at < now() - interval '30 days'",
    "DELETE FROM local_link WHERE expires_at < now()",
    "DELETE FROM local_session WHERE expires_at < now()",
    asset_changes.FORGET,
    *idempotency.FORGET,
    "DELETE FROM moderation_leases WHERE until < now()",
    "DELETE FROM share_tries WHERE at < now() - interval '1 hour'",
    "DELETE FROM assets WHERE state = 'expired' AND updated_at < now() - interval '7 days'",
)


async def pending(tx: Tx) -> list[tuple[AssetId, bool]]:
    """Uploads without word for a minute, and whether their time is over."""
    found = await all_rows(
        tx,
        "SELECT a.id, " + OVERDUE + " AS overdue FROM assets a WHERE a.state = 'new'"
        " AND a.updated_at < now() - interval '1 minute'"
        f" AND NOT {UNDER_WAY}",
    )
    return [(AssetId(row["id"]), row["overdue"]) for row in found]


async def expire(tx: Tx, asset: AssetId) -> None:
    """The bytes never came; raises Conflict when there is a fresh form meanwhile, or the bytes are being taken in."""
    await _still(tx, f"a.state = 'new' AND {OVERDUE} AND NOT {UNDER_WAY}", asset)
    await assets.end(tx, asset, State.EXPIRED, "not_sent")


async def empty(tx: Tx, asset: AssetId, days: int) -> None:
    """Out of the trash for good; raises Conflict when somebody took it back meanwhile."""
    await _still(tx, OUTSTAYED, asset, days)
    await upkeep.delete(tx, asset)
    await audit_log.note(tx, None, "asset.deleted", f"asset:{asset}")


async def condemned(tx: Tx, days: int) -> list[AssetId]:
    """Rejected pictures that nobody can appeal for any more, and of which there still is something to see."""
    found = await all_rows(tx, f"SELECT a.id FROM assets a WHERE {CONDEMNED} AND NOT {UNDER_WAY}", days)
    return [AssetId(row["id"]) for row in found]


async def still_condemned(tx: Tx, asset: AssetId, days: int) -> None:
    """Lock one of the condemned; raises Conflict when it was decided anew meanwhile."""
    await _still(tx, f"{CONDEMNED} AND NOT {UNDER_WAY}", asset, days)


async def strip(tx: Tx, asset: AssetId) -> None:
    """No row that shows the picture stays; the original does, from which all of it can be made again."""
    await tx.execute("DELETE FROM renditions WHERE asset_id = %s", [asset])
    await tx.execute("DELETE FROM embeddings WHERE asset_id = %s", [asset])
    await tx.execute("UPDATE assets SET phash = NULL, thumbhash = NULL, updated_at = now() WHERE id = %s", [asset])
    await audit_log.note(tx, None, "asset.stripped", f"asset:{asset}")


async def note_removed(tx: Tx, what: str, names: list[str]) -> None:
    """Write down what a repair removed from the store or the index: how much, and a digest of which."""
    await audit_log.note(tx, None, f"{what}.removed", f"{what}:{len(names)}", before=sorted(names))


async def _still(tx: Tx, condition: LiteralString, asset: AssetId, *values: object) -> None:
    """Lock an asset that is as it was when it was listed; raises Conflict when it moved on."""
    sql: LiteralString = f"SELECT 1 FROM assets a WHERE a.id = %s AND {condition} FOR NO KEY UPDATE"
    if await one(tx, sql, asset, *values) is None:
        raise Conflict("it has moved on")


async def unaccounted(tx: Tx, keys: list[str]) -> list[str]:
    """Those keys that no living row has a use for."""
    found = {key: match for key in keys if (match := KEY.match(key))}
    ids = list({UUID(match[2]) for match in found.values()})
    living = {
        row["id"]: row
        for row in await all_rows(tx, "SELECT id, generation, state, content_type FROM assets WHERE id = ANY(%s)", ids)
    }
    return [key for key, match in found.items() if not _wanted(match, living.get(UUID(match[2])))]


def _wanted(match: re.Match[str], row: DictRow | None) -> bool:
    if row is None:
        return False
    if row["state"] == State.DELETING:
        return True  # the purge is on its way
    if match[1] == "incoming":
        # What failed before it was taken in can be tried again only from here.
        return bool(row["state"] == State.NEW or (row["state"] == State.FAILED and not row["content_type"]))
    return bool(row["generation"] == int(match[3] or 0))


@dataclass(frozen=True, slots=True)
class Effects:
    """What the store and the index hold of all assets."""

    originals: Collection[str]
    pictured: Mapping[str, int]
    """How many renditions lie below each `derived/{asset}/{generation}`."""
    points: Collection[UUID] | None
    """None while the index is being built anew: what it lacks then is not missing."""


async def incomplete(tx: Tx, effects: Effects, model: str, grace: timedelta) -> list[tuple[AssetId, str]]:
    """Assets past their processing without renditions or vector of the model (`redone`), or without their point (`reindexed`).

    What ended badly last time is left alone, and what has no original to begin from: the audit names it.
    """
    found = await all_rows(
        tx,
        "SELECT a.id, a.generation, a.state, a.moderation <> 'rejected' AS findable,"
        f" {EMBEDDED} AS embedded,"
        " (SELECT count(*) FROM renditions r WHERE r.asset_id = a.id AND r.generation = a.generation) AS renditions"
        " FROM assets a WHERE a.state IN ('uploaded', 'processed', 'ready') AND a.updated_at < now() - %s"
        f" AND NOT {ENDED_BADLY} AND NOT {UNDER_WAY}",
        model, grace,
    )  # fmt: skip
    return [(AssetId(row["id"]), repair) for row in found if (repair := _repair(row, effects))]


def _repair(row: DictRow, effects: Effects) -> str | None:
    if row["state"] == State.READY and not row["findable"] and not row["renditions"]:
        return None  # stripped
    there = effects.pictured.get(f"derived/{row['id']}/{row['generation']}", 0)
    if row["state"] == State.UPLOADED or not row["embedded"] or not 0 < row["renditions"] <= there:
        return "redone" if original_key(row["id"], row["generation"]) in effects.originals else None
    unseen = row["findable"] and effects.points is not None and row["id"] not in effects.points
    return "reindexed" if row["state"] == State.PROCESSED or unseen else None


async def ghosts(tx: Tx, points: Collection[UUID]) -> list[AssetId]:
    """Points without a row that wants them."""
    found = await all_rows(
        tx,
        "SELECT p.id FROM unnest(%s::uuid[]) AS p (id) LEFT JOIN assets a ON a.id = p.id"
        " WHERE a.id IS NULL OR a.state NOT IN ('processed', 'ready', 'uploaded') OR a.moderation = 'rejected'",
        list(points),
    )
    return [AssetId(row["id"]) for row in found]


async def unburied(tx: Tx, grace: timedelta) -> list[AssetId]:
    """Assets on their way out with nothing under way."""
    found = await all_rows(
        tx,
        f"SELECT a.id FROM assets a WHERE a.state = 'deleting' AND a.updated_at < now() - %s AND NOT {UNDER_WAY}",
        grace,
    )
    return [AssetId(row["id"]) for row in found]


async def stranded(tx: Tx) -> list[tuple[AssetId, State]]:
    """Assets that are not at an end and have nothing under way."""
    found = await all_rows(
        tx,
        "SELECT a.id, a.state FROM assets a WHERE a.state IN ('new', 'uploaded', 'processed', 'deleting')"
        f" AND NOT {UNDER_WAY} ORDER BY a.id",
    )
    return [(AssetId(row["id"]), State(row["state"])) for row in found]


async def strand(tx: Tx, asset: AssetId, state: State) -> None:
    """Lock an asset that still is where it was when it was listed; raises Conflict when it moved on."""
    await _still(tx, f"a.state = %s AND NOT {UNDER_WAY}", asset, state)


async def changed_lately(tx: Tx) -> list[AssetId]:
    """Assets with a change that was told in the time that the outbox remembers, and of which `index` knows nothing."""
    found = await all_rows(
        tx,
        "SELECT DISTINCT a.id FROM outbox o JOIN assets a ON a.id::text = o.key"
        " WHERE o.topic = 'assets.changed' AND a.state IN ('processed', 'ready')"
        " AND NOT EXISTS (SELECT FROM inbox i WHERE (i.step, i.asset_id, i.generation, i.mark) ="
        " ('index', a.id, a.generation, 'change:' || a.change) AND i.state <> 'working')"
        f" AND NOT {UNDER_WAY}",
    )
    return [AssetId(row["id"]) for row in found]


async def trashed(tx: Tx, days: int) -> list[AssetId]:
    """What has been in the trash for longer than it is kept."""
    found = await all_rows(tx, f"SELECT a.id FROM assets a WHERE {OUTSTAYED}", days)
    return [AssetId(row["id"]) for row in found]


async def any_assets(tx: Tx) -> bool:
    """Whether there is any asset at all."""
    return await one(tx, "SELECT 1 FROM assets LIMIT 1") is not None


async def forget(tx: Tx) -> int:
    """Remove rows that have served their time; returns how many."""
    return sum([(await tx.execute(statement)).rowcount for statement in FORGET])


async def counts(tx: Tx) -> dict[str, int]:
    """Rows of each kind."""
    states = await all_rows(tx, "SELECT state, count(*) AS n FROM assets GROUP BY state ORDER BY state")
    more = await one(
        tx,
        "SELECT (SELECT count(*) FROM assets) AS assets, (SELECT count(*) FROM renditions) AS renditions,"
        " (SELECT count(*) FROM embeddings) AS embeddings, (SELECT count(*) FROM deliveries) AS deliveries,"
        " (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS outbox,"
        " (SELECT count(*) FROM dead_letters) AS dead_letters,"
        " (SELECT count(*) FROM tombstones) AS tombstones",
    )
    return dict(more or {}) | {f"assets_{row['state']}": row["n"] for row in states}


async def expectations(tx: Tx, model: str) -> list[dict[str, Any]]:
    """What each living asset must have: for the audit."""
    return await all_rows(
        tx,
        "SELECT a.id, a.state, a.generation, a.moderation, a.size, a.sha256, a.content_type,"
        f" {EMBEDDED} AS embedded,"
        " (SELECT coalesce(json_agg(json_build_array(r.variant, r.content_type)), '[]') FROM renditions r"
        "   WHERE r.asset_id = a.id AND r.generation = a.generation) AS renditions,"
        f" {UNDER_WAY} AS under_way"
        " FROM assets a",
        model,
    )
