"""Reads assets for a viewer: no row leaves here that the predicate does not let through."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core import errors, reasons
from functions.core.catalog.contract import AssetOut
from functions.core.catalog.media import Shown
from functions.core.filters import All, Clause, holds
from functions.core.ids import AssetId
from functions.core.postgres.where import FROM, Sql, where
from functions.core.signing import Keyring, Picture, brief_url, media_url
from functions.core.tx import Tx, rows
from functions.core.visibility import Viewer, others_may_see, visible_to

PLAIN: Final = (
    "id", "title", "description", "alt", "state", "moderation", "width", "height", "content_type", "colors",
    "visibility", "rating", "licence", "trashed_at", "created_at", "updated_at",
)  # fmt: skip
"""What is told as the row has it."""
COLUMNS: Final = f"""
    {", ".join(f"a.{name}" for name in PLAIN)}, a.owner, a.name, a.size, a.sha256, a.thumbhash, a.reason, a.generation,
    u.handle AS owner_handle, u.name AS owner_name, u.banned_at IS NOT NULL AS banned, m.exif, m.ai,
    (SELECT coalesce(json_agg(json_build_object('name', t.name, 'source', t.source, 'confidence', t.confidence)
        ORDER BY t.confidence DESC, t.name), '[]') FROM shown_tags t WHERE t.asset_id = a.id) AS tags,
    (SELECT coalesce(json_agg(json_build_object('variant', r.variant, 'width', r.width, 'height', r.height,
        'content_type', r.content_type) ORDER BY r.variant::int), '[]')
        FROM renditions r WHERE r.asset_id = a.id AND r.generation = a.generation) AS renditions
"""
ALIVE: Final = "a.state <> 'deleting'"
FOR_OTHERS: Final = "a.state = 'ready'"
SENTENCES: Final = {
    "worker_lost": "Processing this file stopped the worker again and again, so it was set aside",
    "too_many_attempts": "Processing this file failed too often",
    "internal_error": "Something went wrong on our side while the file was processed",
    "undeliverable": "The file could not be processed",
    "not_sent": "The upload was never completed",
    **reasons.SENTENCES,
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What telling of assets needs: who asks, when, and the keys that sign addresses."""

    viewer: Viewer
    media: Keyring
    now: datetime
    remember: Callable[[Picture, Shown], None] | None = None
    """Hears what each told rendition's address would find: a page's pictures are asked for right after the page."""


async def by_ids(tx: Tx, desk: Desk, ids: Sequence[UUID], clause: Clause | None = None) -> dict[AssetId, AssetOut]:
    """Those of the assets that the viewer may see and that satisfy the clause, by id."""
    found = await select(tx, desk.viewer, clause or All(), "a.id = ANY(%s)", [list(ids)])
    return {AssetId(row["id"]): told(row, desk) for row in found}


async def one_by_id(tx: Tx, desk: Desk, asset: UUID) -> AssetOut:
    """One asset; NotFound when it is not there or not for this viewer."""
    found = await by_ids(tx, desk, [asset])
    if AssetId(asset) not in found:
        raise errors.NotFound
    return found[AssetId(asset)]


async def select(
    tx: Tx, viewer: Viewer, clause: Clause, more: str, values: Sequence[Any], tail: str = ""
) -> list[DictRow]:
    """Rows with COLUMNS that are visible to the viewer and satisfy both conditions."""
    sql, bound = seen_by(viewer, clause)
    return await rows(
        tx,
        f"SELECT {COLUMNS} FROM {FROM} LEFT JOIN metadata m ON m.asset_id = a.id WHERE {sql} AND {more} {tail}",
        *bound, *values,
    )  # fmt: skip


def seen_by(viewer: Viewer, clause: Clause) -> Sql:
    """What the viewer may see and the clause lets through, as SQL over FROM: alive, and ready unless it is theirs."""
    sql, bound = where(All((visible_to(viewer), clause)))
    if viewer.user is None:
        return f"{ALIVE} AND {FOR_OTHERS} AND {sql}", bound
    return f"{ALIVE} AND (a.owner = %s OR {FOR_OTHERS}) AND {sql}", [viewer.user, *bound]


def told(row: DictRow, desk: Desk) -> AssetOut:
    """A row with COLUMNS in the words of the contract; what is for the owner and moderators stays away from others."""
    trusted = desk.viewer.moderator or desk.viewer.user == row["owner"]
    return AssetOut.model_validate({name: row[name] for name in PLAIN} | {
        "owner": {"id": row["owner"], "handle": row["owner_handle"], "name": row["owner_name"]},
        "bytes": row["size"],
        "name": row["name"] if trusted else None,
        "reason": row["reason"] if trusted else None,
        "reason_text": sentence(row["reason"]) if trusted and row["reason"] else None,
        "sha256": row["sha256"].hex() if trusted else None,
        "exif": row["exif"] if trusted else None,
        "ai": row["ai"] or {},
        "color": next(iter(row["colors"]), None),
        "thumbhash": base64.b64encode(row["thumbhash"]).decode() if row["thumbhash"] else None,
        "tags": row["tags"],
        "renditions": _renditions(row, desk),
    })  # fmt: skip


def sentence(code: str) -> str:
    """A reason in words that a person understands."""
    titles = {kind.code(): kind.title for kind in errors.Rejected.__subclasses__()}
    return titles.get(code) or SENTENCES.get(code, SENTENCES["internal_error"])


def _renditions(row: DictRow, desk: Desk) -> list[dict[str, Any]]:
    share = desk.viewer.link.reach if desk.viewer.link else None
    facts = {"visibility": row["visibility"], "moderation": row["moderation"], "banned": row["banned"]}
    to_others = row["state"] == "ready" and holds(others_may_see(), facts | {"trashed": row["trashed_at"] is not None})
    found = []
    for made in row["renditions"]:
        picture = Picture(AssetId(row["id"]), row["generation"], made["variant"], share)
        if desk.remember and not share:  # what a link shows is for its own row to say
            desk.remember(picture, Shown(made["content_type"], to_others=to_others, to_owner=not row["banned"]))
        found.append(made | {"url": _url(row, picture, desk)})
    return found


def _url(row: DictRow, picture: Picture, desk: Desk) -> str:
    mine = desk.viewer.user == row["owner"]
    if desk.viewer.judging and not mine:
        return brief_url(desk.media, picture, desk.now)
    return media_url(desk.media, picture, desk.now, owner=mine)
