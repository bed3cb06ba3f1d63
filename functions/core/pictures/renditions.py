"""The pictures that people see: every gallery size from one canvas, each resized from the one before."""

from collections.abc import Iterator
from io import BytesIO
from typing import Final

from PIL import Image

from functions.core.model import Variant
from functions.core.pictures.decode import fitted
from functions.core.ports import Rendition

LONGEST: Final = int(Variant.LARGE)
QUERY_LONGEST: Final = 512


def chain(canvas: Image.Image) -> Iterator[tuple[Variant, Image.Image]]:
    """1600, 720, 256 by longest side, never enlarged, each from the last by Lanczos."""
    for variant in (Variant.LARGE, Variant.MEDIUM, Variant.SMALL):
        size = fitted(canvas.size, int(variant))
        if size != canvas.size:
            canvas = canvas.resize(size, Image.Resampling.LANCZOS)
        yield variant, canvas


def encode(variant: Variant, picture: Image.Image) -> Rendition:
    """The 1600 as JPEG unless it has transparency, everything else as WebP."""
    if variant is Variant.LARGE and picture.mode == "RGB":
        data, content_type = jpeg(picture, 82), "image/jpeg"
    else:
        data, content_type = webp(picture, 82 if variant is Variant.LARGE else 80), "image/webp"
    return Rendition(str(variant), *picture.size, content_type=content_type, data=data)


def jpeg(picture: Image.Image, quality: int) -> bytes:
    """A plain baseline JPEG: optimising would cost five times the time for five percent of the bytes."""
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def webp(picture: Image.Image, quality: int) -> bytes:
    """WebP at effort 2: less than half the time of the default for a few percent more bytes."""
    out = BytesIO()
    picture.save(out, "WEBP", quality=quality, method=2)
    return out.getvalue()
