"""/v1/events: what happens to one's assets, as it happens."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request

from functions.core.errors import Invalid
from functions.core.postgres import asset_changes
from gateway.door import TheDoor, TheReader
from gateway.updates import Stream, Updates

router = APIRouter(prefix="/v1", tags=["events"])
MOST_DIGITS: Final = 18
STREAM: Final = {
    "description": "Server-sent events: `asset.status` `{assetId, state, moderation, trashed, reason}`, and `reset` where"
    " what was missed is no longer kept and the reader starts anew. `Last-Event-ID` replays what came after it.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@router.get("/events", name="liveUpdates", status_code=200, response_class=Updates, responses={200: STREAM})
async def events(
    here: TheDoor, who: TheReader, request: Request, last_event_id: Annotated[str, Header(alias="Last-Event-ID")] = ""
) -> Updates:
    """The caller's own assets; ends with the token, a ban or the process, and is to be asked for again."""
    seen = _number(last_event_id)
    async with here.world.database.transaction() as tx:
        kept = await asset_changes.span(tx)
    follows = seen is None or kept.follows(seen)
    woken = here.live.join(who.user, here.settings)
    stream = Stream(here.live, request, here.world.database, who.user, woken,
                    seen=seen if seen is not None and follows else kept.last, reset=not follows)  # fmt: skip
    return Updates(stream)


def _number(last_event_id: str) -> int | None:
    """The number that a reader saw last, None where it saw none."""
    text = last_event_id.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS:
        raise Invalid("Last-Event-ID is not an id of these events")
    return int(text)
