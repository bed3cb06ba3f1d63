"""A drawing surface in unit coordinates: shapes are drawn twice as large and halved, which smooths their edges."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gateway.local.samples.words import Colour

Point = tuple[float, float]
Ink = Colour | tuple[int, int, int, int]
OVER = 2


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two; `share` 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    """Towards white."""
    return mixed(colour, (255, 255, 255), share)


def darker(colour: Colour, share: float = 0.3) -> Colour:
    """Towards a warm black."""
    return mixed(colour, (24, 18, 26), share)


@dataclass
class Canvas:
    """Coordinates run from 0 to 1 along the width, and from 0 to height / width downwards.

    Half-clear inks blend on RGB surfaces; on clear ones they replace what is there.
    """

    image: Image.Image

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.image, "RGBA")
        self.scale = self.image.width

    @classmethod
    def blank(cls, width: int, height: int) -> "Canvas":
        """An empty surface of twice the size that `picture` will have."""
        return cls(Image.new("RGBA", (width * OVER, height * OVER)))

    @classmethod
    def plain(cls, size: tuple[int, int], ink: Colour) -> "Canvas":
        """A surface of one colour, of twice the size that `picture` will have."""
        return cls(Image.new("RGB", (size[0] * OVER, size[1] * OVER), ink))

    @property
    def bottom(self) -> float:
        """The lowest coordinate."""
        return self.image.height / self.image.width

    def picture(self) -> Image.Image:
        """The finished drawing at its real size."""
        return self.image.reduce(OVER)

    def at(self, points: Sequence[Point]) -> list[Point]:
        """Unit coordinates in pixels of the surface."""
        return [(x * self.scale, y * self.scale) for x, y in points]

    def polygon(self, points: Sequence[Point], ink: Ink) -> None:
        """A filled outline."""
        self.pen.polygon(self.at(points), fill=ink)

    def oval(self, middle: Point, rx: float, ry: float, ink: Ink) -> None:
        """A filled ellipse."""
        (x, y) = middle
        self.pen.ellipse(self.at([(x - rx, y - ry), (x + rx, y + ry)]), fill=ink)

    def disc(self, middle: Point, radius: float, ink: Ink) -> None:
        """A filled circle."""
        self.oval(middle, radius, radius, ink)

    def box(self, corner: Point, opposite: Point, ink: Ink, *, round_by: float = 0.0) -> None:
        """A filled rectangle, with round corners where asked."""
        area = [c for point in self.at([corner, opposite]) for c in point]
        self.pen.rounded_rectangle(area, radius=round_by * self.scale, fill=ink)

    def line(self, points: Sequence[Point], ink: Ink, width: float) -> None:
        """A stroke with round joints and ends."""
        thick = max(1, round(width * self.scale))
        self.pen.line(self.at(points), fill=ink, width=thick, joint="curve")
        for point in (points[0], points[-1]):
            if thick > 3:
                self.disc(point, width / 2, ink)

    def slice(self, middle: Point, radius: float, angles: tuple[float, float], ink: Ink) -> None:
        """A filled piece of a circle; angles in degrees, clockwise from the right."""
        (x, y) = middle
        area = [c for p in self.at([(x - radius, y - radius), (x + radius, y + radius)]) for c in p]
        self.pen.pieslice(area, *angles, fill=ink)

    def paste(self, drawing: Image.Image, corner: Point) -> None:
        """Another drawing on top, its upper left corner here."""
        ((x, y),) = self.at([corner])
        self.image.paste(drawing, (round(x), round(y)), drawing)

    def haze(self, ink: tuple[int, int, int, int]) -> None:
        """A veil over everything."""
        self.image.paste(ink[:3], (0, 0), Image.new("L", self.image.size, ink[3]))


def regular(middle: Point, radius: float, corners: int, turn: float = -90.0) -> list[Point]:
    """Corners of a regular polygon, the first at `turn` degrees."""
    angles = (math.radians(turn + 360 * k / corners) for k in range(corners))
    return [(middle[0] + radius * math.cos(a), middle[1] + radius * math.sin(a)) for a in angles]


def spiked(middle: Point, outer: float, inner: float, spikes: int) -> list[Point]:
    """A star's outline."""
    far, near = regular(middle, outer, spikes), regular(middle, inner, spikes, -90 + 180 / spikes)
    return [point for pair in zip(far, near, strict=True) for point in pair]


def upright(size: tuple[int, int], top: Colour, low: Colour, *, bend: float = 1.0) -> Image.Image:
    """A gradient from top to bottom; a bend above 1 keeps the top colour longer."""
    steps = np.linspace(0, 1, size[1], dtype=np.float32) ** bend
    rows = np.outer(1 - steps, top) + np.outer(steps, low)
    column: NDArray[np.uint8] = rows.round().astype(np.uint8)[:, None, :]
    return Image.fromarray(column).resize(size)
