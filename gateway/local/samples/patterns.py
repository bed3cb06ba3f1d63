"""Patterns that fill a whole picture with two or three colours: stripes, dots, bricks and the like."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from PIL import Image

from gateway.local.samples.canvas import Canvas, Point, darker, lighter, mixed, regular, spiked
from gateway.local.samples.chance import seeded
from gateway.local.samples.words import COLOURS, Colour

Pattern = Callable[["Weave"], None]


class Weave:
    """A surface with its inks and the step at which the pattern repeats."""

    def __init__(self, canvas: Canvas, rng: random.Random, ink: Colour, paper: Colour) -> None:
        self.canvas, self.rng, self.ink, self.paper = canvas, rng, ink, paper
        self.step = rng.uniform(0.07, 0.16)

    def cells(self, step: float, *, shift: bool = False) -> Iterator[Point]:
        """Middles of the cells of a grid; every other row moved by half where asked."""
        for row in range(-1, int(self.canvas.bottom / step) + 2):
            for column in range(-1, int(1 / step) + 2):
                yield (column + (0.5 if shift and row % 2 else 0.0)) * step, row * step

    def shade(self) -> Colour:
        """The ink, now and then a little lighter or darker."""
        return self.rng.choice((self.ink, self.ink, lighter(self.ink, 0.2), darker(self.ink, 0.15)))


def stripes(w: Weave) -> None:
    """Level, upright or slanting bands."""
    lean = w.rng.choice((0.0, 0.0, 1.0))
    upright = w.rng.random() < 0.5
    reach = 1 + w.canvas.bottom
    position = -reach
    while position < reach + 1:
        a, b = position, position + w.step / 2
        if upright or lean:
            points = [(a, 0.0), (b, 0.0), (b + lean * reach, reach), (a + lean * reach, reach)]
        else:
            points = [(0.0, a), (0.0, b), (1.0, b), (1.0, a)]
        w.canvas.polygon(points, w.ink)
        position += w.step


def dots(w: Weave) -> None:
    """Discs in offset rows."""
    for spot in w.cells(w.step, shift=True):
        w.canvas.disc(spot, w.step * 0.29, w.ink)


def checks(w: Weave) -> None:
    """A chessboard."""
    for x, y in w.cells(w.step):
        if (round(x / w.step) + round(y / w.step)) % 2:
            w.canvas.box((x, y), (x + w.step, y + w.step), w.ink)


def zigzag(w: Weave) -> None:
    """Pointed lines."""
    for row in range(-1, int(w.canvas.bottom / w.step) + 2):
        y = row * w.step
        points = [(k * w.step / 2, y + (w.step * 0.45 if k % 2 else 0)) for k in range(int(2 / w.step) + 3)]
        w.canvas.line(points, w.ink, w.step * 0.3)


def waves(w: Weave) -> None:
    """Rounded lines."""
    for row in range(-1, int(w.canvas.bottom / w.step) + 2):
        y = row * w.step
        points = [(k / 80, y + math.sin(k / 80 * 6.3 / w.step * 0.6) * w.step * 0.26) for k in range(82)]
        w.canvas.line(points, w.ink, w.step * 0.32)


def grid(w: Weave) -> None:
    """Thin crossing lines."""
    for k in range(int(1 / w.step) + 2):
        w.canvas.line([(k * w.step, 0), (k * w.step, w.canvas.bottom)], w.ink, w.step * 0.12)
    for k in range(int(w.canvas.bottom / w.step) + 2):
        w.canvas.line([(0, k * w.step), (1, k * w.step)], w.ink, w.step * 0.12)


def rings(w: Weave) -> None:
    """Circles round one middle."""
    middle = (w.rng.uniform(0.3, 0.7), w.canvas.bottom * w.rng.uniform(0.3, 0.7))
    for k in range(int(1.4 / w.step), 0, -1):
        w.canvas.disc(middle, k * w.step, w.ink if k % 2 else w.paper)


def triangles(w: Weave) -> None:
    """Triangles in rows."""
    for x, y in w.cells(w.step, shift=True):
        w.canvas.polygon(
            [(x, y), (x + w.step * 0.46, y + w.step * 0.84), (x - w.step * 0.46, y + w.step * 0.84)], w.shade()
        )


def bricks(w: Weave) -> None:
    """A wall."""
    step = w.step * 0.8
    for row in range(int(w.canvas.bottom / step) + 2):
        for column in range(-1, int(1 / (2 * step)) + 2):
            x, y = (column + (0.5 if row % 2 else 0)) * 2 * step, row * step
            w.canvas.box((x + step * 0.06, y + step * 0.06), (x + step * 1.94, y + step * 0.94), w.shade())


def diamonds(w: Weave) -> None:
    """Lozenges."""
    for x, y in w.cells(w.step, shift=False):
        half = w.step * 0.44
        w.canvas.polygon([(x, y - half * 1.1), (x + half, y), (x, y + half * 1.1), (x - half, y)], w.shade())


def confetti(w: Weave) -> None:
    """Scattered scraps."""
    for _ in range(150):
        spot = (w.rng.random(), w.rng.random() * w.canvas.bottom)
        w.canvas.polygon(
            regular(spot, w.rng.uniform(0.012, 0.03), w.rng.choice((3, 4, 4, 5)), w.rng.uniform(0, 90)), w.shade()
        )


def plaid(w: Weave) -> None:
    """Crossing half-clear bands."""
    for k in range(int(1 / w.step) + 2):
        for share, wide, strength in ((0.0, 0.42, 130), (0.62, 0.08, 200)):
            at = (k + share) * w.step
            w.canvas.box((at, 0), (at + w.step * wide, w.canvas.bottom), (*w.ink, strength))
            w.canvas.box((0, at), (1, at + w.step * wide), (*w.ink, strength))


def speckles(w: Weave) -> None:
    """Many small spots of any size."""
    for _ in range(420):
        w.canvas.disc((w.rng.random(), w.rng.random() * w.canvas.bottom), w.rng.uniform(0.002, 0.012), w.shade())


def hexagons(w: Weave) -> None:
    """Honeycomb."""
    step = w.step * 0.9
    for row in range(-1, int(w.canvas.bottom / (step * 0.87)) + 2):
        for column in range(-1, int(1 / step) + 2):
            spot = ((column + (0.5 if row % 2 else 0)) * step, row * step * 0.87)
            w.canvas.polygon(regular(spot, step * 0.52, 6), w.shade())


def rays(w: Weave) -> None:
    """Beams from one middle."""
    middle = (w.rng.uniform(0.3, 0.7), w.canvas.bottom * w.rng.uniform(0.4, 0.8))
    w.canvas.polygon(spiked(middle, 2.2, 0.0, w.rng.choice((10, 14, 18))), w.ink)
    for k in range(0, 360, w.rng.choice((24, 30))):
        w.canvas.slice(middle, 2.2, (k, k + 12), w.ink)


PATTERNS: Final[dict[str, Pattern]] = {
    "stripes": stripes, "dots": dots, "checks": checks, "zigzag": zigzag, "waves": waves, "grid": grid,
    "rings": rings, "triangles": triangles, "bricks": bricks, "diamonds": diamonds, "confetti": confetti,
    "plaid": plaid, "speckles": speckles, "hexagons": hexagons, "rays": rays,
}  # fmt: skip


def paint(name: str, colour: str, size: tuple[int, int], seed: int) -> Image.Image:
    """One pattern in one colour on a ground that lets the colour speak."""
    rng = seeded(f"{name}/{colour}/{seed}")
    ink = COLOURS[colour]
    pale = ((250, 248, 240), lighter(ink, 0.82), (244, 240, 228))
    paper = rng.choice(pale) if colour not in ("white", "yellow") else rng.choice(((150, 160, 170), (90, 90, 100)))
    canvas = Canvas.plain(size, paper)
    PATTERNS[name](Weave(canvas, rng, ink, paper))
    return canvas.picture()


def gradient(first: str, second: str, size: tuple[int, int], seed: int) -> Image.Image:
    """A smooth passage between two colours, in any direction or from a middle."""
    rng = seeded(f"{first}/{second}/{seed}")
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    turn = rng.uniform(0, 2 * math.pi)
    way = np.hypot(x, y) / 1.2 if rng.random() < 0.25 else (x * math.cos(turn) + y * math.sin(turn) + 1) / 2
    share = np.clip(way, 0, 1)[..., None]
    pixels = np.array(COLOURS[first]) * (1 - share) + np.array(COLOURS[second]) * share
    return Image.fromarray(pixels.round().astype(np.uint8))


def shape(name: str, colour: str, size: tuple[int, int], seed: int) -> Image.Image:
    """One plain shape on a quiet ground."""
    rng = seeded(f"{name}/{colour}/{seed}")
    ink = COLOURS[colour]
    tint = COLOURS[rng.choice(("blue", "teal", "yellow", "grey"))]
    paper = (70, 76, 90) if sum(ink) > 560 else mixed((246, 244, 238), tint, 0.12)
    canvas = Canvas.plain(size, paper)
    middle = (0.5 + rng.uniform(-0.12, 0.12), canvas.bottom * (0.5 + rng.uniform(-0.08, 0.08)))
    draw_shape(canvas, name, (ink, paper), middle, min(1, canvas.bottom) * rng.uniform(0.22, 0.4))
    return canvas.picture()


def draw_shape(canvas: Canvas, name: str, inks: tuple[Colour, Colour], middle: Point, radius: float) -> None:
    """A circle, ring, oval, cross, rectangle or a regular polygon; the second ink is the ground's."""
    ink, paper = inks
    x, y = middle
    if name in ("circle", "ring", "oval"):
        canvas.oval(middle, radius, radius * (0.6 if name == "oval" else 1), ink)
        if name == "ring":
            canvas.disc(middle, radius * 0.62, paper)
    elif name == "cross":
        canvas.box((x - radius, y - radius * 0.3), (x + radius, y + radius * 0.3), ink)
        canvas.box((x - radius * 0.3, y - radius), (x + radius * 0.3, y + radius), ink)
    elif name == "rectangle":
        canvas.box((x - radius, y - radius * 0.55), (x + radius, y + radius * 0.55), ink)
    else:
        corners, turn = {"square": (4, 45.0), "triangle": (3, -90.0), "hexagon": (6, 0.0), "diamond": (4, -90.0)}[name]
        canvas.polygon(regular(middle, radius, corners, turn), ink)
