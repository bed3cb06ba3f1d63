"""/v1/me: who the caller is here, and what they use."""

from fastapi import APIRouter

from functions.people import handler
from functions.people.contract import ChangeMe, MeOut, UsageOut
from gateway.door import TheDoor, ThePerson, TheReader

router = APIRouter(prefix="/v1/me", tags=["people"])


@router.get("", name="readMe")
async def me(here: TheDoor, who: TheReader) -> MeOut:
    """Id, handle, name, settings and roles; the roles are those of the token."""
    return await handler.me(here.world, who)


@router.patch("", name="changeMe")
async def change(here: TheDoor, who: ThePerson, wanted: ChangeMe) -> MeOut:
    """Change handle, name or settings; 409 `handle_taken` for one that is somebody's, reserved, or too much alike."""
    changed = await handler.change(here.world, who, wanted)
    here.callers.forget(who.principal)
    return changed


@router.get("/usage", name="readUsage")
async def usage(here: TheDoor, who: TheReader) -> UsageOut:
    """What counts against the caller's limits."""
    return await handler.used(here.world, who.user, daily=not here.owned_by(who.principal))
