"""One thing set in a place or in a studio, as the samples show it and as the model learns to see it."""

import random
from dataclasses import dataclass

from PIL import Image

from gateway.local.samples import backdrops, objects
from gateway.local.samples.backdrops import View
from gateway.local.samples.canvas import Canvas, lighter
from gateway.local.samples.words import COLOURS, TIMELESS

Size = tuple[int, int]


@dataclass(frozen=True)
class Thing:
    """What is shown, and in which colour."""

    name: str
    colour: str


def outside(thing: Thing, view: View, size: Size, rng: random.Random) -> Image.Image:
    """Standing in a place."""
    canvas = backdrops.paint(view, size, rng.randrange(10**6))
    _stand(canvas, thing, view, rng)
    return canvas.picture()


def _stand(canvas: Canvas, thing: Thing, view: View, rng: random.Random) -> None:
    """Feet on the ground, a soft shadow below, and a little of the evening on top."""
    square = min(1.0, canvas.bottom)
    side = square * rng.uniform(0.38, 0.52)
    # Within the middle square: that is what a square tile and the image model see of a wide picture.
    left = 0.5 - square * 0.48 + rng.random() * (square * 0.96 - side)
    foot = canvas.bottom * backdrops.horizon(view.place) + side * 0.36
    drawing = objects.draw(thing.name, thing.colour, round(side * canvas.scale))
    if view.place not in (*TIMELESS, "sky"):
        canvas.oval((left + side / 2, foot - side * 0.06), side * 0.42, side * 0.05, (20, 24, 40, 70))
    canvas.paste(_dimmed(drawing, view), (left, foot - side))


def _dimmed(drawing: Image.Image, view: View) -> Image.Image:
    red, green, blue, strength = backdrops.DIM[view.time]
    shade = Image.new("RGBA", drawing.size, (red, green, blue, 0))
    shade.putalpha(drawing.getchannel("A").point(lambda a: a * strength // 640))
    return Image.alpha_composite(drawing, shade)


def inside(thing: Thing, ground: str, size: Size) -> Image.Image:
    """Large, on a soft ground of another colour."""
    canvas = Canvas.plain(size, lighter(COLOURS[ground], 0.78))
    side = min(1.0, canvas.bottom) * 0.74
    canvas.disc((0.5, canvas.bottom / 2), side * 0.62, lighter(COLOURS[ground], 0.6))
    drawing = objects.draw(thing.name, thing.colour, round(side * canvas.scale))
    canvas.paste(drawing, ((1 - side) / 2, (canvas.bottom - side) / 2))
    return canvas.picture()
