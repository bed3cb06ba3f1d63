"""The door of the embedded object store: takes presigned POSTs as S3 does, and refuses everything else."""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from html import escape
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from events import minio
from functions.core.adapters.objects_folder import FolderObjects, Sink
from functions.core.adapters.post_policy import PolicyRefused, VerifiedForm
from functions.core.errors import TooSlow, Unavailable
from gateway.local.post_form import PostForm, StoreRefused

Notify = Callable[[bytes], Awaitable[None]]

IDLE_S: Final = 30.0
NOTIFY_S: Final = 10.0
RETRY: Final = {"Retry-After": "1"}
NOTHING: Final[Mapping[str, str]] = {}
FORM_BYTES: Final = 256 << 10
"""More than all fields, headers and boundaries of a form can be."""

_log: Final = logging.getLogger(__name__)


def store_routes(objects: FolderObjects, notify: Notify, *, idle_s: float = IDLE_S) -> list[BaseRoute]:
    """`POST /store/{bucket}` and refusals for the rest of /store; `notify` gets MinIO's notification of each object.

    A client that sends nothing for `idle_s` seconds is given up. What `notify` raises is logged: the object is there.
    """
    store = Store(objects, notify, idle_s)
    return [Route("/store", store), Route("/store/{path:path}", store)]


class Store:
    """An ASGI application with one bucket."""

    def __init__(self, objects: FolderObjects, notify: Notify, idle_s: float) -> None:
        self._objects, self._notify, self._idle_s = objects, notify, idle_s
        self._arriving: dict[str, asyncio.Timeout] = {}
        """Whose bytes are being taken, by key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; who hangs up gets no answer and leaves no bytes."""
        try:
            answer = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            self._check_request(request)
            stored = await self._take_form(request)
        except StoreRefused as refused:
            return _refusal(refused)
        except PolicyRefused as refused:
            return _refusal(StoreRefused(403, refused.code, refused.message))
        except Unavailable as error:
            _log.error("store_unavailable", extra=error.facts)
            return _refusal(StoreRefused(503, "SlowDown", "The store cannot take this now; please try again"), RETRY)
        await self._tell(stored)
        return _created(f"{self._objects.public_url}/{stored.key}", stored)

    def _check_request(self, request: Request) -> None:
        if request.method != "POST" or not _is_form(request):
            raise StoreRefused(403, "AccessDenied", "Access denied")
        bucket = request.path_params.get("path", "")
        if "/" in bucket or not bucket:
            raise StoreRefused(403, "AccessDenied", "Access denied")
        if bucket != self._objects.bucket:
            raise StoreRefused(404, "NoSuchBucket", "The bucket does not exist")
        if "content-length" not in request.headers:
            raise StoreRefused(411, "MissingContentLength", "The request must say its length")

    async def _take_form(self, request: Request) -> minio.NewObject:
        form = PostForm(request.headers["content-type"])
        async with aclosing(self._file_bytes(form, request)) as pieces:
            first = await anext(pieces)
            granted = self._objects.verify_post(form.fields)
            _check_length(int(request.headers["content-length"]), granted)
            async with self._objects.receive(granted.key, granted.content_type) as sink:
                async with self._newest(granted.key):
                    await _keep(sink, first, granted)
                    async for piece in pieces:
                        await _keep(sink, piece, granted)
                digest = await _check_whole(sink, granted)
        return minio.NewObject(
            bucket=self._objects.bucket,
            key=granted.key,
            size=sink.size,
            content_type=granted.content_type,
            etag=digest.hex(),
            sequencer=f"{time.time_ns():016X}",
            at=self._objects.clock(),
        )

    @asynccontextmanager
    async def _newest(self, key: str) -> AsyncIterator[None]:
        """One body of a key at a time, the last: whose line broke comes again, and need not wait for what is lost."""
        if before := self._arriving.pop(key, None):
            before.reschedule(0)
        mine = asyncio.timeout(None)
        try:
            async with mine:
                self._arriving[key] = mine
                yield
        except TimeoutError:
            raise StoreRefused(409, "OperationAborted", "The same form was sent again, and this one ended") from None
        finally:
            if self._arriving.get(key) is mine:
                del self._arriving[key]

    async def _file_bytes(self, form: PostForm, request: Request) -> AsyncGenerator[bytes]:
        """The file as it arrives; the first item comes when all fields are known, so there always is one."""
        async with aclosing(request.stream()) as stream:
            while (chunk := await self._next(stream)) is not None:
                piece = form.feed(chunk)
                if form.at_file:
                    yield piece
        form.finish()

    async def _next(self, stream: AsyncGenerator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(self._idle_s):
                return await anext(stream, None)
        except (TimeoutError, TooSlow):
            raise StoreRefused(400, "RequestTimeout", "Nothing was sent for too long") from None

    async def _tell(self, stored: minio.NewObject) -> None:
        try:
            async with asyncio.timeout(NOTIFY_S):
                await self._notify(minio.notification(stored))
        except Exception:  # noqa: BLE001 -- the object is safe; `complete` and the sweeper start the same ingest
            _log.exception("notify_failed", extra={"key": stored.key})


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "multipart/form-data"


def _check_length(length: int, granted: VerifiedForm) -> None:
    """Refuse before any byte is kept what cannot fit, whatever it turns out to be."""
    if length > granted.max_size + FORM_BYTES:
        raise _too_large()


async def _keep(sink: Sink, piece: bytes, granted: VerifiedForm) -> None:
    if sink.size + len(piece) > granted.max_size:
        raise _too_large()
    await sink.write(piece)


async def _check_whole(sink: Sink, granted: VerifiedForm) -> bytes:
    if sink.size < granted.min_size:
        raise StoreRefused(400, "EntityTooSmall", "The file is smaller than the policy allows")
    digest = await sink.digest()
    if not hmac.compare_digest(digest, granted.sha256):
        raise StoreRefused(400, "XAmzContentChecksumMismatch", "The file does not have the SHA-256 that was declared")
    return digest


def _too_large() -> StoreRefused:
    return StoreRefused(400, "EntityTooLarge", "The file is larger than the policy allows")


def _created(location: str, stored: minio.NewObject) -> Response:
    etag = f'"{stored.etag}"'
    told = {"Location": location, "Bucket": stored.bucket, "Key": stored.key, "ETag": etag}
    return _xml(201, "PostResponse", told, {"ETag": etag, "Location": location})


def _refusal(refused: StoreRefused, headers: Mapping[str, str] = NOTHING) -> Response:
    told = {"Code": refused.code, "Message": refused.message, "RequestId": secrets.token_hex(8).upper()}
    _log.info("store_refused", extra={"code": refused.code, "request_id": told["RequestId"]})
    return _xml(refused.status, "Error", told, headers)


def _xml(status: int, root: str, told: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{body}</{root}>'
    return Response(text, status, headers, media_type="application/xml")
