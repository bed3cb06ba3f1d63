"""/v1/me, leaving: everything of the caller in a zip, and the end of their account."""

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from functions.core.times import utcnow
from functions.leaving import handler, takeout
from functions.leaving.contract import EraseMe
from gateway.door import TheDoor, ThePerson

router = APIRouter(prefix="/v1/me", tags=["me"])


@router.get("/export", name="exportMe", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
async def export(here: TheDoor, who: ThePerson) -> StreamingResponse:
    """Every original and everything that is known of the caller; one that was cut off opens nowhere as a whole zip."""
    await handler.note_export(here.world, who.user)
    attached = f'attachment; filename="miraveja-{utcnow():%Y-%m-%d}.zip"'
    headers = {"Content-Disposition": attached, "Cache-Control": "no-store"}
    return StreamingResponse(takeout.export(here.world, who.user), media_type="application/zip", headers=headers)


@router.delete("", name="eraseMe", status_code=204)
async def erase(here: TheDoor, who: ThePerson, wanted: EraseMe) -> None:
    """Hidden from everybody at once, gone for good within a day; `confirm` is the caller's handle."""
    await handler.erase(here.world, who, wanted)
    here.forget(who.principal)
    if here.accounts:
        await here.accounts.owner()  # a gallery is somebody's: a new owner begins with nothing
