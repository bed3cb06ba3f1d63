"""/v1/me: who the caller is here."""

from uuid import UUID

from fastapi import APIRouter

from functions.core.contract import Time, Wire
from gateway.door import TheReader

router = APIRouter(prefix="/v1", tags=["me"])


class MeOut(Wire):
    """The caller."""

    id: UUID
    handle: str
    name: str
    roles: list[str]
    created_at: Time


@router.get("/me", name="readMe")
async def me(who: TheReader) -> MeOut:
    """Id, handle, name and roles; the roles are those of the token."""
    roles = sorted(who.principal.roles)
    return MeOut(id=who.user, handle=who.handle, name=who.name, roles=roles, created_at=who.created_at)
