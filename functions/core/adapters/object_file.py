"""One object as one file: its bytes, and behind them its type and checksum, so that no crash can part them.

The last 128 bytes are content type, SHA-256, size and a mark. They come and go with the bytes in one rename, and an
image viewer still opens the file.
"""

import hashlib
import os
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from functions.core.errors import MiraVejaError
from functions.core.ports import StoredObject

TAIL: Final = struct.Struct("<80s32sQ8s")
MARK: Final = b"miraveja"
FILE_MODE: Final = 0o600


class OpenObject:
    """One object held open: what it says and holds stays the same, even when it is replaced or deleted meanwhile."""

    def __init__(self, path: Path, key: str) -> None:
        self._file = path.open("rb")
        try:
            self._read_tail(key)
        except BaseException:
            self._file.close()
            raise

    def _read_tail(self, key: str) -> None:
        found = os.fstat(self._file.fileno())
        size = found.st_size - TAIL.size
        if size < 0:
            raise MiraVejaError("A stored object is damaged", key=key)
        kind, self.sha256, length, mark = TAIL.unpack(os.pread(self._file.fileno(), TAIL.size, size))
        if (length, mark) != (size, MARK):
            raise MiraVejaError("A stored object is damaged", key=key)
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        self.about = StoredObject(key, size, kind.rstrip(b"\0").decode("ascii"), modified)
        self._left = size

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NewObject:
    """Bytes on their way to a key; calls from several threads wait for each other, so that a discard is always safe."""

    def __init__(self, path: Path, content_type: str, place: Callable[[Path], None]) -> None:
        self._path, self._type, self._place = path, content_type, place
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE)
        self._hash = hashlib.sha256()
        self._size = 0
        self._lock = threading.Lock()

    def append(self, data: bytes | bytearray) -> None:
        """Write the next bytes."""
        with self._lock:
            self._hash.update(data)
            self._size += len(data)
            self._write(data)

    def digest(self) -> bytes:
        """SHA-256 of what was appended so far."""
        with self._lock:
            return self._hash.digest()

    def commit(self) -> None:
        """Put the object in place; it is durable on return."""
        with self._lock:
            self._write(TAIL.pack(self._type.encode("ascii"), self._hash.digest(), self._size, MARK))
            os.fsync(self._descriptor)
            self._close()
            self._place(self._path)

    def discard(self) -> None:
        """Leave nothing behind; after a commit there is nothing to leave."""
        with self._lock:
            self._close()
            self._path.unlink(missing_ok=True)

    def _write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _close(self) -> None:
        # -1 makes a straggler fail: its number may belong to another file by then.
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
