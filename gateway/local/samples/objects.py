"""Things drawn from a few shapes in a square, each in the colour that is asked for."""

import math
from collections.abc import Callable
from typing import Final

from PIL import Image

from gateway.local.samples import creatures, vehicles
from gateway.local.samples.canvas import Canvas, darker, lighter, spiked
from gateway.local.samples.words import COLOURS, Colour

Drawing = Callable[[Canvas, Colour], None]
WOOD: Final = (122, 82, 48)
LEAF: Final = (70, 150, 74)
CREAM: Final = (250, 240, 218)


def house(c: Canvas, ink: Colour) -> None:
    """Walls in the colour under a dark roof."""
    c.box((0.66, 0.12), (0.75, 0.36), darker(ink, 0.45))
    c.box((0.16, 0.42), (0.84, 0.92), ink)
    c.box((0.16, 0.42), (0.84, 0.48), darker(ink, 0.2))
    c.polygon([(0.06, 0.46), (0.5, 0.08), (0.94, 0.46)], darker(ink, 0.5))
    c.box((0.43, 0.62), (0.59, 0.92), WOOD)
    for x in (0.22, 0.66):
        c.box((x, 0.56), (x + 0.13, 0.7), (255, 240, 170))
        c.line([(x + 0.065, 0.56), (x + 0.065, 0.7)], CREAM, 0.012)


def tree(c: Canvas, ink: Colour) -> None:
    """A trunk and a round crown."""
    c.polygon([(0.44, 0.95), (0.47, 0.5), (0.54, 0.5), (0.58, 0.95)], WOOD)
    for x, y, r in ((0.32, 0.46, 0.2), (0.68, 0.46, 0.2), (0.5, 0.28, 0.24), (0.5, 0.5, 0.22)):
        c.disc((x, y), r, ink)
    for x, y, r in ((0.42, 0.25, 0.1), (0.28, 0.42, 0.07), (0.62, 0.4, 0.07)):
        c.disc((x, y), r, lighter(ink, 0.2))


def balloon(c: Canvas, ink: Colour) -> None:
    """A toy balloon on its string."""
    c.line([(0.5, 0.7), (0.47, 0.8), (0.53, 0.88), (0.49, 0.97)], (120, 110, 110), 0.012)
    c.oval((0.5, 0.38), 0.29, 0.34, ink)
    c.polygon([(0.45, 0.77), (0.5, 0.69), (0.55, 0.77)], darker(ink, 0.2))
    c.oval((0.39, 0.25), 0.06, 0.1, lighter(ink, 0.55))


def flower(c: Canvas, ink: Colour) -> None:
    """Petals round a yellow heart, on a stem."""
    c.line([(0.5, 0.4), (0.5, 0.96)], LEAF, 0.045)
    c.polygon([(0.5, 0.8), (0.72, 0.62), (0.78, 0.72)], LEAF)
    c.polygon([(0.5, 0.88), (0.27, 0.7), (0.24, 0.8)], LEAF)
    for k in range(6):
        angle = math.radians(60 * k + 30)
        c.disc((0.5 + 0.19 * math.cos(angle), 0.34 + 0.19 * math.sin(angle)), 0.13, ink)
    c.disc((0.5, 0.34), 0.11, (246, 200, 60) if ink != COLOURS["yellow"] else (150, 90, 40))


def moon(c: Canvas, ink: Colour) -> None:
    """A crescent."""
    outer = [(0.5 + 0.4 * math.cos(t / 20), 0.5 + 0.4 * math.sin(t / 20)) for t in range(16, 111)]
    inner = [(0.64 + 0.34 * math.cos(t / 20), 0.46 + 0.34 * math.sin(t / 20)) for t in range(108, 18, -1)]
    c.polygon(outer + inner, ink)


def star(c: Canvas, ink: Colour) -> None:
    """Five points."""
    c.polygon(spiked((0.5, 0.53), 0.46, 0.19, 5), ink)
    c.polygon(spiked((0.5, 0.53), 0.26, 0.11, 5), lighter(ink, 0.25))


def heart(c: Canvas, ink: Colour) -> None:
    """The card player's heart."""
    steps = [math.radians(a) for a in range(0, 360, 4)]
    wide = [16 * math.sin(t) ** 3 for t in steps]
    high = [13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) for t in steps]
    c.polygon([(0.5 + x / 38, 0.46 - y / 38) for x, y in zip(wide, high, strict=True)], ink)
    c.oval((0.33, 0.32), 0.07, 0.05, lighter(ink, 0.5))


