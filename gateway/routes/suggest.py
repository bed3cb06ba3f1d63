"""/v1/suggest: what a person may be typing."""

from typing import Annotated

from fastapi import APIRouter, Query

from functions.suggest import handler
from functions.suggest.contract import Suggest, SuggestOut
from gateway.door import TheDoor, TheViewer

router = APIRouter(prefix="/v1", tags=["search"])


@router.get("/suggest", name="suggest")
async def suggest(here: TheDoor, looking: TheViewer, asked: Annotated[Suggest, Query()]) -> SuggestOut:
    """Tags of what the caller may see, people, and the caller's own last searches, by how they begin."""
    return await handler.suggest(here.world, looking, asked)
