"""/v1/search and /v1/query-images: find by words, by example, by both."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.types import Message, Receive

from functions.core import metrics
from functions.core.errors import Invalid, Malformed, TooLarge
from functions.core.visibility import Viewer
from functions.search import handler
from functions.search.contract import MOST_QUERY_BYTES, Hits, QueryImageOut, Search, SearchByAddress
from gateway.door import Door, TheDoor, TheReader, TheViewer

router = APIRouter(prefix="/v1", tags=["search"])
OVERHEAD: Final = 64 * 1024


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
    model, vector = await here.embed_query(await _picture(request))
    return await handler.create_query_image(here.world, who.user, model, vector)


async def _picture(request: Request) -> bytes:
    """The first file of the form, at most 10 MiB."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Invalid("send one image as multipart/form-data")
    bounded = Request(request.scope, _bounded(request.receive))
    try:
        async with bounded.form(max_files=1, max_fields=5) as form:
            for part in form.values():
                if not isinstance(part, str):
                    return _not_too_large(await part.read())
    except UnicodeError:  # a charset of the sender's choice, such as `undefined`
        raise Malformed("the form cannot be read") from None
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


def _not_too_large(data: bytes) -> bytes:
    if len(data) > MOST_QUERY_BYTES:
        raise _too_large()
    return data


def _too_large() -> TooLarge:
    return TooLarge(f"at most {MOST_QUERY_BYTES} bytes", max_bytes=MOST_QUERY_BYTES)
