"""What moderators look at and decide; every sight of what is hidden is written down."""

from typing import Final
from uuid import UUID

from functions.core.catalog import read
from functions.core.catalog.read import Desk
from functions.core.errors import Conflict
from functions.core.ids import UserId
from functions.core.model import Moderation
from functions.core.postgres import assets, audit_log, upkeep
from functions.core.runtime.run import World
from functions.core.tx import Tx
from functions.moderation import cases, rows
from functions.moderation.contract import CaseOut, Decide, QueueOut
from functions.moderation.rows import Held, Word

VERDICTS: Final = {
    "approve": Moderation.APPROVED, "restrict": Moderation.RESTRICTED, "reject": Moderation.REJECTED,
}  # fmt: skip


async def queue(world: World, desk: Desk, take: int) -> QueueOut:
    """Up to `take` cases for this moderator alone, for two minutes from now; asked again, the same and fresh ones."""
    me = cases.person(desk)
    async with world.database.transaction() as tx:
        wanted = await rows.waiting(tx, desk.viewer, take)
        known = [asset for asset, lease in (await rows.leased(tx, wanted)).items() if lease["moderator"] == me]
        mine = await rows.lease(tx, me, wanted)
        found = await read.by_ids(tx, desk, mine)
        told = await cases.told(tx, desk, [found[asset] for asset in mine if asset in found], cases.days(world))
        if news := [str(asset) for asset in mine if asset not in known]:
            await audit_log.note(tx, me, "moderation.taken", f"assets:{','.join(news)}")
    return QueueOut(items=told)


async def case(world: World, desk: Desk, asset: UUID) -> CaseOut:
    """What was decided on an asset, for its owner and for moderators; NotFound for anybody else."""
    async with world.database.transaction() as tx:
        found = await read.one_by_id(tx, desk, asset)
        [told] = await cases.told(tx, desk, [cases.theirs(found, desk)], cases.days(world))
        if found.owner.id != desk.viewer.user:
            await audit_log.note(tx, desk.viewer.user, "moderation.viewed", f"asset:{asset}")
    return told


async def decide(world: World, desk: Desk, asset: UUID, wanted: Decide) -> CaseOut:
    """A person's verdict, which no machine overrules; Conflict while another moderator looks at it."""
    me = cases.person(desk)
    async with world.database.transaction() as tx:
        held = await rows.hold(tx, desk.viewer, asset)
        lease = (await rows.leased(tx, [asset])).get(asset)
        if lease and lease["moderator"] != me:
            raise Conflict(
                "another moderator looks at this one", code="leased", leased_until=lease["until"].isoformat()
            )
        word = await _word(tx, held, me, wanted)
        await show(tx, held, word.moderation)
        [told] = await cases.told(tx, desk, [await read.one_by_id(tx, desk, asset)], cases.days(world))
        before, after = [{"moderation": each.moderation, "reason": each.reason} for each in (held, word)]
        await audit_log.note(tx, me, f"moderation.{wanted.decision}", f"asset:{asset}", before=before, after=after)
    return told


async def _word(tx: Tx, held: Held, me: UserId, wanted: Decide) -> Word:
    """What is decided, written down; `undo` brings back what was before the last decision."""
    if wanted.decision != "undo":
        word = Word(wanted.decision, VERDICTS[wanted.decision], wanted.reason, wanted.note)
        await rows.decide(tx, me, word, held.id)
        return word
    last = await rows.last_decision(tx, held.id)
    if last is None or not last["by_person"] or last["decision"] == "undo":
        raise Conflict("there is no decision to undo")
    if not last["untouched"]:
        raise Conflict("something happened since that decision: decide anew")
    before = Moderation(last["before"])
    word = Word("undo", before, last["reason_before"], wanted.note, judged=last["judged_before"])
    await rows.decide(tx, me, word, held.id)
    await rows.reopen(tx, last["id"])
    return word


async def show(tx: Tx, held: Held, verdict: Moderation) -> None:
    """Let the index follow; what was purged of a rejected picture is made anew once it is no more rejected."""
    if verdict is not Moderation.REJECTED and not held.whole:
        await assets.note_change(tx, held.id)
        await upkeep.redo(tx, held.id)
    elif verdict is not held.moderation:
        await upkeep.changed(tx, held.id)
