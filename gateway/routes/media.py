"""/media: pictures under signed addresses; the row is asked each time, so that hiding works at once."""

import time
from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from functions.core.catalog import media as pictures
from functions.core.catalog.media import Shown
from functions.core.contract import Wire
from functions.core.errors import NotFound
from functions.core.ids import AssetId
from functions.core.model import derived_key, original_key
from functions.core.signing import ORIGINAL, Picture, verify_media
from functions.core.times import utcnow
from gateway.door import Door, TheAsset, TheDoor

router = APIRouter(tags=["media"])
T = TypeVar("T")
SEALED: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
    "X-Content-Type-Options": "nosniff",
}
SHARED_FOR_S: Final = 300
"""A link can be taken back: browsers keep what it showed for minutes, not for the day."""


class Signature(Wire):
    """What an address proves itself by."""

    exp: Annotated[str, Field(max_length=16)]
    kid: Annotated[str, Field(max_length=32)]
    sig: Annotated[str, Field(max_length=64)]
    share: UUID | None = None


@router.get("/media/{assetId}/{generation}/{variant}", name="readMedia", response_class=Response)
async def media(
    here: TheDoor, asset_id: TheAsset, generation: int, variant: str, said: Annotated[Signature, Query()]
) -> Response:
    """A rendition or the original; 403 for a changed or expired address, 404 for what is hidden or gone."""
    picture = Picture(AssetId(asset_id), generation, variant, said.share)
    good = verify_media(here.media, picture, said.exp, said.kid, said.sig, utcnow())
    if variant == ORIGINAL:
        return await _original(here, picture, {"Cache-Control": f"private, max-age={good.seconds}"})
    shown = await _shown(here, picture)
    if shown is None or not (shown.to_others or good.moderator or (good.owner and shown.to_owner)):
        raise NotFound
    key = derived_key(picture.asset, generation, variant, shown.content_type)
    data = await _found(here.world.ports.objects.read(key))
    seconds = min(good.seconds, SHARED_FOR_S) if picture.share else good.seconds
    kept = {"Cache-Control": f"private, max-age={seconds}, immutable"}
    return Response(data, media_type=shown.content_type, headers=SEALED | kept)


async def _found(what: Awaitable[T]) -> T:
    try:
        return await what
    except NotFound:
        raise NotFound from None  # the key is nobody's business


async def _shown(here: Door, picture: Picture) -> Shown | None:
    """What the row says of a rendition, remembered for five seconds."""
    until, known = here.shown.get(picture, (0.0, None))
    if until <= time.monotonic():
        async with here.world.database.transaction() as tx:
            known = await pictures.rendition(tx, picture)
        here.remember(picture, known)
    return known


async def _original(here: Door, picture: Picture, kept: dict[str, str]) -> Response:
    """The untouched bytes, as a download of the kind that we found them to be."""
    async with here.world.database.transaction() as tx:
        known = await pictures.original(tx, picture)
    if known is None:
        raise NotFound
    name = quote(known.name, safe="")
    attached = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Content-Length": str(known.size)}
    objects, key = here.world.ports.objects, original_key(picture.asset, picture.generation)
    await _found(objects.stat(key))  # once the head is sent it is too late to say so
    chunks: AsyncIterator[bytes] = objects.chunks(key)
    return StreamingResponse(chunks, media_type=known.content_type, headers=SEALED | kept | attached)
