"""A twin of each icon with flat colours and dark lines, so that the model meets drawing styles it has no icons of."""

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter


def twin(icon: Image.Image, rng: random.Random) -> Image.Image:
    """Few flat colours, a dark contour, and dark lines where colours meet."""
    alpha = icon.getchannel("A")
    flat = icon.convert("RGB").filter(ImageFilter.MedianFilter(3)).quantize(rng.choice((4, 5, 7)))
    lines = _edges(np.asarray(flat, np.int16), np.asarray(alpha))
    solid = alpha.point(lambda a: 255 if a > 110 else 0)
    thick = rng.choice((3, 5))
    contour = np.asarray(solid.filter(ImageFilter.MaxFilter(thick)), np.int16) - np.asarray(
        solid.filter(ImageFilter.MinFilter(3)), np.int16
    )
    dark = Image.fromarray(((lines > 0) | (contour > 0)).astype(np.uint8) * 255)
    out = _filling(flat.convert("RGB"), rng)
    out.putalpha(solid)
    ink = rng.choice(((0, 0, 0), (20, 20, 24), (40, 36, 44)))
    out.paste((*ink, 255), (0, 0), dark)
    return out


def _edges(labels: NDArray[np.int16], alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    inside = alpha > 110
    found = np.zeros(labels.shape, bool)
    found[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    found[1:] |= labels[1:] != labels[:-1]
    return found & inside


def _filling(flat: Image.Image, rng: random.Random) -> Image.Image:
    """The colours as they are, washed out, or none at all."""
    chance = rng.random()
    if chance < 0.2:
        return Image.new("RGB", flat.size, (255, 255, 255))
    if chance < 0.4:
        return Image.blend(flat, Image.new("RGB", flat.size, (255, 255, 255)), 0.45)
    return flat
