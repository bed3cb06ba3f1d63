"""Small numbers that stand for a picture: a placeholder to paint while it loads, a fingerprint to find copies."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from functions.core.pictures.decode import fitted

Floats = NDArray[np.float64]

_PLACEHOLDER_SIDE: Final = 64
_FEWEST: Final = 14
_PHASH_SIDE: Final = 32
_PHASH_KEPT: Final = 8


def thumbhash(picture: Image.Image) -> bytes:
    """ThumbHash of an RGB or RGBA picture (at most 25 bytes), as Evan Wallace published it."""
    width, height = fitted(picture.size, _PLACEHOLDER_SIDE)
    # A line of one pixel has no waves across: its cosines would all be full ones.
    small = picture.resize((max(_FEWEST, width), max(_FEWEST, height)), Image.Resampling.BOX)
    pixels = np.asarray(small.convert("RGBA"), dtype=np.float64) / 255
    alpha = pixels[..., 3]
    rgb = _over_average(pixels[..., :3], alpha)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = (red + green + blue) / 3
    return _pack(picture.size, (luma, (red + green) / 2 - blue, red - green, alpha))


def phash(picture: Image.Image) -> int:
    """64 bits, unsigned: which low frequencies of the grey picture are above their median."""
    grey = flattened(picture).convert("L")
    small = grey.resize((_PHASH_SIDE, _PHASH_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, dtype=np.float64)
    basis = _basis(_PHASH_SIDE, _PHASH_KEPT)
    # Rounded, so that the noise of arithmetic never decides a bit of a flat picture.
    low = np.round(basis @ pixels @ basis.T / _PHASH_SIDE, 4).ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def flattened(picture: Image.Image) -> Image.Image:
    """An RGB picture; what is transparent lies on white."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


@cache
def _basis(length: int, kept: int) -> Floats:
    """Rows of cosines: the first `kept` frequencies over `length` samples."""
    samples = (np.arange(length) + 0.5) * np.pi / length
    return np.cos(np.arange(kept)[:, None] * samples)


def _over_average(rgb: Floats, alpha: Floats) -> Floats:
    """The picture laid over its own average colour, so that transparent parts pull nothing anywhere."""
    weight = alpha.sum()
    average = (rgb * alpha[..., None]).sum(axis=(0, 1)) / weight if weight else np.zeros(3)
    return average * (1 - alpha[..., None]) + rgb * alpha[..., None]


def _channel(values: Floats, across: int, down: int) -> tuple[float, list[float], float]:
    """Mean, the other coefficients scaled to 0..1, and their scale; only those under the diagonal."""
    height, width = values.shape
    found = _basis(height, down) @ values @ _basis(width, across).T / (width * height)
    kept = [float(found[y, x]) for y in range(down) for x in range(across) if x * down < across * (down - y)]
    scale = max((abs(value) for value in kept[1:]), default=0.0)
    rest = [0.5 + 0.5 / scale * value if scale else value for value in kept[1:]]
    return kept[0], rest, scale


def _pack(size: tuple[int, int], planes: tuple[Floats, Floats, Floats, Floats]) -> bytes:
    luma, yellow_blue, red_green, alpha = planes
    clear, wide = bool((alpha < 1).any()), size[0] > size[1]
    finest = 5 if clear else 7
    across, down = (max(1, _near(finest * side / max(size))) for side in size)
    l_dc, l_rest, l_scale = _channel(luma, max(3, across), max(3, down))
    p_dc, p_rest, p_scale = _channel(yellow_blue, 3, 3)
    q_dc, q_rest, q_scale = _channel(red_green, 3, 3)
    first = _near(63 * l_dc) | _near(31.5 + 31.5 * p_dc) << 6 | _near(31.5 + 31.5 * q_dc) << 12
    first |= _near(31 * l_scale) << 18 | clear << 23
    second = (down if wide else across) | _near(63 * p_scale) << 3 | _near(63 * q_scale) << 9 | wide << 15
    head, rest = first.to_bytes(3, "little") + second.to_bytes(2, "little"), l_rest + p_rest + q_rest
    if clear:
        a_dc, a_rest, a_scale = _channel(alpha, 5, 5)
        head, rest = head + bytes([_near(15 * a_dc) | _near(15 * a_scale) << 4]), rest + a_rest
    return head + _nibbles(rest)


def _nibbles(values: list[float]) -> bytes:
    fours = [_near(15 * value) for value in values] + [0] * (len(values) % 2)
    return bytes(low | high << 4 for low, high in zip(fours[::2], fours[1::2], strict=True))


def _near(value: float) -> int:
    """Rounding as the published decoder expects it: halves go up."""
    return int(np.floor(value + 0.5))
