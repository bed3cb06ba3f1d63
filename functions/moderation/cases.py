"""Tells cases: to moderators everything, to owners what concerns them, and never who decided."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.catalog.contract import AssetOut
from functions.core.catalog.read import Desk, sentence
from functions.core.errors import NotFound, Unauthenticated
from functions.core.ids import UserId
from functions.core.model import Moderation
from functions.core.runtime.run import World
from functions.core.tx import Tx
from functions.moderation import rows
from functions.moderation.contract import AppealOut, CaseOut, DecisionOut, PersonOut, ReportOut

HIDDEN: Final = frozenset({Moderation.RESTRICTED, Moderation.REJECTED})


async def told(tx: Tx, desk: Desk, assets: Sequence[AssetOut], appeal_days: int) -> list[CaseOut]:
    """The cases of assets that the viewer may see, in their order."""
    ids = [asset.id for asset in assets]
    asked, decided, leases = await rows.open_requests(tx, ids), await rows.history(tx, ids), await rows.leased(tx, ids)
    return [
        CaseOut(
            asset=asset,
            reports=_reports(_of(asset.id, asked)) if desk.viewer.judging else None,
            appeal=next((_appeal(row) for row in _of(asset.id, asked) if row["kind"] == "appeal"), None),
            history=[_decision(row, judging=desk.viewer.judging) for row in _of(asset.id, decided)],
            leased_until=_mine(desk, leases.get(asset.id)),
            appeal_until=appeal_until(next(iter(_of(asset.id, decided)), None), appeal_days, desk.now),
        )
        for asset in assets
    ]


def appeal_until(last: DictRow | None, days: int, now: datetime) -> datetime | None:
    """Until when there may be an appeal against the last decision of a history; None for a kind one, or too late."""
    if last is None or last["after"] not in HIDDEN or last["appealed_at"]:
        return None
    until: datetime = last["created_at"] + timedelta(days=days)
    return until if until > now else None


def person(desk: Desk) -> UserId:
    """Who asks; raises Unauthenticated for nobody."""
    if desk.viewer.user is None:
        raise Unauthenticated
    return desk.viewer.user


def theirs(asset: AssetOut, desk: Desk) -> AssetOut:
    """The asset, if it is the viewer's or the viewer is a moderator at work; NotFound otherwise."""
    if asset.owner.id != desk.viewer.user and not desk.viewer.judging:
        raise NotFound
    return asset


def days(world: World) -> int:
    """How long owners may appeal."""
    return world.ports.rules.appeal_days


def _of(asset: UUID, found: Sequence[DictRow]) -> list[DictRow]:
    return [row for row in found if row["asset_id"] == asset]


def _mine(desk: Desk, lease: DictRow | None) -> datetime | None:
    return lease["until"] if lease and lease["moderator"] == desk.viewer.user else None


def _reports(asked: Sequence[DictRow]) -> list[ReportOut]:
    return [
        ReportOut(reason=row["reason"], note=row["note"], created_at=row["created_at"],
                  reporter=PersonOut(id=row["person"], handle=row["handle"]))
        for row in asked if row["kind"] == "report"
    ]  # fmt: skip


def _appeal(row: DictRow) -> AppealOut:
    return AppealOut(note=row["note"], created_at=row["created_at"])


def _decision(row: DictRow, *, judging: bool) -> DecisionOut:
    known = judging and row["moderator"]
    return DecisionOut(
        decision=row["decision"], by="person" if row["by_person"] else "machine", before=row["before"],
        after=row["after"], reason=row["reason"], reason_text=sentence(row["reason"]) if row["reason"] else None,
        note=row["note"] if judging else None, scores=row["scores"] if judging else None, own=row["own"],
        moderator=PersonOut(id=row["moderator"], handle=row["handle"]) if known else None,
        appeal=AppealOut(note=row["appeal"], created_at=row["appealed_at"]) if row["appealed_at"] else None,
        created_at=row["created_at"],
    )  # fmt: skip
