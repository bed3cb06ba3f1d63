"""The land of each place: what lies under the sky, from the horizon to the feet of the viewer."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.local.samples.canvas import Canvas, Ink, Point, darker, lighter, mixed
from gateway.local.samples.words import Colour

SNOW: Final = (240, 246, 252)
WINDOW: Final = (255, 222, 130)


@dataclass
class Ground:
    """A layer under a sky: helpers draw across its whole width, `y` as a share of its height."""

    canvas: Canvas
    rng: random.Random
    time: str
    snowy: bool = False
    windows: list[tuple[Point, Point]] = field(default_factory=list)

    def y(self, share: float) -> float:
        """A height in canvas units."""
        return share * self.canvas.bottom

    def soil(self, colour: Colour) -> Colour:
        """The colour, whitened where snow lies."""
        return mixed(colour, SNOW, 0.72) if self.snowy else colour

    def band(self, top: float, low: float, ink: Ink) -> None:
        """A level strip."""
        self.canvas.box((0, self.y(top)), (1, self.y(low)), ink)

    def waves(self, top: float, height: float, ink: Ink, *, bumps: float = 2.0) -> None:
        """Soft hills that reach the lower edge."""
        turn = self.rng.uniform(0, 6.3)
        edge = [(k / 40, self.y(top + height * math.sin(turn + k / 40 * 6.3 * bumps))) for k in range(41)]
        self.canvas.polygon([*edge, (1, self.canvas.bottom), (0, self.canvas.bottom)], ink)

    def ridge(self, top: float, rough: float, ink: Ink) -> list[Point]:
        """Peaks that reach the lower edge; returns the line of the peaks."""
        count = self.rng.randint(5, 8)
        edge: list[Point] = []
        for k in range(count * 2 + 1):
            lift = rough * self.rng.uniform(0.4, 1.0) if k % 2 else 0.0
            edge.append((k / (count * 2), self.y(top - lift)))
        self.canvas.polygon([*edge, (1, self.canvas.bottom), (0, self.canvas.bottom)], ink)
        return edge

    def pine(self, foot: Point, size: float, ink: Colour) -> None:
        """A fir tree standing at a point."""
        x, y = foot
        self.canvas.box((x - size * 0.05, y - size * 0.2), (x + size * 0.05, y), (92, 64, 44))
        for k, wide in enumerate((0.34, 0.27, 0.18)):
            low = y - size * (0.14 + 0.24 * k)
            self.canvas.polygon(
                [(x - size * wide, low), (x, low - size * 0.42), (x + size * wide, low)], self.soil(ink)
            )

    def window(self, corner: Point, opposite: Point) -> None:
        """A pane that shines at night."""
        self.canvas.box(corner, opposite, (170, 196, 214))
        self.windows.append((corner, opposite))

    def light_up(self) -> None:
        """Lights the panes after the dark has fallen."""
        if self.time != "day":
            for corner, opposite in self.windows:
                if self.rng.random() < 0.7:
                    self.canvas.box(corner, opposite, WINDOW)


def water(g: Ground, top: float, low: float, ink: Colour) -> None:
    """Water with light on its ripples."""
    sea = {"day": ink, "night": mixed(ink, (30, 50, 110), 0.4), "sunset": mixed(ink, (240, 140, 90), 0.35)}[g.time]
    g.band(top, low, sea)
    for _ in range(46):
        y = top + (low - top) * g.rng.random() ** 1.4
        x, wide = g.rng.random(), g.rng.uniform(0.02, 0.07) * (0.4 + (y - top) * 2)
        g.canvas.line([(x, g.y(y)), (x + wide, g.y(y))], (*lighter(sea, 0.45), 150), 0.003)


def palm(g: Ground, foot: Point, size: float) -> None:
    """A palm tree standing at a point."""
    x, y = foot
    top = (x + size * 0.12, y - size)
    g.canvas.line([(x, y), (x + size * 0.03, y - size * 0.5), top], (120, 86, 56), size * 0.07)
    for angle in (-160, -125, -60, -20, 15, 165):
        turn = math.radians(angle)
        tip = (top[0] + size * 0.5 * math.cos(turn), top[1] + size * 0.34 * math.sin(turn) + size * 0.08)
        knee = (top[0] + size * 0.28 * math.cos(turn), top[1] + size * 0.32 * math.sin(turn) - size * 0.05)
        g.canvas.polygon([top, knee, tip, (knee[0], knee[1] + size * 0.1)], (58, 140, 76))


def beach(g: Ground) -> None:
    """Sea behind a strip of sand."""
    water(g, 0.5, 0.72, (52, 150, 196))
    g.waves(0.72, 0.012, (250, 250, 246))
    g.waves(0.735, 0.012, g.soil((238, 214, 160)))
    for _ in range(60):
        g.canvas.disc((g.rng.random(), g.y(g.rng.uniform(0.78, 1))), 0.003, (206, 176, 120))
    if g.rng.random() < 0.6:
        palm(g, (g.rng.choice((0.1, 0.88)), g.y(0.86)), 0.3)


def mountains(g: Ground) -> None:
    """Two ridges, the higher one under snow."""
    far = g.ridge(0.66, 0.42, (128, 142, 172))
    for left, peak, right in zip(far[0::2], far[1::2], far[2::2], strict=False):
        if peak[1] < g.y(0.5):
            cap = [_between(peak, left, 0.34), peak, _between(peak, right, 0.34), (peak[0], peak[1] + g.y(0.07))]
            g.canvas.polygon(cap, SNOW)
    g.ridge(0.8, 0.24, g.soil((90, 104, 126)))
    g.waves(0.84, 0.03, g.soil((88, 134, 88)))
    for _ in range(9):
        g.pine((g.rng.random(), g.y(g.rng.uniform(0.88, 0.98))), 0.1, (46, 98, 70))


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def city(g: Ground) -> None:
    """Two rows of towers with windows over a street."""
    for row, (tall, ink) in enumerate(((0.5, (150, 160, 182)), (0.34, (96, 106, 134)))):
        x = -0.02
        while x < 1:
            wide = g.rng.uniform(0.08, 0.14)
            top = 0.86 - tall * g.rng.uniform(0.5, 1.0)
            shade = darker(ink, g.rng.uniform(0, 0.25))
            g.canvas.box((x, g.y(top)), (x + wide - 0.008, g.y(0.9)), shade)
            if row:
                _panes(g, x, wide, top)
            x += wide
    g.band(0.88, 1, g.soil((84, 86, 94)))
    for k in range(6):
        g.canvas.box((k * 0.19, g.y(0.935)), (k * 0.19 + 0.09, g.y(0.95)), (236, 232, 214))


def _panes(g: Ground, x: float, wide: float, top: float) -> None:
    y = g.y(top) + 0.02
    while y < g.y(0.84):
        for k in range(3):
            left = x + wide * (0.14 + 0.26 * k)
            g.window((left, y), (left + wide * 0.16, y + 0.018))
        y += 0.036


def forest(g: Ground) -> None:
    """Rows of trees, the near ones darker."""
    g.waves(0.62, 0.02, g.soil((96, 146, 98)))
    for row in range(4):
        ink = mixed((96, 156, 104), (26, 84, 54), row / 3)
        count = 13 - 2 * row
        for k in range(count):
            x = (k + g.rng.uniform(0.1, 0.9)) / count
            g.pine((x, g.y(0.68 + 0.075 * row)), 0.22 + 0.07 * row, ink)
    g.waves(0.92, 0.012, g.soil((66, 104, 56)))


def desert(g: Ground) -> None:
    """Dunes and a few cacti."""
    for top, ink in ((0.56, (238, 200, 130)), (0.66, (228, 180, 104)), (0.78, (214, 160, 84))):
        g.waves(top, 0.05, g.soil(ink), bumps=g.rng.uniform(0.8, 1.6))
    for _ in range(g.rng.randint(1, 3)):
        x, y = g.rng.uniform(0.08, 0.92), g.y(g.rng.uniform(0.7, 0.84))
        g.canvas.line([(x, y), (x, y - 0.12)], (76, 136, 84), 0.03)
        g.canvas.line([(x, y - 0.04), (x + 0.04, y - 0.04), (x + 0.04, y - 0.08)], (76, 136, 84), 0.018)


def snow(g: Ground) -> None:
    """White slopes with firs."""
    for top, ink in ((0.55, (214, 226, 240)), (0.66, (228, 236, 246)), (0.78, SNOW)):
        g.waves(top, 0.035, ink, bumps=1.4)
    g.snowy = True
    for _ in range(8):
        g.pine((g.rng.random(), g.y(g.rng.uniform(0.62, 0.8))), g.rng.uniform(0.12, 0.2), (70, 120, 96))


def meadow(g: Ground) -> None:
    """Grass to the horizon, with furrows and flowers."""
    g.waves(0.56, 0.015, g.soil((136, 184, 88)))
    g.waves(0.66, 0.015, g.soil((116, 172, 76)))
    for k in range(-8, 9):
        g.canvas.line([(0.5 + k * 0.05, g.y(0.66)), (0.5 + k * 0.24, g.y(1))], (*g.soil((98, 154, 66)), 150), 0.008)
    for _ in range(50):
        ink = g.rng.choice(((250, 240, 120), (250, 250, 250), (240, 130, 150)))
        g.canvas.disc((g.rng.random(), g.y(g.rng.uniform(0.72, 1))), 0.005, ink)


def sea(g: Ground) -> None:
    """Open water."""
    water(g, 0.5, 1, (36, 110, 172))
    for k in range(4):
        g.waves(0.6 + 0.11 * k, 0.008, (24, 90, 150, 70), bumps=4)


def lake(g: Ground) -> None:
    """Still water between wooded shores."""
    g.ridge(0.52, 0.2, (132, 150, 172))
    g.waves(0.5, 0.02, g.soil((84, 136, 84)))
    for k in range(14):
        g.pine((k / 13, g.y(0.535)), g.rng.uniform(0.08, 0.13), (50, 108, 74))
    water(g, 0.54, 0.9, (84, 152, 190))
    g.waves(0.89, 0.02, g.soil((104, 150, 78)))


def hills(g: Ground) -> None:
    """Round green hills behind each other."""
    for k, ink in enumerate(((152, 190, 140), (126, 178, 104), (102, 162, 82), (82, 144, 70))):
        g.waves(0.52 + 0.12 * k, 0.05, g.soil(ink), bumps=g.rng.uniform(0.7, 1.5))
    for _ in range(5):
        x, y = g.rng.random(), g.y(g.rng.uniform(0.66, 0.84))
        g.canvas.disc((x, y), 0.028, g.soil((60, 120, 62)))


def island(g: Ground) -> None:
    """A mound of sand with palms in the water."""
    water(g, 0.52, 1, (44, 164, 190))
    g.canvas.oval((0.5, g.y(0.66)), 0.32, g.y(0.1), (240, 220, 166))
    g.canvas.oval((0.5, g.y(0.62)), 0.22, g.y(0.07), (98, 164, 88))
    for x, size in ((0.42, 0.26), (0.55, 0.32)):
        palm(g, (x + g.rng.uniform(-0.04, 0.04), g.y(0.62)), size)


def volcano(g: Ground) -> None:
    """A smoking cone with lava."""
    for _ in range(9):
        spot = (0.5 + g.rng.uniform(-0.07, 0.12), g.y(g.rng.uniform(0.06, 0.26)))
        g.canvas.disc(spot, g.rng.uniform(0.03, 0.07), (110, 104, 110, 190))
    g.canvas.polygon([(0.1, g.y(0.86)), (0.42, g.y(0.3)), (0.58, g.y(0.3)), (0.9, g.y(0.86))], g.soil((98, 76, 72)))
    flow = [(0.43, 0.3), (0.57, 0.3), (0.55, 0.42), (0.6, 0.62), (0.52, 0.5), (0.47, 0.7), (0.45, 0.44)]
    g.canvas.polygon([(x, g.y(y)) for x, y in flow], (244, 110, 40))
    g.waves(0.82, 0.02, g.soil((74, 92, 66)))


def sky(g: Ground) -> None:
    """Nothing but clouds below."""
    for _ in range(9):
        x, y = g.rng.random(), g.rng.uniform(0.25, 0.95)
        for k in range(-2, 3):
            g.canvas.disc((x + k * 0.05, g.y(y) + abs(k) * 0.014), 0.06 - abs(k) * 0.011, (250, 251, 253, 235))


def road(g: Ground) -> None:
    """A road to the horizon between fields."""
    g.ridge(0.58, 0.16, (130, 148, 168))
    g.waves(0.58, 0.012, g.soil((120, 164, 86)))
    middle = g.rng.uniform(0.4, 0.6)
    g.canvas.polygon(
        [(middle - 0.02, g.y(0.58)), (middle + 0.02, g.y(0.58)), (0.86, g.y(1)), (0.14, g.y(1))], (92, 94, 100)
    )
    for k in range(5):
        near = (k / 5) ** 1.6
        y, wide = g.y(0.62 + 0.36 * near), 0.004 + 0.016 * near
        x = middle + (0.5 - middle) * near
        g.canvas.box((x - wide / 2, y), (x + wide / 2, y + 0.015 + 0.04 * near), (246, 240, 214))


def garden(g: Ground) -> None:
    """A lawn, a fence and beds of flowers."""
    g.waves(0.54, 0.01, g.soil((74, 128, 70)))
    g.waves(0.64, 0.01, g.soil((120, 178, 86)))
    for k in range(15):
        g.canvas.box((k / 14 - 0.018, g.y(0.5)), (k / 14 + 0.018, g.y(0.66)), (246, 240, 226), round_by=0.012)
    g.band(0.56, 0.585, (236, 228, 210))
    for _ in range(46):
        x, y = g.rng.random(), g.y(g.rng.uniform(0.78, 0.99))
        ink = g.rng.choice(((232, 74, 92), (250, 200, 70), (176, 96, 200), (250, 140, 180)))
        g.canvas.line([(x, y), (x, y + 0.03)], (60, 120, 60), 0.006)
        for turn in range(5):
            angle = math.radians(72 * turn)
            g.canvas.disc((x + 0.011 * math.cos(angle), y + 0.011 * math.sin(angle)), 0.009, ink)
        g.canvas.disc((x, y), 0.007, (255, 240, 170))


PLACES: Final[dict[str, Callable[[Ground], None]]] = {
    "beach": beach, "mountains": mountains, "city": city, "forest": forest, "desert": desert, "snow": snow,
    "field": meadow, "sea": sea, "lake": lake, "hills": hills, "island": island, "volcano": volcano,
    "sky": sky, "road": road, "garden": garden,
}  # fmt: skip
