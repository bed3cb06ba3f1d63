"""Small seeded pictures in every accepted format, made in milliseconds; the same seed gives the same bytes."""

from io import BytesIO

import numpy as np
import pillow_heif
from PIL import Image

Size = tuple[int, int]


def an_image(seed: int = 0, size: Size = (320, 240), mode: str = "RGB") -> Image.Image:
    """A varied pattern: a seeded wave between two colours under five seeded blocks, and in RGBA or LA a transparent corner."""
    rng = np.random.default_rng(seed)
    width, height = size
    across, down = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    one, other = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
    wave = np.sin(2 * np.pi * (rng.uniform(1, 5) * across + rng.uniform(1, 5) * down + rng.uniform()))
    share = ((wave + 1) / 2)[..., None]
    texture = rng.normal(0, 4, (height, width, 1))
    pixels = np.clip(one * share + other * (1 - share) + texture, 0, 255).astype(np.uint8)
    for color in rng.integers(0, 256, (5, 3)):
        left, top = rng.integers(0, width), rng.integers(0, height)
        pixels[top : top + 1 + height // 4, left : left + 1 + width // 4] = color
    image = Image.fromarray(pixels)
    if mode in {"RGBA", "LA"}:
        alpha = np.clip((across + down) * 255, 0, 255).astype(np.uint8)
        image.putalpha(Image.fromarray(alpha))
    return image.convert(mode)


def a_plain(color: str, size: Size = (64, 48)) -> Image.Image:
    """One colour all over."""
    return Image.new("RGB", size, color)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """The image as a file; options are Pillow's."""
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """A file as Pillow sees it, loaded."""
    image = Image.open(BytesIO(data))
    image.load()
    return image


def a_jpeg(seed: int = 0, size: Size = (320, 240), mode: str = "RGB", **options: object) -> bytes:
    return encoded(an_image(seed, size, mode), "JPEG", **options)


def a_png(seed: int = 0, size: Size = (320, 240), mode: str = "RGB", **options: object) -> bytes:
    return encoded(an_image(seed, size, mode), "PNG", compress_level=1, **options)


def a_webp(seed: int = 0, size: Size = (320, 240), mode: str = "RGB", **options: object) -> bytes:
    return encoded(an_image(seed, size, mode), "WEBP", method=0, **options)


def a_gif(seed: int = 0, size: Size = (320, 240), mode: str = "RGB", **options: object) -> bytes:
    return encoded(an_image(seed, size, mode), "GIF", **options)


def an_avif(seed: int = 0, size: Size = (320, 240), mode: str = "RGB", **options: object) -> bytes:
    return encoded(an_image(seed, size, mode), "AVIF", speed=10, max_threads=1, **options)


def a_heic(seed: int = 0, size: Size = (320, 240), mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    pillow_heif.from_pillow(an_image(seed, size, mode)).save(out, quality=60, **options)
    return out.getvalue()


FORMATS = {
    "image/jpeg": a_jpeg, "image/png": a_png, "image/gif": a_gif,
    "image/webp": a_webp, "image/avif": an_avif, "image/heic": a_heic,
}  # fmt: skip
