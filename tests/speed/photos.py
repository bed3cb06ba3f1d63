"""Seeded photographs of 12 megapixels: soft shapes, detail of every size and sensor noise, as cameras write them."""

from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH: Final = 4_000
HEIGHT: Final = 3_000
QUALITY: Final = 90
DETAIL: Final = ((5, 70), (20, 35), (80, 18), (320, 10), (1_300, 6))
"""How many shapes lie across, and how far they stray from the mean; about 2.7 MB as a JPEG."""
NOISE: Final = 3
_HEAD: Final = 2
_COMMENT: Final = b"\xff\xfe"


def photo(seed: int) -> bytes:
    """A JPEG of 4000 x 3000 pixels; the same seed gives the same bytes."""
    rng = np.random.default_rng(seed)
    light = rng.normal(118, NOISE, (HEIGHT, WIDTH)).astype(np.float32)
    planes = [light + _shapes(rng) for _ in "RGB"]
    pixels = np.stack([np.clip(plane, 0, 255).astype(np.uint8) for plane in planes], axis=-1)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def copies(taken: list[bytes], count: int, run: str) -> list[bytes]:
    """So many files with bytes of their own, each of the photographs in turn: a comment tells them apart."""
    return [_commented(taken[number % len(taken)], f"{run} {number}") for number in range(count)]


def _shapes(rng: np.random.Generator) -> NDArray[np.float32]:
    plane = np.zeros((HEIGHT, WIDTH), np.float32)
    for across, strength in DETAIL:
        coarse = rng.normal(0, strength, (across * 3 // 4 + 1, across + 1)).astype(np.float32)
        plane += np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    return plane


def _commented(jpeg: bytes, text: str) -> bytes:
    said = text.encode()
    return jpeg[:_HEAD] + _COMMENT + (len(said) + 2).to_bytes(2, "big") + said + jpeg[_HEAD:]
