"""Plain documents: charts, tables and pages whose words are grey bars, because no font is the same everywhere."""

import math
import random
from collections.abc import Callable
from typing import Final

from PIL import Image

from gateway.local.samples.canvas import Canvas, lighter
from gateway.local.samples.chance import seeded
from gateway.local.samples.words import COLOURS, Colour

INK: Final = (74, 78, 88)
PALE: Final = (200, 204, 212)
Paper = Callable[["Sheet"], None]


class Sheet:
    """A page with margins; heights are shares of the page."""

    def __init__(self, canvas: Canvas, rng: random.Random) -> None:
        self.canvas, self.rng = canvas, rng
        names = ["blue", "orange", "green", "red", "purple", "teal", "pink"]
        rng.shuffle(names)
        self.inks = [COLOURS[name] for name in names]

    def y(self, share: float) -> float:
        """A height in canvas units."""
        return share * self.canvas.bottom

    def text(self, left: float, top: float, wide: float, *, high: float = 0.016, ink: Colour = INK) -> None:
        """A line of words as short bars."""
        x = left
        while x < left + wide - 0.02:
            word = min(self.rng.uniform(0.025, 0.09), left + wide - x)
            self.canvas.box((x, self.y(top)), (x + word, self.y(top) + high), ink, round_by=high * 0.3)
            x += word + 0.014

    def title(self) -> None:
        """A bold line on top."""
        self.text(0.1, 0.07, self.rng.uniform(0.3, 0.6), high=0.032)

    def axes(self) -> None:
        """A frame for a chart, with faint level lines."""
        for k in range(5):
            self.canvas.line([(0.12, self.y(0.2 + k * 0.14)), (0.92, self.y(0.2 + k * 0.14))], (226, 228, 234), 0.004)
        self.canvas.line([(0.12, self.y(0.18)), (0.12, self.y(0.88)), (0.92, self.y(0.88))], INK, 0.007)


def bars(s: Sheet) -> None:
    """Upright bars of different heights."""
    s.title()
    s.axes()
    count = s.rng.randint(5, 8)
    wide = 0.78 / count
    for k in range(count):
        x = 0.14 + k * wide
        s.canvas.box(
            (x, s.y(s.rng.uniform(0.24, 0.76))), (x + wide * 0.68, s.y(0.875)), s.inks[k % s.rng.choice((1, 3))]
        )


def lines(s: Sheet) -> None:
    """Two courses over time."""
    s.title()
    s.axes()
    for ink in s.inks[:2]:
        level, points = s.rng.uniform(0.4, 0.7), list[tuple[float, float]]()
        for k in range(9):
            level = min(0.84, max(0.24, level + s.rng.uniform(-0.14, 0.12)))
            points.append((0.14 + k * 0.095, s.y(level)))
        s.canvas.line(points, ink, 0.012)
        for point in points:
            s.canvas.disc(point, 0.011, ink)


def pie(s: Sheet) -> None:
    """A round chart with its legend."""
    s.title()
    cuts = sorted(s.rng.sample(range(20, 345, 12), 4))
    radius = min(0.26, s.canvas.bottom * 0.32)
    for k, (a, b) in enumerate(zip([0, *cuts], [*cuts, 360], strict=True)):
        s.canvas.slice((0.4, s.y(0.56)), radius, (a, b), s.inks[k])
        top = 0.34 + 0.09 * k
        s.canvas.box((0.74, s.y(top)), (0.77, s.y(top) + 0.03), s.inks[k])
        s.text(0.79, top + 0.01, 0.12)


def scatter(s: Sheet) -> None:
    """Points that rise to the right."""
    s.title()
    s.axes()
    for k in range(70):
        x = s.rng.random()
        y = 0.8 - 0.5 * x + s.rng.gauss(0, 0.06)
        s.canvas.disc((0.15 + 0.75 * x, s.y(min(0.86, max(0.2, y)))), 0.011, s.inks[k % 2])


def page(s: Sheet) -> None:
    """A title and paragraphs."""
    s.title()
    top = 0.17
    while top < 0.92:
        last = s.rng.random() < 0.2
        s.text(0.1, top, 0.8 * (s.rng.uniform(0.3, 0.7) if last else 1.0))
        top += 0.062 if last else 0.036


def table(s: Sheet) -> None:
    """Rows and columns under a coloured head."""
    rows, columns = s.rng.randint(6, 9), s.rng.randint(3, 5)
    high, wide = 0.76 / rows, 0.84 / columns
    s.title()
    s.canvas.box((0.08, s.y(0.16)), (0.92, s.y(0.16 + high)), s.inks[0])
    for row in range(rows):
        for column in range(columns):
            ink = (250, 250, 250) if row == 0 else INK
            s.text(0.1 + column * wide, 0.16 + high * (row + 0.4), wide * s.rng.uniform(0.4, 0.8), ink=ink)
        s.canvas.line([(0.08, s.y(0.16 + high * (row + 1))), (0.92, s.y(0.16 + high * (row + 1)))], PALE, 0.005)


def calendar(s: Sheet) -> None:
    """A month of days, some marked."""
    s.canvas.box((0.08, s.y(0.07)), (0.92, s.y(0.2)), s.inks[0])
    s.text(0.34, 0.115, 0.3, high=0.035, ink=(252, 252, 252))
    for row in range(5):
        for column in range(7):
            x, y = 0.08 + column * 0.12, 0.24 + row * 0.14
            ink = lighter(s.inks[1], 0.3) if s.rng.random() < 0.16 else (236, 238, 242)
            s.canvas.box((x + 0.006, s.y(y)), (x + 0.114, s.y(y + 0.125)), ink)
            s.canvas.box((x + 0.02, s.y(y + 0.02)), (x + 0.045, s.y(y + 0.02) + 0.018), INK)


def letter(s: Sheet) -> None:
    """An address, a greeting, a signature."""
    for k in range(3):
        s.text(0.1, 0.08 + 0.04 * k, 0.28)
    s.text(0.64, 0.2, 0.26)
    for k in range(9):
        s.text(0.1, 0.32 + 0.045 * k, 0.8 if k % 4 != 3 else 0.4)
    wave = [(0.1 + k * 0.012, s.y(0.85) + 0.02 * math.sin(k * 1.3) * (1 - k / 26)) for k in range(24)]
    s.canvas.line(wave, (40, 60, 140), 0.007)


PAPERS: Final[dict[str, Paper]] = {
    "bar chart": bars, "line chart": lines, "pie chart": pie, "scatter plot": scatter, "page of text": page,
    "table": table, "calendar": calendar, "letter": letter,
}  # fmt: skip


def paint(kind: str, size: tuple[int, int], seed: int) -> Image.Image:
    """One document on a white or cream page."""
    rng = seeded(f"{kind}/{seed}")
    canvas = Canvas.plain(size, rng.choice(((253, 253, 252), (250, 247, 238), (244, 247, 250))))
    PAPERS[kind](Sheet(canvas, rng))
    return canvas.picture()
