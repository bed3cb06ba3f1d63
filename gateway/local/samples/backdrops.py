"""Places at any time and in any weather, drawn from gradients, ridges and scattered shapes; every picture has its seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops

from gateway.local.samples import elsewhere, places
from gateway.local.samples.canvas import OVER, Canvas, Point, upright
from gateway.local.samples.chance import seeded
from gateway.local.samples.places import Ground
from gateway.local.samples.words import TIMELESS, Colour

SKIES: Final[dict[str, tuple[tuple[Colour, Colour], ...]]] = {
    "day": (((86, 164, 232), (206, 234, 248)), ((60, 140, 214), (188, 224, 246)), ((120, 190, 240), (232, 244, 250))),
    "night": (((10, 14, 42), (40, 52, 104)), ((6, 10, 28), (30, 44, 80)), ((20, 16, 52), (62, 54, 110))),
    "sunset": (((92, 60, 130), (252, 160, 84)), ((196, 74, 96), (254, 206, 112)), ((60, 70, 140), (250, 136, 104))),
}
DULL: Final[dict[str, tuple[Colour, Colour]]] = {
    "day": ((150, 160, 172), (206, 212, 216)),
    "night": ((22, 26, 38), (56, 62, 80)),
    "sunset": ((110, 88, 112), (216, 160, 128)),
}
DIM: Final[dict[str, tuple[int, int, int, int]]] = {
    "day": (0, 0, 0, 0),
    "night": (8, 12, 48, 150),
    "sunset": (150, 60, 40, 66),
}


@dataclass(frozen=True)
class View:
    """A place to draw; the seed decides everything that is not said."""

    place: str
    time: str = "day"
    weather: str = "clear"


def paint(view: View, size: tuple[int, int], seed: int) -> Canvas:
    """The whole view on an unreduced canvas, so that things can be put on it before it is halved."""
    rng = seeded(f"{view}/{seed}")
    width, height = size[0] * OVER, size[1] * OVER
    if view.place in TIMELESS:
        canvas = Canvas(upright((width, height), *elsewhere.DEPTHS[view.place]))
        elsewhere.TIMELESS_PLACES[view.place](canvas, rng)
        return canvas
    canvas = Canvas(_sky(view, (width, height), rng))
    _lights(canvas, view, rng)
    canvas = Canvas(_ground(view, canvas, rng))
    _weather(canvas, view, rng)
    return canvas


def _sky(view: View, size: tuple[int, int], rng: random.Random) -> Image.Image:
    bright = rng.choice(SKIES[view.time])
    colours = bright if view.weather in ("clear", "snowfall") and rng.random() < 0.9 else DULL[view.time]
    return upright(size, *colours, bend=rng.uniform(0.8, 1.4))


def _lights(canvas: Canvas, view: View, rng: random.Random) -> None:
    """Sun, moon and stars, unless clouds hide them."""
    if view.weather in ("rain", "fog", "clouds"):
        return
    spot = (rng.uniform(0.15, 0.85), canvas.bottom * rng.uniform(0.1, 0.25))
    if view.time == "night":
        for _ in range(90):
            star = (rng.random(), canvas.bottom * rng.uniform(0, 0.6))
            canvas.disc(star, rng.uniform(0.0012, 0.0035), (255, 255, 240, rng.randint(120, 255)))
        _glow(canvas, spot, 0.045, (250, 246, 220))
    elif view.time == "sunset":
        _glow(canvas, (spot[0], canvas.bottom * rng.uniform(0.4, 0.5)), 0.075, (255, 226, 130))
    elif view.place != "forest":
        _glow(canvas, spot, 0.05, (255, 246, 190))


def _glow(canvas: Canvas, spot: Point, radius: float, ink: Colour) -> None:
    for step in (2.6, 2.0, 1.5):
        canvas.disc(spot, radius * step, (*ink, 40))
    canvas.disc(spot, radius, ink)


def _ground(view: View, canvas: Canvas, rng: random.Random) -> Image.Image:
    """The view with its land, darkened by the time of day; lit windows are drawn after the dark."""
    layer = Canvas(canvas.image.copy())
    ground = Ground(layer, rng, view.time, snowy=view.weather == "snowfall")
    places.PLACES[view.place](ground)
    *ink, strength = DIM[view.time]
    if strength:
        changed = ImageChops.difference(layer.image, canvas.image).convert("L")
        shade = changed.point([0, *[strength] * 255])
        layer.image.paste(tuple(ink), (0, 0), shade)
    ground.light_up()
    return layer.image


def _rain(canvas: Canvas, rng: random.Random, time: str) -> None:
    canvas.haze((70, 84, 104, 60))
    ink = (214, 226, 240, 130 if time == "night" else 150)
    for _ in range(170):
        x, y = rng.random() * 1.1, rng.random() * canvas.bottom
        canvas.line([(x, y), (x - 0.012, y + 0.05)], ink, 0.0026)


def _snowfall(canvas: Canvas, rng: random.Random, time: str) -> None:
    canvas.haze((220, 230, 245, 18 if time == "night" else 40))
    for _ in range(170):
        spot = (rng.random(), rng.random() * canvas.bottom)
        canvas.disc(spot, rng.uniform(0.003, 0.0085), (255, 255, 255, rng.randint(170, 250)))


def _fog(canvas: Canvas, rng: random.Random, time: str) -> None:
    ink = (120, 128, 146) if time == "night" else (226, 230, 234)
    canvas.haze((*ink, 96))
    for _ in range(7):
        middle = (rng.random(), canvas.bottom * rng.uniform(0.3, 1.0))
        canvas.oval(middle, rng.uniform(0.3, 0.6), rng.uniform(0.02, 0.05), (*ink, 84))


def _clouds(canvas: Canvas, rng: random.Random, time: str) -> None:
    ink = (96, 102, 122) if time == "night" else (236, 238, 242)
    for _ in range(8):
        x, y = rng.random(), canvas.bottom * rng.uniform(0.03, 0.34)
        for k in range(-2, 3):
            canvas.disc((x + k * 0.045, y + abs(k) * 0.012), 0.055 - abs(k) * 0.01, (*ink, 220))


def _weather(canvas: Canvas, view: View, rng: random.Random) -> None:
    falls: dict[str, Callable[[Canvas, random.Random, str], None]] = {
        "rain": _rain, "snowfall": _snowfall, "fog": _fog, "clouds": _clouds,
    }  # fmt: skip
    if view.weather in falls:
        falls[view.weather](canvas, rng, view.time)


def horizon(place: str) -> float:
    """How far down, as a share of the height, a thing stands in this place."""
    return {"sea": 0.62, "lake": 0.6, "sky": 0.4, "space": 0.5, "underwater": 0.55}.get(place, 0.74)
