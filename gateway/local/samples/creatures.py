"""Living things, and one of snow, drawn from a few shapes."""

from gateway.local.samples.canvas import Canvas, darker, lighter
from gateway.local.samples.words import Colour

EYE = (30, 28, 34)
WHITE = (252, 252, 250)


def fish(c: Canvas, ink: Colour) -> None:
    """Swimming to the left."""
    c.polygon([(0.66, 0.5), (0.95, 0.28), (0.89, 0.5), (0.95, 0.72)], darker(ink, 0.15))
    c.polygon([(0.36, 0.3), (0.52, 0.14), (0.64, 0.34)], darker(ink, 0.15))
    c.oval((0.43, 0.5), 0.34, 0.23, ink)
    for x in (0.44, 0.58):
        c.polygon([(x, 0.3), (x + 0.06, 0.3), (x + 0.06, 0.7), (x, 0.7)], lighter(ink, 0.55))
    c.polygon([(0.42, 0.52), (0.56, 0.62), (0.44, 0.66)], darker(ink, 0.25))
    c.disc((0.24, 0.45), 0.055, WHITE)
    c.disc((0.235, 0.45), 0.03, EYE)


def cat(c: Canvas, ink: Colour) -> None:
    """A cat's face with whiskers."""
    for x, out in ((0.22, -1), (0.78, 1)):
        c.polygon([(x - 0.1 * out + 0.02, 0.3), (x + 0.07 * out, 0.05), (x + 0.1 * out, 0.5)], ink)
        c.polygon([(x - 0.05 * out, 0.3), (x + 0.045 * out, 0.15), (x + 0.06 * out, 0.36)], (240, 160, 170))
    c.oval((0.5, 0.55), 0.4, 0.36, ink)
    for x in (0.34, 0.66):
        c.oval((x, 0.48), 0.075, 0.09, (190, 220, 110))
        c.oval((x, 0.48), 0.028, 0.08, EYE)
    c.oval((0.43, 0.68), 0.1, 0.08, lighter(ink, 0.65))
    c.oval((0.57, 0.68), 0.1, 0.08, lighter(ink, 0.65))
    c.polygon([(0.45, 0.61), (0.55, 0.61), (0.5, 0.67)], (226, 110, 130))
    whisker = darker(ink, 0.6) if sum(ink) > 250 else (210, 210, 214)
    for y in (0.64, 0.7):
        c.line([(0.32, y), (0.04, y - 0.04)], whisker, 0.012)
        c.line([(0.68, y), (0.96, y - 0.04)], whisker, 0.012)


def bird(c: Canvas, ink: Colour) -> None:
    """Perched, looking to the right."""
    for x in (0.44, 0.52):
        c.line([(x, 0.72), (x, 0.93)], (226, 140, 50), 0.025)
    c.polygon([(0.3, 0.5), (0.02, 0.62), (0.08, 0.76), (0.38, 0.68)], darker(ink, 0.3))
    c.oval((0.47, 0.55), 0.27, 0.22, ink)
    c.disc((0.66, 0.32), 0.17, ink)
    c.oval((0.54, 0.62), 0.17, 0.13, lighter(ink, 0.55))
    c.polygon([(0.24, 0.46), (0.58, 0.5), (0.34, 0.7)], darker(ink, 0.3))
    c.polygon([(0.8, 0.27), (0.97, 0.34), (0.8, 0.39)], (240, 160, 50))
    c.disc((0.7, 0.28), 0.035, WHITE)
    c.disc((0.71, 0.28), 0.02, EYE)


def butterfly(c: Canvas, ink: Colour) -> None:
    """Wings spread."""
    for side in (-1, 1):
        c.polygon([(0.5, 0.48), (0.5 + side * 0.42, 0.1), (0.5 + side * 0.46, 0.42)], ink)
        c.oval((0.5 + side * 0.27, 0.34), 0.2, 0.2, ink)
        c.oval((0.5 + side * 0.2, 0.68), 0.16, 0.18, darker(ink, 0.2))
        c.disc((0.5 + side * 0.3, 0.32), 0.09, lighter(ink, 0.55))
        c.disc((0.5 + side * 0.21, 0.7), 0.06, lighter(ink, 0.6))
        c.line([(0.5, 0.26), (0.5 + side * 0.1, 0.1)], EYE, 0.016)
    c.oval((0.5, 0.5), 0.04, 0.28, EYE)


def snowman(c: Canvas, ink: Colour) -> None:
    """Three balls of snow in the colour, a carrot and a scarf."""
    for y, r in ((0.76, 0.22), (0.46, 0.16), (0.24, 0.12)):
        c.disc((0.5, y), r + 0.012, darker(ink, 0.25))
        c.disc((0.5, y), r, ink)
    c.box((0.36, 0.31), (0.64, 0.37), (200, 60, 66), round_by=0.03)
    c.box((0.57, 0.33), (0.64, 0.52), (200, 60, 66), round_by=0.02)
    c.polygon([(0.49, 0.24), (0.66, 0.27), (0.49, 0.28)], (240, 140, 50))
    for x in (0.45, 0.55):
        c.disc((x, 0.2), 0.018, EYE)
    for y in (0.46, 0.66, 0.78):
        c.disc((0.5, y), 0.02, EYE)
    c.line([(0.35, 0.46), (0.12, 0.34)], (110, 80, 56), 0.022)
    c.line([(0.65, 0.46), (0.88, 0.34)], (110, 80, 56), 0.022)
