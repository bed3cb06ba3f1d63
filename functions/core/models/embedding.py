"""An embedding model as the functions use it: asynchronous, in micro-batches, with a memory for recent texts."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np

from functions.core.models.preprocess import blank
from functions.core.ports import Embedder, Vector

WINDOW_S: Final = 0.008
LARGEST_BATCH: Final = 8
MOST_TEXTS: Final = 2_048

Waiting = tuple[bytes, asyncio.Future[Vector]]


@dataclass(slots=True)
class Embedding:
    """One model in one process; `make` loads it at its first use.

    Each tower computes in a thread of its own: behind the file work of the common threads a search would wait.
    """

    make: Callable[[], Embedder]
    _model: Embedder | None = None
    _waiting: list[Waiting] = field(default_factory=list)
    _texts: OrderedDict[str, Vector] = field(default_factory=OrderedDict)
    _runs: set[asyncio.Task[None]] = field(default_factory=set)
    _reader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "text tower"))
    _looker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "image tower"))
    _lock: Lock = field(default_factory=Lock)
    _has_looked: bool = False

    @property
    def model(self) -> Embedder:
        """The model itself: its name, its size, its calibration."""
        with self._lock:
            if self._model is None:
                self._model = self.make()
            return self._model

    async def warm(self) -> None:
        """Load the text tower, so that the first search does not wait for it."""
        await self.text("a picture")

    async def warm_images(self) -> None:
        """Load the image tower, once."""
        if not self._has_looked:
            await self.image(blank())
        self._has_looked = True

    async def image(self, picture: bytes) -> Vector:
        """One rendition of ours -> float32 of shape (dim,), computed together with those that come within 8 ms."""
        future: asyncio.Future[Vector] = asyncio.get_running_loop().create_future()
        self._waiting.append((picture, future))
        if len(self._waiting) == 1:
            run = asyncio.create_task(self._run_batch())
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)
        return await future

    async def text(self, words: str) -> Vector:
        """Words -> float32 of shape (dim,), remembered."""
        if words not in self._texts:
            loop = asyncio.get_running_loop()
            self._texts[words] = await loop.run_in_executor(self._reader, lambda: self.model.embed_texts([words])[0])
        self._texts.move_to_end(words)
        while len(self._texts) > MOST_TEXTS:
            self._texts.popitem(last=False)
        return self._texts[words]

    async def _run_batch(self) -> None:
        await asyncio.sleep(WINDOW_S)
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), LARGEST_BATCH):
            await self._compute(waiting[start : start + LARGEST_BATCH])

    async def _compute(self, batch: list[Waiting]) -> None:
        pictures, loop = [picture for picture, _ in batch], asyncio.get_running_loop()
        try:
            vectors = await loop.run_in_executor(self._looker, lambda: self.model.embed_images(pictures))
        except Exception as error:  # noqa: BLE001 -- each caller gets it, and decides
            await self._apart(batch, error)
            return
        for (_, future), vector in zip(batch, vectors, strict=True):
            if not future.done():
                future.set_result(vector)

    async def _apart(self, batch: list[Waiting], error: Exception) -> None:
        """One picture must not fail its neighbours: each of a batch is tried alone."""
        if len(batch) > 1:
            for waiting in batch:
                await self._compute([waiting])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)


def to_bytes(vector: Vector) -> bytes:
    """A vector as it is kept: float16, little-endian."""
    return vector.astype("<f2").tobytes()


def from_bytes(stored: bytes) -> Vector:
    """A kept vector as unit float32 of shape (dim,)."""
    vector = np.frombuffer(stored, dtype="<f2").astype(np.float32)
    return unit(vector)


def unit(vector: Vector) -> Vector:
    """The vector at length one; zero stays zero."""
    length = float(np.linalg.norm(vector))
    return vector if length == 0 else np.asarray(vector / length, dtype=np.float32)
