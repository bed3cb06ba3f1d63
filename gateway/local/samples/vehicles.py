"""Things that carry people, drawn from a few shapes."""

from gateway.local.samples.canvas import Canvas, darker, lighter
from gateway.local.samples.words import Colour

GLASS = (196, 226, 240)
TYRE = (40, 40, 46)


def _wheel(c: Canvas, x: float, y: float, radius: float) -> None:
    c.disc((x, y), radius, TYRE)
    c.disc((x, y), radius * 0.5, (190, 194, 200))


def car(c: Canvas, ink: Colour) -> None:
    """Seen from the side."""
    c.polygon([(0.24, 0.5), (0.34, 0.3), (0.66, 0.3), (0.8, 0.5)], ink)
    c.polygon([(0.3, 0.49), (0.37, 0.34), (0.49, 0.34), (0.49, 0.49)], GLASS)
    c.polygon([(0.53, 0.49), (0.53, 0.34), (0.64, 0.34), (0.73, 0.49)], GLASS)
    c.box((0.05, 0.48), (0.95, 0.7), ink, round_by=0.07)
    c.box((0.05, 0.62), (0.95, 0.7), darker(ink, 0.25), round_by=0.04)
    c.disc((0.91, 0.55), 0.035, (255, 240, 170))
    for x in (0.27, 0.74):
        _wheel(c, x, 0.7, 0.12)


def boat(c: Canvas, ink: Colour) -> None:
    """A sailing boat: the hull has the colour, the sails are pale."""
    c.line([(0.5, 0.06), (0.5, 0.72)], (110, 80, 56), 0.028)
    c.polygon([(0.47, 0.1), (0.47, 0.64), (0.12, 0.64)], (250, 246, 236))
    c.polygon([(0.54, 0.16), (0.54, 0.64), (0.84, 0.64)], lighter(ink, 0.6))
    c.polygon([(0.06, 0.7), (0.94, 0.7), (0.8, 0.93), (0.2, 0.93)], ink)
    c.polygon([(0.06, 0.7), (0.94, 0.7), (0.91, 0.76), (0.09, 0.76)], lighter(ink, 0.3))


def rocket(c: Canvas, ink: Colour) -> None:
    """Standing on its flame."""
    c.polygon([(0.41, 0.76), (0.5, 0.99), (0.59, 0.76)], (250, 150, 40))
    c.polygon([(0.45, 0.76), (0.5, 0.9), (0.55, 0.76)], (255, 226, 110))
    c.polygon([(0.36, 0.5), (0.18, 0.8), (0.38, 0.76)], darker(ink, 0.45))
    c.polygon([(0.64, 0.5), (0.82, 0.8), (0.62, 0.76)], darker(ink, 0.45))
    c.oval((0.5, 0.42), 0.17, 0.39, ink)
    c.box((0.38, 0.7), (0.62, 0.79), darker(ink, 0.3), round_by=0.02)
    c.polygon([(0.4, 0.13), (0.5, 0.01), (0.6, 0.13), (0.55, 0.16), (0.45, 0.16)], (206, 60, 60))
    c.disc((0.5, 0.36), 0.085, darker(ink, 0.5))
    c.disc((0.5, 0.36), 0.06, (150, 210, 240))


def train(c: Canvas, ink: Colour) -> None:
    """A steam engine from the side."""
    c.box((0.06, 0.84), (0.96, 0.87), (110, 100, 96))
    c.disc((0.77, 0.14), 0.07, (214, 214, 220))
    c.disc((0.66, 0.1), 0.05, (226, 226, 230))
    c.box((0.73, 0.22), (0.82, 0.46), darker(ink, 0.5))
    c.box((0.36, 0.42), (0.92, 0.72), ink, round_by=0.05)
    c.box((0.08, 0.24), (0.42, 0.72), darker(ink, 0.15))
    c.box((0.04, 0.2), (0.46, 0.27), darker(ink, 0.5), round_by=0.02)
    c.box((0.15, 0.33), (0.34, 0.5), GLASS)
    c.polygon([(0.9, 0.66), (0.99, 0.84), (0.84, 0.84)], darker(ink, 0.55))
    for x in (0.2, 0.46, 0.72):
        _wheel(c, x, 0.76, 0.1)
