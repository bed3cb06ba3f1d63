"""Reads ahead of the senders: a batch of files with their SHA-256, as many as fit a question and a moment."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.client.files import Found, Picture
from gateway.client.outcome import Outcome, unreadable

MOST_FILES: Final = 500
MOST_BYTES: Final = 64 << 20
LONGEST_S: Final = 0.5
CHUNK_BYTES: Final = 1 << 20


@dataclass(slots=True)
class Item:
    """A file to send and what it had in it when it was read; `twins` are files with the same bytes."""

    path: Path
    size: int
    content_type: str
    sha256: str
    asset_id: str | None = None
    duplicate: bool = False
    twins: list[Path] = field(default_factory=list)


def next_batch(source: Iterator[Found], pool: ThreadPoolExecutor) -> list[Item | Outcome]:
    """The next files with their digests, in order; empty at the end. Reads from disk: call it in a thread."""
    return list(pool.map(_read, _pulled(source)))


def read(path: Path, content_type: str) -> Item:
    """Digest and size of a file as it is now; raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
    return Item(path, size, content_type, digest.hexdigest())


def _read(found: Found) -> Item | Outcome:
    if isinstance(found, Outcome):
        return found
    try:
        return read(found.path, found.content_type)
    except OSError as error:
        return unreadable(found.path, error)


def _pulled(source: Iterator[Found]) -> list[Found]:
    pulled: list[Found] = []
    size, until = 0, time.monotonic() + LONGEST_S
    for found in source:
        pulled.append(found)
        size += found.size if isinstance(found, Picture) else 0
        if len(pulled) >= MOST_FILES or size >= MOST_BYTES or time.monotonic() > until:
            break
    return pulled
