"""One decode of a stranger's image by the one decoder of its format, just large enough for the largest rendition."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import pillow_heif
from PIL import AvifImagePlugin, Image, ImageFile

from functions.core.errors import TooManyPixels, UnreadableImage
from functions.core.pictures.headers import claimed_size
from functions.core.pictures.limits import Limits, check_memory, check_scans, check_size

DECODERS: Final = {
    "image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF",
    "image/webp": "WEBP", "image/avif": "AVIF", "image/heic": "HEIF",
}  # fmt: skip

BROKEN: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What decoders were seen to raise on hostile bytes; MemoryError is a limit and not among them."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A loaded image, perhaps smaller than the original, and the size that its header promised."""

    image: Image.Image
    size: tuple[int, int]


def prepare(max_pixels: int) -> None:
    """Set Pillow up for strangers, for the life of this process: single-threaded, no truncation, bombs are errors."""
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def decode(data: bytes, content_type: str, *, longest: int, limits: Limits) -> Decoded:
    """The first frame of `data`; JPEGs come scaled down by the decoder, their longest side still >= `longest`."""
    if claimed := claimed_size(data, content_type):
        # Some decoders take the memory for the whole picture when they are opened.
        check_size(claimed, limits.max_pixels)
        check_memory(claimed, content_type, limits)
    if content_type == "image/jpeg":
        check_scans(data)
    try:
        return _decode(data, content_type, longest, limits)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(max_pixels=limits.max_pixels) from error
    except BROKEN as error:
        raise UnreadableImage(decoder=DECODERS[content_type]) from error


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size with `longest` as its longest side and the same shape; never larger than it was."""
    ratio = min(1.0, longest / max(size))
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def _decode(data: bytes, content_type: str, longest: int, limits: Limits) -> Decoded:
    image = Image.open(BytesIO(data), formats=[DECODERS[content_type]])
    size = image.size
    check_size(size, limits.max_pixels)
    check_memory(size, content_type, limits)
    if content_type == "image/jpeg":
        # A square box would keep the decoder from halving a 4:3 picture: it takes the smaller of both ratios.
        image.draft(None, fitted(size, longest))
    image.load()
    check_size(image.size, limits.max_pixels)
    return Decoded(image, size)
