"""/metrics: numbers for the operator's Prometheus, where the settings show them."""

from typing import Final

from fastapi import APIRouter, Response

from functions.core.errors import NotFound
from functions.core.settings import Settings
from gateway.door import TheDoor
from gateway.exposition import exposition
from gateway.local.guard import is_loopback

router = APIRouter()
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", name="metrics", include_in_schema=False)
async def metrics(here: TheDoor) -> Response:
    """Prometheus's text format; without the setting it is not there."""
    if not shown(here.settings):
        raise NotFound
    async with here.turns["measuring"].of(None):
        return Response(await exposition(here), media_type=TEXT)


def shown(settings: Settings) -> bool:
    """As the setting says; unsaid, only where nobody but this machine can ask."""
    if settings.metrics is not None:
        return settings.metrics
    return is_loopback(settings.host) and settings.public_url is None