def cactus(c: Canvas, ink: Colour) -> None:
    """A column with two arms in a pot of sand."""
    c.line([(0.5, 0.2), (0.5, 0.9)], ink, 0.2)
    c.line([(0.5, 0.62), (0.26, 0.62), (0.26, 0.42)], ink, 0.12)
    c.line([(0.5, 0.52), (0.75, 0.52), (0.75, 0.3)], ink, 0.12)
    for x in (0.46, 0.54):
        c.line([(x, 0.18), (x, 0.88)], darker(ink, 0.25), 0.012)
    c.oval((0.5, 0.93), 0.3, 0.05, (222, 190, 130))


def umbrella(c: Canvas, ink: Colour) -> None:
    """Open, with a bent handle."""
    c.line([(0.5, 0.2), (0.5, 0.84), (0.54, 0.91), (0.61, 0.9), (0.64, 0.83)], (110, 80, 60), 0.035)
    c.slice((0.5, 0.52), 0.44, (180, 360), ink)
    c.slice((0.5, 0.52), 0.44, (225, 315), lighter(ink, 0.25))
    c.slice((0.5, 0.52), 0.44, (258, 282), ink)
    c.line([(0.5, 0.05), (0.5, 0.1)], (110, 80, 60), 0.03)


def mushroom(c: Canvas, ink: Colour) -> None:
    """A spotted cap on a pale stalk."""
    c.box((0.38, 0.48), (0.62, 0.92), CREAM, round_by=0.09)
    c.slice((0.5, 0.54), 0.42, (180, 360), ink)
    c.oval((0.5, 0.54), 0.42, 0.07, darker(ink, 0.2))
    for x, y, r in ((0.36, 0.36, 0.065), (0.58, 0.28, 0.055), (0.7, 0.43, 0.05), (0.22, 0.46, 0.035)):
        c.disc((x, y), r, lighter(ink, 0.85) if sum(ink) < 690 else (200, 120, 110))


def apple(c: Canvas, ink: Colour) -> None:
    """With a stalk and a leaf."""
    c.disc((0.37, 0.57), 0.27, ink)
    c.disc((0.63, 0.57), 0.27, ink)
    c.oval((0.5, 0.66), 0.3, 0.27, ink)
    c.line([(0.5, 0.36), (0.53, 0.16)], WOOD, 0.04)
    c.polygon([(0.54, 0.26), (0.66, 0.12), (0.82, 0.14), (0.72, 0.27)], LEAF)
    c.oval((0.3, 0.48), 0.06, 0.09, lighter(ink, 0.5))


def sun(c: Canvas, ink: Colour) -> None:
    """A disc with rays."""
    c.polygon(spiked((0.5, 0.5), 0.48, 0.32, 12), lighter(ink, 0.15))
    c.disc((0.5, 0.5), 0.29, ink)
    c.disc((0.5, 0.5), 0.22, lighter(ink, 0.2))


def cup(c: Canvas, ink: Colour) -> None:
    """A steaming mug."""
    c.disc((0.74, 0.6), 0.16, ink)
    c.disc((0.74, 0.6), 0.09, (0, 0, 0, 0))
    c.box((0.22, 0.4), (0.72, 0.88), ink, round_by=0.07)
    c.oval((0.47, 0.42), 0.25, 0.07, darker(ink, 0.2))
    c.oval((0.47, 0.43), 0.2, 0.045, (92, 58, 36))
    for x in (0.36, 0.47, 0.58):
        c.line([(x, 0.3), (x + 0.03, 0.24), (x - 0.02, 0.17), (x + 0.02, 0.1)], (190, 190, 200, 200), 0.022)


def tent(c: Canvas, ink: Colour) -> None:
    """A ridge tent, its door open."""
    c.polygon([(0.04, 0.88), (0.42, 0.2), (0.96, 0.88)], darker(ink, 0.25))
    c.polygon([(0.04, 0.88), (0.42, 0.2), (0.66, 0.88)], ink)
    c.polygon([(0.26, 0.88), (0.41, 0.42), (0.5, 0.88)], darker(ink, 0.7))
    c.line([(0.42, 0.2), (0.42, 0.1)], WOOD, 0.025)


