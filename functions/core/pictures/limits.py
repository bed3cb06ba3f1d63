"""How much one picture may cost: said once, checked before decoding, enforced by the kernel meanwhile."""

from dataclasses import dataclass
from typing import Final

from functions.core.errors import DecodeLimit, TooManyPixels
from functions.core.pictures.headers import jpeg_scans

MAX_SIDE: Final = 16_384
MAX_SCANS: Final = 64
_BYTES_PER_PIXEL: Final = {"image/webp": 17}
"""Measured: WebP's decoder holds two canvases beside Pillow's two copies."""


@dataclass(frozen=True, slots=True)
class Limits:
    """For one image in one child; whoever goes over is killed."""

    max_pixels: int = 50_000_000
    cpu_s: int = 10
    wall_s: float = 12.0
    memory_bytes: int = 1 << 30
    """Address space, the interpreter's own included."""

    @property
    def data_bytes(self) -> int:
        """What it may fill of that; the rest is code, shared with the parent."""
        return self.memory_bytes * 5 // 8


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raise TooManyPixels for a side or an area that we do not decode."""
    width, height = size
    if max(size) > MAX_SIDE or width * height > max_pixels:
        raise TooManyPixels(width=width, height=height, max_pixels=max_pixels, max_side=MAX_SIDE)


def check_memory(size: tuple[int, int], content_type: str, limits: Limits) -> None:
    """Raise DecodeLimit for a picture whose decoder would run out of memory, which some report as a broken file."""
    if size[0] * size[1] * _BYTES_PER_PIXEL.get(content_type, 0) > limits.data_bytes:
        raise DecodeLimit(width=size[0], height=size[1], max_bytes=limits.data_bytes)


def check_scans(data: bytes) -> None:
    """Raise DecodeLimit for a JPEG that is drawn over and over: bytes are cheap, each scan costs the whole area."""
    if jpeg_scans(data, MAX_SCANS + 1) > MAX_SCANS:
        raise DecodeLimit("The JPEG has more than 64 scans", max_scans=MAX_SCANS)
