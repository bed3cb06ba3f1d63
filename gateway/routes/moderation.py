"""/v1/moderation: the moderators' desk, and what others ask of it."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from functions.core.catalog.read import Desk
from functions.core.identity.callers import Caller
from functions.moderation import blocklists, handler, requests
from functions.moderation.contract import (
    Appeal,
    Block,
    BlockedOut,
    BlocksOut,
    CaseOut,
    Decide,
    Kind,
    ListBlocks,
    QueueOut,
    Report,
    ReportOut,
)  # fmt: skip
from gateway.door import Door, TheAsset, TheDoor, TheModerator, ThePerson

router = APIRouter(prefix="/v1", tags=["moderation"])
Hash = Annotated[str, Path(pattern=r"^([0-9a-f]{16}|[0-9a-f]{64})$")]


@router.get("/moderation/queue", name="moderationQueue")
async def queue(here: TheDoor, who: TheModerator, take: Annotated[int, Query(ge=1, le=50)] = 10) -> QueueOut:
    """What waits, kept for the caller for two minutes; asked again, the same for two minutes more, and what is new."""
    return await handler.queue(here.world, _desk(here, who), take)


@router.post("/moderation/{assetId}/decision", name="decideModeration")
async def decide(here: TheDoor, who: TheModerator, asset_id: TheAsset, wanted: Decide) -> CaseOut:
    """Approve, restrict, reject, or undo the last decision."""
    return await handler.decide(here.world, _desk(here, who), asset_id, wanted)


@router.get("/assets/{assetId}/moderation", name="assetModeration")
async def case(here: TheDoor, who: ThePerson, asset_id: TheAsset) -> CaseOut:
    """What was decided and why, for the owner and for moderators."""
    return await handler.case(here.world, _desk(here, who), asset_id)


@router.post("/assets/{assetId}/report", name="reportAsset", status_code=201, responses={200: {"model": ReportOut}})
async def report(here: TheDoor, who: ThePerson, asset_id: TheAsset, wanted: Report, response: Response) -> ReportOut:
    """Ask moderators to look at a picture; 200 with the report that the caller made before."""
    told, news = await requests.report(here.world, here.desk(who.viewer), asset_id, wanted)
    response.status_code = 201 if news else 200
    return told


@router.post("/assets/{assetId}/appeal", name="appealAsset", status_code=201)
async def appeal(here: TheDoor, who: ThePerson, asset_id: TheAsset, wanted: Appeal) -> CaseOut:
    """Ask moderators to look at a decision again, once."""
    return await requests.appeal(here.world, here.desk(who.viewer), asset_id, wanted)


@router.get("/moderation/blocklists", name="listBlocks")
async def blocks(here: TheDoor, who: TheModerator, asked: Annotated[ListBlocks, Query()]) -> BlocksOut:
    """What is blocked, newest first."""
    return await blocklists.page(here.world, _desk(here, who), asked)


@router.post("/moderation/blocklists", name="addBlock", status_code=201)
async def block(here: TheDoor, who: TheModerator, wanted: Block) -> BlockedOut:
    """Block a hash, and reject what has it; with `more`, the same request goes on."""
    return await blocklists.add(here.world, _desk(here, who), wanted)


@router.delete("/moderation/blocklists/{kind}/{value}", name="removeBlock", status_code=204)
async def unblock(here: TheDoor, who: TheModerator, kind: Kind, value: Hash) -> None:
    """Allow a hash again."""
    await blocklists.remove(here.world, _desk(here, who), kind, value)


def _desk(here: Door, who: Caller) -> Desk:
    """A moderator at work sees what is hidden too; anybody else, what they may."""
    return here.desk(replace(who.viewer, judging=who.viewer.moderator))
