"""/v1/invitations: asks people into an embedded gallery, where nobody else could."""

from fastapi import APIRouter

from functions.core.errors import NotFound
from gateway.contract import InvitationOut, Invite
from gateway.door import TheAdmin, TheDoor

router = APIRouter(prefix="/v1/invitations", tags=["people"])


@router.post("", name="invite", status_code=201)
async def invite(here: TheDoor, who: TheAdmin, wanted: Invite) -> InvitationOut:
    """A new person with the role `user`, and their one-time link for three days; 404 where people sign in elsewhere."""
    if here.accounts is None:
        raise NotFound
    made = await here.accounts.invite(who.user, wanted.name)
    link, guest = f"{here.settings.address}/start/{made.link}", made.guest
    return InvitationOut(id=guest.user, handle=guest.handle, name=guest.name, link=link, expires_at=made.expires_at)
