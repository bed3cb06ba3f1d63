"""What a file says about its size, read without any decoder: enough to admit work, never to trust it."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_ALONE: Final = frozenset({0x01, 0xD8})
_EOI: Final = 0xD9
_SOS: Final = 0xDA
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_BOXES: Final = 1 << 16
_MOST_SEGMENTS: Final = 2_000
"""Before the size of a JPEG is known; profiles and extended metadata come in a few hundred."""


def claimed_size(data: bytes, content_type: str) -> tuple[int, int] | None:
    """Width and height as the header claims, None where they cannot be found."""
    return _SIZES[content_type](data)


def jpeg_scans(data: bytes, enough: int) -> int:
    """How many scans stand before the end of the first image; counting stops at `enough`."""
    count = 0
    for marker, _at in _segments(data):
        count += marker == _SOS
        if count >= enough:
            break
    return count


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Every marker with the place of its segment, in the way that libjpeg finds them."""
    at = 2
    while found := _MARKER.search(data, at):
        marker, at = data[found.end() - 1], found.end()
        if marker == _EOI:
            return
        if marker not in _ALONE:
            yield marker, at
            at += max(2, int.from_bytes(data[at : at + 2], "big"))


def _jpeg(data: bytes) -> tuple[int, int] | None:
    for marker, at in islice(_segments(data), _MOST_SEGMENTS):
        if marker in _FRAMES:
            return _big(data[at + 5 : at + 7]), _big(data[at + 3 : at + 5])
        if marker == _SOS:
            break
    return None


def _png(data: bytes) -> tuple[int, int]:
    return _big(data[16:20]), _big(data[20:24])


def _gif(data: bytes) -> tuple[int, int]:
    return _little(data[6:8]), _little(data[8:10])


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if kind == b"VP8L":
        bits = _little(data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    return None


def _boxes(data: bytes) -> tuple[int, int] | None:
    """The largest picture that an AVIF or HEIC describes: tiles and thumbnails have sizes too."""
    ends = (found.end() for found in re.finditer(b"ispe", data[:_BOXES]))
    sizes = ((_big(data[at + 4 : at + 8]), _big(data[at + 8 : at + 12])) for at in ends)
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _big(part: bytes) -> int:
    return int.from_bytes(part, "big")


def _little(part: bytes) -> int:
    return int.from_bytes(part, "little")


_SIZES: Final = {
    "image/jpeg": _jpeg, "image/png": _png, "image/gif": _gif,
    "image/webp": _webp, "image/avif": _boxes, "image/heic": _boxes,
}  # fmt: skip
