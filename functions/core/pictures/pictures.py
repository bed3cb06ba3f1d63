"""The port Pictures: each image in a child of its own, so that no stranger's file can hurt more than itself."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from functions.core import metrics
from functions.core.errors import DecodeLimit, Unavailable, UnreadableImage, Unsupported
from functions.core.pictures import answers, frames
from functions.core.pictures.admission import Admission
from functions.core.pictures.headers import claimed_size
from functions.core.pictures.limits import Limits
from functions.core.pictures.sniff import ensure, sniff
from functions.core.pictures.warm import WarmParent
from functions.core.ports import Preview

_PIXELS_IN_FLIGHT = 150_000_000
_TRIES = 2
_GRACE_S, _START_S = 2.0, 10.0
"""The parent keeps the wall clock; when it does not, it is itself ended this much later, or so long after its start."""
_CHUNK_BYTES = 1 << 20

Answer = tuple[frames.Head, list[bytes]]


class LimitedPictures:
    """Forks children of one warm parent; several calls at a time, from one event loop."""

    def __init__(self, max_pixels: int = 50_000_000, workers: int = 2, limits: Limits | None = None) -> None:
        self._limits = limits or Limits(max_pixels)
        self._warm = WarmParent(self._limits)
        self._admission = Admission(workers, _PIXELS_IN_FLIGHT)
        self._closed = False

    @property
    def parent_pid(self) -> int | None:
        """The process that forks the children, None before the first image."""
        return self._warm.pid

    async def preview(self, data: bytes, content_type: str) -> Preview:
        """Renditions, hashes and metadata of one original, from one decode."""
        ensure(data, content_type)
        head, blobs = await self._decoded("preview", data, content_type)
        with _doubts():
            return answers.preview(head, blobs)

    async def query(self, data: bytes) -> bytes:
        """A WebP of an example picture, longest side 512, without metadata."""
        content_type = sniff(data)
        if content_type is None:
            raise Unsupported
        _, blobs = await self._decoded("query", data, content_type)
        with _doubts():
            return answers.picture(blobs)

    async def close(self) -> None:
        """End the parent and its children; calls under way fail as Unavailable."""
        self._closed = True
        self._warm.kill()

    async def _decoded(self, do: str, data: bytes, content_type: str) -> Answer:
        width, height = claimed_size(data, content_type) or (1, self._limits.max_pixels)
        async with self._admission.of(min(width * height, self._limits.max_pixels)):
            for _ in range(_TRIES):
                answer = await self._attempt(do, data, content_type)
                if answer is not None:
                    answers.raise_refusal(answer[0])
                    return answer
        raise Unavailable("The decoder could not be kept running")

    async def _attempt(self, do: str, data: bytes, content_type: str) -> Answer | None:
        """The child's answer; None when the parent died under it, which says nothing about the image."""
        if self._closed:
            return None
        ours, theirs = socket.socketpair()
        which = 0
        with ours:
            ours.settimeout(0)
            try:
                with theirs:
                    which = self._warm.submit(theirs, threads=content_type == "image/heic")
                grace_s = _GRACE_S if self._warm.proven else _START_S
                async with asyncio.timeout(self._limits.wall_s + grace_s):
                    with _doubts():
                        answer = await _exchange(ours, do, data, content_type)
                self._warm.proven = True
                return answer
            except TimeoutError:
                metrics.DECODE_KILLS.labels("clock").inc()
                if self._warm.alive(which):
                    self._warm.kill()
                raise DecodeLimit from None
            except (EOFError, ConnectionError):
                metrics.DECODE_KILLS.labels("limit" if self._warm.alive(which) else "parent").inc()
                if self._warm.alive(which):
                    raise DecodeLimit from None
                return None


async def _exchange(line: socket.socket, do: str, data: bytes, content_type: str) -> Answer:
    loop = asyncio.get_running_loop()
    request = frames.frame({"do": do, "type": content_type, "bytes": len(data)}, [])
    for part in (*request, data):
        await loop.sock_sendall(line, part)
    read = _reader(line)
    head = frames.parse_head(await read(frames.head_size(await read(frames.LENGTH_BYTES))))
    return head, [await read(size) for size in frames.blob_sizes(head)]


def _reader(line: socket.socket) -> Callable[[int], Awaitable[bytes]]:
    """Reads exactly so many bytes, EOFError when the other side ends before."""
    loop = asyncio.get_running_loop()

    async def read(size: int) -> bytes:
        parts = []
        while size:
            part = await loop.sock_recv(line, min(size, _CHUNK_BYTES))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    return read


@contextmanager
def _doubts() -> Iterator[None]:
    """A child that breaks the format was taken over or broken by its image."""
    try:
        yield
    except frames.BadFrame as error:
        raise UnreadableImage from error
