"""What others ask of moderators: reports of anybody who sees a picture, appeals of its owner."""

import math
from typing import Final
from uuid import UUID

from functions.core.catalog import read
from functions.core.catalog.read import Desk
from functions.core.errors import Conflict, Limited
from functions.core.postgres import audit_log
from functions.core.runtime.run import World
from functions.moderation import cases, rows
from functions.moderation.contract import Appeal, CaseOut, Report, ReportOut

REPORTS_AN_HOUR: Final = 10


async def report(world: World, desk: Desk, asset: UUID, wanted: Report) -> tuple[ReportOut, bool]:
    """A report, and whether it is news: until it is looked at there is one of a person; Limited over ten an hour."""
    me = cases.person(desk)
    async with world.database.transaction() as tx:
        if (await read.one_by_id(tx, desk, asset)).owner.id == me:
            raise Conflict("this is your own picture")
        await rows.lock_person(tx, me)
        if known := await rows.open_report(tx, me, asset):
            return ReportOut.model_validate(known), False
        made, wait_s = await rows.reports_of(tx, me)
        if made >= REPORTS_AN_HOUR:
            raise Limited("no more reports now", retry_after=max(1, math.ceil(wait_s)), limit=REPORTS_AN_HOUR)
        told = ReportOut.model_validate(await rows.report(tx, me, asset, wanted.reason, wanted.note))
        await audit_log.note(tx, me, "asset.reported", f"asset:{asset}")
    return told, True


async def appeal(world: World, desk: Desk, asset: UUID, wanted: Appeal) -> CaseOut:
    """Back into the queue, once per decision; Conflict where nothing, or nothing any more, can be appealed."""
    me = cases.person(desk)
    async with world.database.transaction() as tx:
        cases.theirs(await read.one_by_id(tx, desk, asset), desk)
        await rows.hold(tx, desk.viewer, asset)
        last = next(iter(await rows.history(tx, [asset])), None)
        until = cases.appeal_until(last, cases.days(world), desk.now)
        if last is None or until is None or not await rows.appeal(tx, me, last, wanted.note):
            raise Conflict("there is nothing to appeal against")
        [told] = await cases.told(tx, desk, [await read.one_by_id(tx, desk, asset)], cases.days(world))
        await audit_log.note(tx, me, "asset.appealed", f"asset:{asset}")
    return told
