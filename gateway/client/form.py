"""The body of a presigned POST, streamed from disk: as many bytes as were announced, never more."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from gateway.client.errors import FileChanged

CHUNK_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Form:
    """`fields`, then the first `size` bytes of a file; `moved` hears how many bytes of it went on their way."""

    fields: Mapping[str, str]
    path: Path
    size: int
    moved: Callable[[int], None]
    error: FileChanged | OSError | None = None
    """Why the file could not be sent whole: the connection only sees that the body ended."""
    _boundary: str = field(default_factory=lambda: secrets.token_hex(16))
    _file: BinaryIO | None = None

    def close(self) -> None:
        """Let go of the file, also where the connection did not hear the body to its end."""
        if self._file:
            self._file.close()

    @property
    def headers(self) -> dict[str, str]:
        """S3 wants to know the length beforehand."""
        length = len(self._head()) + self.size + len(self._tail())
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", "Content-Length": str(length)}

    async def body(self) -> AsyncIterator[bytes]:
        """The bytes in order; raises FileChanged when the file is shorter than announced, OSError."""
        yield self._head()
        try:
            async for piece in self._pieces():
                self.moved(len(piece))
                yield piece
        except (FileChanged, OSError) as error:
            self.error = error
            raise
        yield self._tail()

    async def _pieces(self) -> AsyncIterator[bytes]:
        left = self.size
        file = self._file = await asyncio.to_thread(self.path.open, "rb")
        try:
            while left:
                piece = await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))
                if not piece:
                    raise FileChanged
                left -= len(piece)
                yield piece
        finally:
            file.close()

    def _head(self) -> bytes:
        parts = [self._part(f'name="{name}"') + f"{value}\r\n" for name, value in self.fields.items()]
        kind = self.fields.get("Content-Type", "application/octet-stream")
        return ("".join(parts) + self._part('name="file"; filename="upload"', f"Content-Type: {kind}\r\n")).encode()

    def _part(self, name: str, more: str = "") -> str:
        return f"--{self._boundary}\r\nContent-Disposition: form-data; {name}\r\n{more}\r\n"

    def _tail(self) -> bytes:
        return f"\r\n--{self._boundary}--\r\n".encode()
