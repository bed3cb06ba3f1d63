"""Writes a zip while it is being sent: one pass, no seeking, memory that does not grow with it."""

import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Final

VERSION: Final = 45  # the first that knows Zip64, which every entry uses: none is too large, nor too far behind
FLAGS: Final = 1 << 3 | 1 << 11  # sizes and checksum follow the bytes; names are UTF-8
LARGE: Final = 0xFFFFFFFF
MANY: Final = 0xFFFF
LOCAL: Final = struct.Struct("<4s5H3L2H")
LOCAL_MORE: Final = struct.Struct("<2H2Q")
AFTER: Final = struct.Struct("<4sLQQ")
ENTRY: Final = struct.Struct("<4s6H3L5H2L")
ENTRY_MORE: Final = struct.Struct("<2H3Q")
END_64: Final = struct.Struct("<4sQ2H2L4Q")
PLACE_64: Final = struct.Struct("<4sLQL")
END: Final = struct.Struct("<4s4H2LH")
STORED, DEFLATED = 0, 8
PRIVATE: Final = 0o100600 << 16
SPOOLED: Final = 1 << 20
PIECE: Final = 1 << 16


class Zip:
    """One zip; its directory of names is kept aside on disk beyond a megabyte, until it is sent last."""

    def __init__(self) -> None:
        self._directory = SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 -- closed by `close`
        self._sent = self._count = 0

    def close(self) -> None:
        """Let go of the directory."""
        self._directory.close()

    async def add(self, name: str, at: datetime, data: AsyncIterator[bytes], *, small: bool) -> AsyncIterator[bytes]:
        """One entry, as it comes; `small` compresses, which pictures do not bear."""
        place, path = self._sent, name.encode()
        method = DEFLATED if small else STORED
        day, time = _date(at), _time(at)
        head = LOCAL.pack(b"PK\3\4", VERSION, FLAGS, method, time, day, 0, LARGE, LARGE, len(path), LOCAL_MORE.size)
        yield self._send(head + path + LOCAL_MORE.pack(1, 16, 0, 0))
        packer, checksum, size, begun = zlib.compressobj(wbits=-15) if small else None, 0, 0, self._sent
        async for piece in data:
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
            if packed := packer.compress(piece) if packer else piece:
                yield self._send(packed)
        if packer:
            yield self._send(packer.flush())
        packed_size = self._sent - begun
        yield self._send(AFTER.pack(b"PK\7\x08", checksum, packed_size, size))
        self._directory.write(ENTRY.pack(
            b"PK\1\2", 3 << 8 | VERSION, VERSION, FLAGS, method, time, day, checksum, LARGE, LARGE,
            len(path), ENTRY_MORE.size, 0, 0, 0, PRIVATE, LARGE,
        ) + path + ENTRY_MORE.pack(1, 24, size, packed_size, place))  # fmt: skip
        self._count += 1

    def end(self) -> Iterator[bytes]:
        """The directory, without which nobody takes the zip for a whole one."""
        begun = self._sent
        self._directory.seek(0)
        while piece := self._directory.read(PIECE):
            yield self._send(piece)
        size, count, ended = self._sent - begun, self._count, self._sent
        yield self._send(
            END_64.pack(b"PK\6\6", END_64.size - 12, VERSION, VERSION, 0, 0, count, count, size, begun)
            + PLACE_64.pack(b"PK\6\7", 0, ended, 1)
            + END.pack(b"PK\5\6", 0, 0, MANY, MANY, LARGE, LARGE, 0)
        )

    def _send(self, data: bytes) -> bytes:
        self._sent += len(data)
        return data


def _date(at: datetime) -> int:
    return (max(at.year, 1980) - 1980) << 9 | at.month << 5 | at.day


def _time(at: datetime) -> int:
    return at.hour << 11 | at.minute << 5 | at.second // 2