def hat(c: Canvas, ink: Colour) -> None:
    """A top hat with a band."""
    c.box((0.27, 0.16), (0.73, 0.74), ink, round_by=0.03)
    c.box((0.27, 0.56), (0.73, 0.67), lighter(ink, 0.45) if sum(ink) < 600 else (180, 60, 60))
    c.oval((0.5, 0.76), 0.42, 0.09, darker(ink, 0.15))


def ball(c: Canvas, ink: Colour) -> None:
    """A beach ball of two colours."""
    c.disc((0.5, 0.5), 0.42, ink)
    for turn in (0, 120, 240):
        c.slice((0.5, 0.5), 0.42, (turn, turn + 50), lighter(ink, 0.7) if sum(ink) < 660 else (120, 160, 210))
    c.disc((0.5, 0.5), 0.08, lighter(ink, 0.85))
    c.oval((0.36, 0.28), 0.09, 0.06, (255, 255, 255, 150))


def kite(c: Canvas, ink: Colour) -> None:
    """A diamond with a tail of bows."""
    tail = [(0.5, 0.66), (0.42, 0.76), (0.5, 0.85), (0.42, 0.96)]
    c.line(tail, (120, 110, 110), 0.014)
    for x, y in tail[1:]:
        c.polygon([(x - 0.06, y - 0.03), (x + 0.06, y + 0.03), (x + 0.06, y - 0.03), (x - 0.06, y + 0.03)], ink)
    c.polygon([(0.5, 0.04), (0.8, 0.32), (0.5, 0.68), (0.2, 0.32)], ink)
    c.polygon([(0.5, 0.04), (0.8, 0.32), (0.5, 0.32)], lighter(ink, 0.35))
    c.polygon([(0.2, 0.32), (0.5, 0.68), (0.5, 0.32)], darker(ink, 0.25))


def crown(c: Canvas, ink: Colour) -> None:
    """Three points with jewels."""
    c.polygon([(0.1, 0.3), (0.3, 0.52), (0.5, 0.16), (0.7, 0.52), (0.9, 0.3), (0.82, 0.84), (0.18, 0.84)], ink)
    c.box((0.17, 0.74), (0.83, 0.86), darker(ink, 0.2), round_by=0.02)
    for x, y, jewel in ((0.1, 0.29, ink), (0.5, 0.15, ink), (0.9, 0.29, ink), (0.5, 0.62, (200, 50, 70))):
        c.disc((x, y), 0.055, jewel)


def lighthouse(c: Canvas, ink: Colour) -> None:
    """A striped tower with its lamp lit."""
    c.polygon([(0.36, 0.94), (0.42, 0.3), (0.58, 0.3), (0.64, 0.94)], (246, 244, 238))
    for y in (0.36, 0.58, 0.8):
        widen = 0.06 * (y - 0.3) / 0.64
        c.polygon([(0.42 - widen, y), (0.58 + widen, y), (0.592 + widen, y + 0.12), (0.408 - widen, y + 0.12)], ink)
    c.box((0.4, 0.26), (0.6, 0.31), darker(ink, 0.5))
    c.box((0.44, 0.15), (0.56, 0.26), (255, 236, 150))
    c.polygon([(0.4, 0.16), (0.5, 0.05), (0.6, 0.16)], darker(ink, 0.35))
    c.oval((0.5, 0.95), 0.3, 0.045, (120, 110, 100))


DRAWINGS: Final[dict[str, Drawing]] = {
    "house": house, "tree": tree, "boat": vehicles.boat, "car": vehicles.car, "balloon": balloon,
    "fish": creatures.fish, "flower": flower, "moon": moon, "star": star, "heart": heart, "cactus": cactus,
    "umbrella": umbrella, "mushroom": mushroom, "apple": apple, "sun": sun, "cat": creatures.cat,
    "bird": creatures.bird, "butterfly": creatures.butterfly, "rocket": vehicles.rocket, "cup": cup,
    "tent": tent, "lighthouse": lighthouse, "hat": hat, "ball": ball, "kite": kite, "crown": crown,
    "snowman": creatures.snowman, "train": vehicles.train,
}  # fmt: skip


def draw(name: str, colour: str, size: int) -> Image.Image:
    """One thing in one colour on a clear square of so many pixels."""
    canvas = Canvas.blank(size, size)
    DRAWINGS[name](canvas, COLOURS[colour])
    return canvas.picture()
