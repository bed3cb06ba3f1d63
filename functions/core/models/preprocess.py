"""Encoded pictures to the pixels that an image tower was trained on, by the steps that OpenCLIP derives from a config."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.core.errors import UnreadableImage

Pixels = NDArray[np.float32]

OURS: Final = ("WEBP", "JPEG", "PNG")


@dataclass(frozen=True, slots=True)
class Preprocess:
    """The one size and the one normalisation of a tower; another size would be another model."""

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def batch(self, pictures: Sequence[bytes]) -> Pixels:
        """Encoded renditions -> float32 of shape (n, 3, side, side); raises UnreadableImage."""
        planes = np.stack([self._plane(data) for data in pictures])
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        scaled = (planes.astype(np.float32) / 255 - mean) / std
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))

    def _plane(self, data: bytes) -> NDArray[np.uint8]:
        try:
            with Image.open(io.BytesIO(data), formats=OURS) as picture:
                return np.asarray(self.cropped(picture.convert("RGB")), np.uint8)
        except (OSError, ValueError, SyntaxError) as problem:
            raise UnreadableImage from problem

    def cropped(self, picture: Image.Image) -> Image.Image:
        """The short side scaled to the trained size, then the middle of the long one."""
        wide, high = _scaled(picture.size, self.side)
        small = picture.resize((wide, high), Image.Resampling.BICUBIC)
        # torchvision rounds half to even here, and cuts off above; both matter to the last bit.
        left, top = round((wide - self.side) / 2), round((high - self.side) / 2)
        return small.crop((left, top, left + self.side, top + self.side))


def blank() -> bytes:
    """A small black picture, for a tower that is to be loaded before the first real one comes."""
    with io.BytesIO() as out:
        Image.new("RGB", (8, 8)).save(out, "PNG")
        return out.getvalue()


def _scaled(size: tuple[int, int], short: int) -> tuple[int, int]:
    """Width and height whose shorter one is `short`."""
    wide, high = size
    return (short, int(short * high / wide)) if wide <= high else (int(short * wide / high), short)
