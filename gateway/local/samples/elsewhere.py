"""Places without day, night or weather: outer space and the bottom of the sea."""

import math
import random
from collections.abc import Callable
from typing import Final

from gateway.local.samples.canvas import Canvas, lighter
from gateway.local.samples.words import Colour


def space(canvas: Canvas, rng: random.Random) -> None:
    """Stars, a haze and a planet or two."""
    for _ in range(6):
        ink = rng.choice(((90, 50, 150), (40, 70, 160), (150, 50, 120)))
        canvas.disc((rng.random(), rng.random() * canvas.bottom), rng.uniform(0.12, 0.3), (*ink, 46))
    for _ in range(170):
        spot = (rng.random(), rng.random() * canvas.bottom)
        canvas.disc(spot, rng.uniform(0.0012, 0.004), (255, 255, 245, rng.randint(110, 255)))
    for _ in range(rng.randint(1, 2)):
        _planet(canvas, rng)


def _planet(canvas: Canvas, rng: random.Random) -> None:
    ink = rng.choice(((220, 130, 90), (110, 170, 200), (214, 190, 130), (150, 120, 200)))
    x, y, r = rng.uniform(0.1, 0.9), canvas.bottom * rng.uniform(0.12, 0.88), rng.uniform(0.05, 0.11)
    canvas.line([(x - r * 1.7, y + r * 0.4), (x + r * 1.7, y - r * 0.4)], (*lighter(ink, 0.5), 170), r * 0.16)
    canvas.disc((x, y), r, ink)
    canvas.disc((x - r * 0.3, y - r * 0.3), r * 0.45, lighter(ink, 0.25))


def underwater(canvas: Canvas, rng: random.Random) -> None:
    """Light from above, weed and bubbles over sand."""
    low = canvas.bottom
    for k in range(5):
        x = rng.random()
        canvas.polygon([(x, 0), (x + 0.07, 0), (x + 0.2 + k * 0.02, low), (x + 0.02, low)], (220, 250, 255, 26))
    canvas.oval((0.5, low), 0.75, low * 0.14, (206, 190, 140))
    for _ in range(11):
        x, tall = rng.random(), rng.uniform(0.1, 0.26)
        weed = [(x + 0.02 * math.sin(k), low - 0.02 - tall * k / 6) for k in range(7)]
        canvas.line(weed, rng.choice(((40, 130, 90), (70, 150, 80), (190, 80, 100))), 0.02)
    for _ in range(26):
        canvas.disc((rng.random(), low * rng.random()), rng.uniform(0.004, 0.013), (220, 246, 255, 120))


TIMELESS_PLACES: Final[dict[str, Callable[[Canvas, random.Random], None]]] = {
    "space": space, "underwater": underwater,
}  # fmt: skip
DEPTHS: Final[dict[str, tuple[Colour, Colour]]] = {
    "space": ((8, 8, 26), (26, 16, 50)),
    "underwater": ((70, 180, 214), (14, 62, 120)),
}
