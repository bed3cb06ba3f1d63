"""The object store of the embedded gallery: a folder that takes presigned POSTs as strictly as a real bucket."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from functions.core.adapters.object_file import NewObject, OpenObject
from functions.core.adapters.object_files import ObjectFiles
from functions.core.adapters.object_keys import check_key
from functions.core.adapters.post_policy import Credentials, Grant, VerifiedForm, sign_form, verify_form
from functions.core.errors import Invalid, NotFound, Unavailable
from functions.core.failpoints import reach
from functions.core.ids import AssetId
from functions.core.model import BUCKET, FORM_LIFE, incoming_key
from functions.core.ports import StoredObject, UploadForm

BUFFER_BYTES: Final = 256 << 10
LIST_BATCH: Final = 500
NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MAX_TYPE_CHARS: Final = 80


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class Sink:
    """Takes one object's bytes in pieces."""

    def __init__(self, new: NewObject) -> None:
        self._new = new
        self._waiting = bytearray()
        self.size = 0
        """Bytes taken so far."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; Unavailable when they cannot be kept."""
        self.size += len(chunk)
        self._waiting += chunk
        if len(self._waiting) >= BUFFER_BYTES:
            await self._flush()

    async def digest(self) -> bytes:
        """SHA-256 of everything taken so far."""
        await self._flush()
        return self._new.digest()

    async def _flush(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, bytearray()
        with _trouble():
            await asyncio.to_thread(self._new.append, waiting)


class FolderObjects:
    """Objects in a folder of their own; several processes may use it at the same time.

    `public_url` is the bucket's address as browsers see it. File work runs in threads. OSErrors become Unavailable,
    keys outside the rule of object_keys Invalid.
    """

    def __init__(
        self,
        root: Path,
        credentials: Credentials,
        public_url: str,
        bucket: str = BUCKET,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.bucket = bucket
        self.public_url = public_url
        self.clock = clock
        self._credentials = credentials
        with _trouble():
            self._files = ObjectFiles(root)

    async def read(self, key: str) -> bytes:
        """All bytes of one object."""
        with _trouble(key):
            await reach("objects.read")
            return await asyncio.to_thread(_read, self._files, check_key(key))

    async def chunks(self, key: str, size: int = 1 << 18) -> AsyncGenerator[bytes]:
        """The bytes of one object in pieces of at most `size`, all of the object as it was when this began."""
        with _trouble(key):
            found = await _opened(asyncio.to_thread(self._files.open, check_key(key)))
        try:
            while piece := await self._piece(found, size):
                yield piece
        finally:
            found.close()

    async def _piece(self, found: OpenObject, size: int) -> bytes:
        with _trouble():
            return await asyncio.to_thread(found.read, size)

    async def write(self, key: str, data: bytes, content_type: str) -> None:
        """Put one object in place, whole or not at all; durable on return."""
        with _trouble():
            await reach("objects.write")
            await asyncio.to_thread(self._files.put, check_key(key), data, _checked_type(content_type))

    async def copy(self, source: str, target: str) -> None:
        """Put the bytes and type of `source` at `target`, without moving them where the file system knows hard links."""
        with _trouble(source):
            await asyncio.to_thread(self._files.copy, check_key(source), check_key(target))

    async def stat(self, key: str) -> StoredObject:
        """Size, type and time of one object."""
        with _trouble(key):
            return (await asyncio.to_thread(_look, self._files, check_key(key)))[0]

    async def sha256(self, key: str) -> bytes:
        """SHA-256 of one object, as it was when it was written."""
        with _trouble(key):
            return (await asyncio.to_thread(_look, self._files, check_key(key)))[1]

    async def delete(self, key: str) -> None:
        """Remove one object; a missing one is fine."""
        with _trouble():
            await asyncio.to_thread(self._files.delete, check_key(key))

    async def list(self, prefix: str) -> AsyncGenerator[StoredObject]:
        """Every object whose key begins with `prefix`, in the order of keys."""
        found = self._files.walk(prefix)
        while batch := await self._batch(found):
            for one in batch:
                yield one

    async def _batch(self, found: Iterator[StoredObject]) -> Sequence[StoredObject]:
        with _trouble():
            return await asyncio.to_thread(lambda: tuple(islice(found, LIST_BATCH)))

    async def presign_post(self, asset: AssetId, content_type: str, size: int, sha256: bytes) -> UploadForm:
        """A form that accepts exactly these bytes at `incoming/{asset}`, for ten minutes."""
        now = self.clock()
        grant = Grant(self.bucket, incoming_key(asset), content_type, size, sha256, now + FORM_LIFE)
        return sign_form(self._credentials, grant, url=self.public_url, now=now)

    def verify_post(self, fields: Sequence[tuple[str, str]]) -> VerifiedForm:
        """What a form allows that somebody posts now; PolicyRefused unless it is one of ours, unchanged and in time."""
        return verify_form(self._credentials, fields, bucket=self.bucket, now=self.clock())

    @asynccontextmanager
    async def receive(self, key: str, content_type: str) -> AsyncIterator[Sink]:
        """A sink whose bytes are the object, durably, once the block ends well; otherwise nothing is left of them."""
        with _trouble():
            new = await asyncio.to_thread(self._files.new, check_key(key), _checked_type(content_type))
        sink = Sink(new)
        try:
            yield sink
            await sink.digest()
            with _trouble():
                await reach("objects.before_commit")
                await asyncio.to_thread(new.commit)
        finally:
            await asyncio.to_thread(new.discard)

    async def sweep_temp(self, older_than_s: float) -> int:
        """Remove unfinished writes that nobody has touched for so long; says how many there were."""
        with _trouble():
            return await asyncio.to_thread(self._files.sweep, older_than_s)

    async def check(self) -> None:
        """Raise Unavailable when the store cannot take an object now."""
        with _trouble():
            await asyncio.to_thread(self._files.try_writing)


def _read(files: ObjectFiles, key: str) -> bytes:
    with files.open(key) as found:
        return found.read(found.about.size)


def _look(files: ObjectFiles, key: str) -> tuple[StoredObject, bytes]:
    with files.open(key) as found:
        return found.about, found.sha256


def _checked_type(content_type: str) -> str:
    if not (content_type.isascii() and content_type.isprintable() and 0 < len(content_type) <= MAX_TYPE_CHARS):
        raise Invalid("This is not a content type")
    return content_type


@contextmanager
def _trouble(reading: str | None = None) -> Iterator[None]:
    """Name what the file system says: the key that is read is not there, or the store cannot be used now."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and reading is not None:
            raise NotFound("No such object", key=reading) from None
        why = "disk full" if error.errno in NO_SPACE else os.strerror(error.errno or errno.EIO)
        raise Unavailable("The object store cannot be used now", part="objects", why=why) from error


async def _opened(opening: Coroutine[Any, Any, OpenObject]) -> OpenObject:
    """What a thread opens; it is closed again when the reader has gone meanwhile."""
    task = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_close)
        raise


def _close(task: "asyncio.Task[OpenObject]") -> None:
    if not task.cancelled() and not task.exception():
        task.result().close()
