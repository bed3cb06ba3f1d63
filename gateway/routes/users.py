"""/v1/users: people, as others see them."""

from typing import Annotated

from fastapi import APIRouter, Path

from functions.people import handler
from functions.people.contract import ProfileOut
from gateway.door import TheDoor, TheViewer

router = APIRouter(prefix="/v1/users", tags=["people"])
TheHandle = Annotated[str, Path(alias="handle", pattern=r"^[\w.-]{1,64}$")]


@router.get("/{handle}", name="readProfile")
async def profile(here: TheDoor, looking: TheViewer, handle: TheHandle) -> ProfileOut:
    """Somebody by handle, with counts of what the caller may see."""
    return await handler.profile(here.world, looking, handle)
