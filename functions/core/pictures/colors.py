"""The colours that people would name: a few dominant ones, and words to filter by."""

from itertools import starmap
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

NAMES: Final = (
    "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "black", "grey", "white",
)  # fmt: skip
_BY_HUE: Final = (
    (15, 0.60, "pink", "red"),
    (32, 0.70, "pink", "red"),
    (38, 0.70, "orange", "red"),
    (45, 0.60, "orange", "brown"),
    (85, 0.65, "orange", "brown"),
    (100, 0.65, "yellow", "brown"),
    (118, 0.65, "yellow", "green"),
    (165, 0.00, "green", "green"),
    (215, 0.00, "teal", "teal"),
    (285, 0.00, "blue", "blue"),
    (315, 0.00, "purple", "purple"),
    (345, 0.65, "pink", "purple"),
    (361, 0.60, "pink", "red"),
)
"""Hues up to so many degrees of OKLab: above this lightness they have the first name, else the second."""
_SIDE: Final = 32
_CLUSTERS: Final = 5
_ROUNDS: Final = 8
_TOO_CLOSE: Final = 0.06
_TOO_FEW: Final = 0.02
_OPAQUE: Final = 128

# Björn Ottosson's OKLab: equal distances look equally different.
_TO_CONES: Final = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929],
     [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_TO_LAB: Final = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468],
     [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def dominant(picture: Image.Image) -> tuple[str, ...]:
    """At most five colours of an RGB or RGBA picture as #rrggbb, strongest first; the same picture gives the same."""
    rgb = _samples(picture)
    if not len(rgb):
        return ()
    # Colours of one cell count as one: k-means then works on hundreds of points with weights, not on thousands.
    _, cell, counts = np.unique((rgb >> 3) @ np.array([1, 32, 1024]), return_inverse=True, return_counts=True)
    lab = np.stack([np.bincount(cell, channel) for channel in oklab(rgb).T], axis=1) / counts[:, None]
    centres, weights = _merged(*_clustered(lab, counts / counts.sum()))
    order = [index for index in np.argsort(-weights, kind="stable") if weights[index] >= _TOO_FEW]
    return tuple(_hex(centres[index]) for index in order)


def color_names(colors: tuple[str, ...]) -> tuple[str, ...]:
    """The words for #rrggbb colours, out of NAMES, each once, in the order of the colours."""
    channels = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in colors]
    if not channels:
        return ()
    return tuple(dict.fromkeys(starmap(_name, oklab(np.array(channels)).tolist())))


def oklab(rgb: NDArray[np.integer]) -> Floats:
    """Colours in sRGB 0..255 of shape (n, 3) -> lightness 0..1, green to red, blue to yellow."""
    part = rgb / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    lab: Floats = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def _samples(picture: Image.Image) -> NDArray[np.int64]:
    small = picture.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small.convert("RGBA"), dtype=np.int64).reshape(-1, 4)
    return pixels[pixels[:, 3] >= _OPAQUE, :3]


def _clustered(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """k-means whose first centres are the heaviest point, then always what is heavy and far from the others."""
    chosen = [int(np.argmax(weights))]
    while len(chosen) < min(_CLUSTERS, len(points)):
        chosen.append(int(np.argmax(_spread(points, points[chosen]).min(axis=1) * weights)))
    centres = points[chosen]
    nearest = np.zeros(len(points), dtype=np.int64)
    for _ in range(_ROUNDS):
        nearest = _spread(points, centres).argmin(axis=1)
        held = np.bincount(nearest, weights, len(centres))
        sums = np.stack([np.bincount(nearest, weights * axis, len(centres)) for axis in points.T], axis=1)
        centres = np.where(held[:, None] > 0, sums / np.maximum(held, 1e-12)[:, None], centres)
    mass: Floats = np.bincount(nearest, weights, len(centres)).astype(np.float64)
    return centres, mass


def _spread(points: Floats, centres: Floats) -> Floats:
    """Squared distances, shape (points, centres)."""
    distances: Floats = np.square(points[:, None] - centres[None]).sum(axis=2)
    return distances


def _merged(centres: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Clusters that look alike become one, the stronger taking the weaker in."""
    centres, weights = centres.copy(), weights.copy()
    order = np.argsort(-weights, kind="stable")
    for place, strong in enumerate(order):
        for weak in order[place + 1 :]:
            if weights[strong] and weights[weak] and np.linalg.norm(centres[strong] - centres[weak]) < _TOO_CLOSE:
                both = weights[strong] + weights[weak]
                centres[strong] = (centres[strong] * weights[strong] + centres[weak] * weights[weak]) / both
                weights[strong], weights[weak] = both, 0.0
    return centres, weights


def _hex(lab: Floats) -> str:
    linear = np.linalg.inv(_TO_CONES) @ (np.linalg.inv(_TO_LAB) @ lab) ** 3
    part = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)
    red, green, blue = np.clip(np.round(part * 255), 0, 255).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _name(light: float, green_red: float, blue_yellow: float) -> str:
    vivid = float(np.hypot(green_red, blue_yellow))
    if light < 0.22:
        return "black"
    if vivid < 0.035:
        return "white" if light > 0.93 else "black" if light < 0.3 else "grey"
    return _hue_name(light, float(np.degrees(np.arctan2(blue_yellow, green_red))) % 360)


def _hue_name(light: float, hue: float) -> str:
    return next(above if light > bound else below for end, bound, above, below in _BY_HUE if hue < end)
