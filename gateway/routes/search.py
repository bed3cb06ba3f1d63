"""/v1/search and /v1/query-images: find by words, by example, by both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message, Receive

from functions.core import metrics
from functions.core.errors import Invalid, Malformed, TooLarge, TooSlow
from functions.core.visibility import Viewer
from functions.search import handler
from functions.search.contract import MOST_QUERY_BYTES, Hits, QueryImageOut, Search, SearchByAddress
from gateway.door import Door, TheDoor, TheReader, TheViewer

router = APIRouter(prefix="/v1", tags=["search"])
OVERHEAD: Final = 64 * 1024
LONGEST_S: Final = 120.0
"""In which a picture must be here: 90 kB/s for the largest."""


@router.get("/search", name="search")
async def by_address(here: TheDoor, looking: TheViewer, asked: Annotated[SearchByAddress, Query()]) -> Hits:
    """Words in `q`, examples in `like`, what is not wanted in `not`, and filters."""
    return await _search(here, looking, asked.as_search())


@router.post("/search", name="searchWeighted")
async def by_body(here: TheDoor, looking: TheViewer, wanted: Search) -> Hits:
    """The same with weights; a negative one means away from it."""
    return await _search(here, looking, wanted)


async def _search(here: Door, looking: Viewer, wanted: Search) -> Hits:
    """Timed by what there was to go by."""
    kind = ("both" if wanted.images else "words") if wanted.texts else "example"
    with metrics.SEARCH_S.labels(kind).time():
        return await handler.search(here.world, here.desk(looking), wanted)


FORM: Final = {"type": "object", "required": ["image"], "properties": {"image": {"type": "string", "format": "binary"}}}
UPLOAD: Final = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}


@router.post("/query-images", name="createQueryImage", status_code=201, openapi_extra=UPLOAD)
async def query_image(here: TheDoor, who: TheReader, request: Request) -> QueryImageOut:
    """A picture to search by for an hour; it never becomes an asset."""
    async with _picture(request) as picture, here.turns["decoding"].of(who.user):
        model, vector = await here.embed_query(await picture.read())
    return await handler.create_query_image(here.world, who.user, model, vector)


@asynccontextmanager
async def _picture(request: Request) -> AsyncIterator[UploadFile]:
    """The first file of the form, at most 10 MiB, on disk when it is large: it waits for its turn as a whole."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Invalid("send one image as multipart/form-data")
    form = await _form(Request(request.scope, _bounded(request.receive)))
    try:
        yield _first_file(form)
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    try:
        async with asyncio.timeout(LONGEST_S):
            return await request.form(max_files=1, max_fields=5)
    except TimeoutError:
        raise TooSlow from None
    except UnicodeError:  # a charset of the sender's choice, such as `undefined`
        raise Malformed("the form cannot be read") from None


def _first_file(form: FormData) -> UploadFile:
    for part in form.values():
        if not isinstance(part, str):
            return _not_too_large(part)
    raise Invalid("send one image as multipart/form-data")


def _bounded(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """The body as it comes, refused as soon as there is too much of it, whatever its head said."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_QUERY_BYTES + OVERHEAD:
            raise _too_large()
        return message

    return counted


def _not_too_large(picture: UploadFile) -> UploadFile:
    if (picture.size or 0) > MOST_QUERY_BYTES:
        raise _too_large()
    return picture


def _too_large() -> TooLarge:
    return TooLarge(f"at most {MOST_QUERY_BYTES} bytes", max_bytes=MOST_QUERY_BYTES)
