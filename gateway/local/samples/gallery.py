"""What a new gallery is filled with: which pictures are drawn, how they are called, and in which size and format."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, cycle, islice
from typing import Final

from PIL import Image

from gateway.local.samples import backdrops, papers, patterns, posed
from gateway.local.samples.backdrops import View
from gateway.local.samples.chance import seeded
from gateway.local.samples.words import DOCUMENTS, PLACES, SHAPES, TEXTURES, TIMELESS, TIMES, WEATHERS

Size = tuple[int, int]
Draft = tuple[str, Image.Image]

SIZES: Final[tuple[Size, ...]] = ((1200, 900), (1120, 840), (900, 1200), (1000, 1000), (1280, 720), (960, 1200))
FORMATS: Final = (("jpg", "JPEG", "image/jpeg"), ("png", "PNG", "image/png"), ("webp", "WEBP", "image/webp"))
FORMAT_SHARES: Final = (0.72, 0.13, 0.15)

# Where each thing looks at home.
HOMES: Final[dict[str, tuple[str, ...]]] = {
    "car": ("road", "city", "desert", "beach"), "boat": ("sea", "lake", "island"), "fish": ("underwater",),
    "rocket": ("space", "sky"), "balloon": ("sky", "field", "city"), "cat": ("garden", "snow", "city"),
    "tent": ("forest", "mountains", "lake"), "cactus": ("desert",), "snowman": ("snow", "garden"),
    "lighthouse": ("sea", "island"), "bird": ("forest", "sky", "lake"), "butterfly": ("garden", "field"),
    "house": ("hills", "field", "snow", "lake"), "tree": ("hills", "field", "road"), "mushroom": ("forest",),
    "umbrella": ("beach", "city", "garden"), "kite": ("field", "sky", "beach"), "train": ("hills", "mountains", "desert"),
    "flower": ("garden", "field", "hills"), "ball": ("beach", "garden"), "star": ("space",),
}  # fmt: skip
# Colours in which a thing is lost against the place.
BLUES: Final = ("blue", "teal")
LOST: Final = {
    "sea": BLUES, "lake": BLUES, "island": BLUES, "underwater": BLUES, "sky": BLUES, "forest": ("green",),
    "garden": ("green",), "field": ("green",), "hills": ("green",), "desert": ("yellow", "orange"), "beach": ("yellow", "orange"),
}  # fmt: skip
STUDIO: Final = (
    "heart",
    "apple",
    "cup",
    "hat",
    "crown",
    "cat",
    "mushroom",
    "balloon",
    "umbrella",
    "butterfly",
    "flower",
)
PLAIN_COLOURS: Final = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")


class Chance:
    """One source of chance that deals kinds of things like cards, so that none comes twice before all came once."""

    def __init__(self, seed: int) -> None:
        self.rng = seeded(f"samples/{seed}")
        self.decks: dict[tuple[str, ...], list[str]] = {}

    def deal(self, cards: tuple[str, ...]) -> str:
        """The next card of these."""
        deck = self.decks.setdefault(cards, [])
        if not deck:
            deck.extend(self.rng.sample(cards, len(cards)))
        return deck.pop()

    def seed(self) -> int:
        """A seed for one painter."""
        return self.rng.randrange(10**6)


Idea = Callable[[Chance, Size], Draft]


@dataclass(frozen=True)
class Sample:
    """One file as somebody would upload it; the name says what it shows."""

    name: str
    data: bytes
    content_type: str


def samples(count: int = 48, seed: int = 7) -> Iterator[Sample]:
    """Distinct pictures, always the same ones for a seed and a version of Pillow."""
    chance = Chance(seed)
    used: set[str] = set()
    for idea in islice(chain(HEADLINES, cycle(ORDER)), count):
        size = chance.rng.choice(SIZES)
        title, picture = _new(idea, chance, size, used)
        used.add(title)
        yield _file(title, picture, chance)


def _new(idea: Idea, chance: Chance, size: Size, used: set[str]) -> Draft:
    """Tries again where the same words came out before, and numbers them when chance is stubborn."""
    draft = idea(chance, size)
    for _ in range(12):
        if draft[0] not in used:
            return draft
        draft = idea(chance, size)
    return f"{draft[0]} {len(used)}", draft[1]


def _file(title: str, picture: Image.Image, chance: Chance) -> Sample:
    ending, kind, content_type = chance.rng.choices(FORMATS, FORMAT_SHARES)[0]
    options: dict[str, int] = {"PNG": {"compress_level": 4}, "WEBP": {"quality": 86, "method": 2}}.get(
        kind, {"quality": 89}
    )
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, kind, **options)
    return Sample(f"{title.replace(' ', '-')}.{ending}", buffer.getvalue(), content_type)


def _moment(place: str, chance: Chance) -> View:
    if place in TIMELESS:
        return View(place)
    weather = chance.rng.choice(("clear",) * 7 + tuple(WEATHERS)) if place != "sky" else "clear"
    return View(place, chance.rng.choices(tuple(TIMES), (5, 2, 3))[0], weather)


def _when(view: View) -> str:
    """The words for the time and the weather, where they are worth saying."""
    said = [TIMES[view.time]] if view.time != "day" and view.place not in TIMELESS else []
    if view.weather != "clear":
        said.append(WEATHERS[view.weather])
    return "".join(f" {words}" for words in said)


def _place(chance: Chance, size: Size) -> Draft:
    return _seen(_moment(chance.deal(tuple(PLACES)), chance), size, chance)


def _seen(view: View, size: Size, chance: Chance) -> Draft:
    canvas = backdrops.paint(view, size, chance.seed())
    alone = re.sub("^(an?|the) ", "", PLACES[view.place][0])
    return alone + _when(view), canvas.picture()


def _inhabited(chance: Chance, size: Size) -> Draft:
    """A thing where it belongs."""
    name = chance.deal(tuple(HOMES))
    view = _moment(chance.deal(HOMES[name]), chance)
    return _set(posed.Thing(name, _colour_for(name, view.place, chance)), view, size, chance)


def _set(thing: posed.Thing, view: View, size: Size, chance: Chance) -> Draft:
    title = f"{thing.colour} {thing.name} {PLACES[view.place][1]}{_when(view)}"
    return title, posed.outside(thing, view, size, chance.rng)


def _red_car(chance: Chance, size: Size) -> Draft:
    return _set(posed.Thing("car", "red"), View("beach", "sunset"), size, chance)


def _sunset_beach(chance: Chance, size: Size) -> Draft:
    return _seen(View("beach", "sunset"), size, chance)


def _snowy_night(chance: Chance, size: Size) -> Draft:
    return _seen(View("mountains", "night", "snowfall"), size, chance)


def _blue_stripes(chance: Chance, size: Size) -> Draft:
    return "blue stripes", patterns.paint("stripes", "blue", size, chance.seed())


def _colour_for(name: str, place: str, chance: Chance) -> str:
    """Trees and cacti stay green, snowmen white; the rest is any colour that stands out there."""
    fixed = {"tree": "green", "cactus": "green", "snowman": "white"}
    if name in fixed:
        return fixed[name]
    while True:
        colour = chance.deal(PLAIN_COLOURS)
        if colour not in LOST.get(place, ()):
            return colour


def _studio(chance: Chance, size: Size) -> Draft:
    """One thing, large, on a soft ground."""
    name, colour = chance.deal(STUDIO), chance.deal(PLAIN_COLOURS)
    return f"{colour} {name}", posed.inside(posed.Thing(name, colour), chance.deal(PLAIN_COLOURS), size)


def _pattern(chance: Chance, size: Size) -> Draft:
    texture, colour = chance.deal(TEXTURES), chance.deal(PLAIN_COLOURS)
    return f"{colour} {texture}", patterns.paint(texture, colour, size, chance.seed())


def _shape(chance: Chance, size: Size) -> Draft:
    shape, colour = chance.deal(SHAPES), chance.deal(PLAIN_COLOURS)
    return f"{colour} {shape}", patterns.shape(shape, colour, size, chance.seed())


def _gradient(chance: Chance, size: Size) -> Draft:
    first, second = chance.rng.sample(PLAIN_COLOURS, 2)
    return f"{first} to {second} gradient", patterns.gradient(first, second, size, chance.seed())


def _paper(chance: Chance, size: Size) -> Draft:
    kind = chance.deal(DOCUMENTS)
    return kind, papers.paint(kind, size, chance.seed())


# The searches that the documentation suggests find something in every new gallery.
HEADLINES: Final[tuple[Idea, ...]] = (_red_car, _sunset_beach, _blue_stripes, _snowy_night)
ORDER: Final[tuple[Idea, ...]] = (
    _inhabited, _place, _inhabited, _studio, _inhabited, _pattern, _place, _inhabited, _inhabited, _studio, _place,
    _inhabited, _paper, _inhabited, _shape, _place, _inhabited, _pattern, _inhabited, _gradient, _place, _inhabited,
    _studio, _inhabited,
)  # fmt: skip
