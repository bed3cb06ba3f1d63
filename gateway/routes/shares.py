"""/v1/shares for those who make links, /s for whoever has one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query

from functions.core.catalog.contract import Part
from functions.core.visibility import Viewer
from functions.shares import handler, visits
from functions.shares.contract import (
    ChangeShare,
    ListShares,
    MakeShare,
    Password,
    SharedOut,
    ShareMadeOut,
    ShareOut,
    SharesOut,
)
from gateway.door import TheDoor, TheReader, TheWriter

router = APIRouter(tags=["shares"])
TheShare = Annotated[UUID, Path(alias="shareId")]
Unlock = Annotated[str | None, Header(alias="Share-Unlock", max_length=256)]


@router.get("/v1/shares", name="listShares")
async def page(here: TheDoor, who: TheReader, asked: Annotated[ListShares, Query()]) -> SharesOut:
    """A page of one's own links, newest first."""
    return await handler.page(here.world, here.desk(who.viewer), who.user, asked)


@router.post("/v1/shares", name="createShare", status_code=201)
async def create(here: TheDoor, who: TheWriter, wanted: MakeShare) -> ShareMadeOut:
    """A link to an asset or collection of one's own; its token is told now and never again."""
    return await handler.make(here.world, who.user, wanted, here.passwords, here.settings.address)


@router.patch("/v1/shares/{shareId}", name="changeShare")
async def change(here: TheDoor, who: TheWriter, share: TheShare, wanted: ChangeShare) -> ShareOut:
    """Another name, expiry or password."""
    return await handler.change(here.world, who.user, share, wanted, here.passwords)


@router.delete("/v1/shares/{shareId}", name="revokeShare", status_code=204)
async def revoke(here: TheDoor, who: TheWriter, share: TheShare) -> None:
    """The link leads nowhere from now on."""
    await handler.revoke(here.world, who.user, share)


@router.get("/s/{token}", name="readShare")
async def look(here: TheDoor, token: str, asked: Annotated[Part, Query()], unlock: Unlock = None) -> SharedOut:
    """What the link shows; where it has a password, with the `Share-Unlock` that came for it."""
    return await visits.look(here.world, here.desk(Viewer()), token, asked, unlock)


@router.post("/s/{token}", name="unlockShare")
async def enter(here: TheDoor, token: str, said: Password, asked: Annotated[Part, Query()]) -> SharedOut:
    """The same for the link's password, with the value by which the next pages open."""
    return await visits.enter(here.world, here.desk(Viewer()), token, asked, said.password, here.passwords)
