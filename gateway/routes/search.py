"""/v1/search and /v1/query-images: find by words, by example, by both."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from functions.core.errors import Invalid, TooLarge
from functions.core.times import utcnow
from functions.search import handler, rows
from functions.search.contract import Hits, QueryImageOut, Search, SearchByAddress
from gateway.door import TheCaller, TheDoor, TheViewer

router = APIRouter(prefix="/v1", tags=["search"])
MOST_QUERY_BYTES: Final = 10 << 20
OVERHEAD: Final = 64 * 1024
LIFETIME: Final = timedelta(hours=1)


@router.get("/search", name="search")
async def by_address(here: TheDoor, looking: TheViewer, asked: Annotated[SearchByAddress, Query()]) -> Hits:
    """Words in `q`, examples in `like`, what is not wanted in `not`, and filters."""
    return await handler.search(here.world, here.desk(looking), asked.as_search())


@router.post("/search", name="searchWeighted")
async def by_body(here: TheDoor, looking: TheViewer, wanted: Search) -> Hits:
    """The same with weights; a negative one means away from it."""
    return await handler.search(here.world, here.desk(looking), wanted)


FORM: Final = {"type": "object", "required": ["image"], "properties": {"image": {"type": "string", "format": "binary"}}}
UPLOAD: Final = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}


@router.post("/query-images", name="createQueryImage", status_code=201, openapi_extra=UPLOAD)
async def query_image(here: TheDoor, who: TheCaller, request: Request) -> QueryImageOut:
    """A picture to search by for an hour; it never becomes an asset."""
    model, vector = await here.embed_query(await _picture(request))
    expires_at = utcnow() + LIFETIME
    async with here.world.database.transaction() as tx:
        made = await rows.keep_query(tx, who.user, model, vector, expires_at)
    return QueryImageOut(query_image_id=made, expires_at=expires_at)


async def _picture(request: Request) -> bytes:
    """The first file of the form, at most 10 MiB."""
    if int(request.headers.get("content-length", MOST_QUERY_BYTES + OVERHEAD)) > MOST_QUERY_BYTES + OVERHEAD:
        raise TooLarge(f"at most {MOST_QUERY_BYTES} bytes", max_bytes=MOST_QUERY_BYTES)
    async with request.form(max_files=1, max_fields=5) as form:
        for part in form.values():
            if not isinstance(part, str):
                return await part.read()
    raise Invalid("send one image as multipart/form-data")
