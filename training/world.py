"""Everything a composer picks from: icons by concept and style, our own drawings, and a pool of places."""

import random
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image

from gateway.local.samples import backdrops, objects
from gateway.local.samples.backdrops import View
from gateway.local.samples.chance import seeded
from gateway.local.samples.words import COLOURS, OBJECTS, PLACES, TIMELESS, TIMES, WEATHERS
from training.captions import Fact, phrases
from training.concepts import Concept, load
from training.icons import SIZE, load_style
from training.outlines import twin
from training.work import Work

OWN = "own"
VIEW_SIZE = (100, 84)
# Emoji whose everyday word is one of our own drawings.
ALSO = {
    "automobile": "car", "oncoming automobile": "car", "sport utility vehicle": "car", "taxi": "car",
    "racing car": "car", "deciduous tree": "tree", "evergreen tree": "tree", "palm tree": "tree",
    "sailboat": "boat", "speedboat": "boat", "motor boat": "boat", "canoe": "boat", "red apple": "apple",
    "green apple": "apple", "cat face": "cat", "crescent moon": "moon", "full moon": "moon",
    "last quarter moon": "moon", "first quarter moon": "moon", "glowing star": "star", "tropical fish": "fish",
    "blowfish": "fish", "rose": "flower", "hibiscus": "flower", "blossom": "flower", "tulip": "flower",
    "sunflower": "flower", "cherry blossom": "flower", "white flower": "flower", "hot beverage": "cup",
    "teacup without handle": "cup", "soccer ball": "ball", "basketball": "ball", "volleyball": "ball",
    "house with garden": "house", "houses": "house", "camping": "tent", "sun with face": "sun",
    "top hat": "hat", "woman’s hat": "hat", "red heart": "heart", "blue heart": "heart", "green heart": "heart",
    "yellow heart": "heart", "orange heart": "heart", "purple heart": "heart", "black heart": "heart",
    "brown heart": "heart", "white heart": "heart", "pink heart": "heart", "umbrella with rain drops": "umbrella",
    "closed umbrella": "umbrella", "locomotive": "train", "high-speed train": "train", "bullet train": "train",
    "snowman without snow": "snowman", "baby chick": "bird", "eagle": "bird", "dove": "bird", "parrot": "bird",
}  # fmt: skip


def all_concepts(work: Work) -> list[Concept]:
    """Emoji concepts, then those of our own drawings whose word is not the name of one."""
    known = load(work)
    names = {concept.name for concept in known}
    return known + [Concept(f"own-{name}", name, -1, ()) for name in OBJECTS if name not in names]


@dataclass
class Facts:
    """Numbers for facts: phrases first, then one for each concept's name."""

    concepts: list[Concept]
    number: dict[Fact, int] = field(default_factory=dict)
    row: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.row = {concept.name: row for row, concept in enumerate(self.concepts)}
        self.phrases = list(phrases())
        everything = [*self.phrases, *(("o", concept.name) for concept in self.concepts)]
        self.number = {fact: number for number, fact in enumerate(everything)}

    def rows_true(self, row: int) -> list[int]:
        """The concept itself and the everyday word it also goes by."""
        also = ALSO.get(self.concepts[row].name)
        return [row, self.row[also]] if also else [row]


class World:
    """Loaded once in each composing process."""

    def __init__(
        self, work: Work, styles: tuple[str, ...], seed: int, *, views: int = 1200, lined: bool = True
    ) -> None:
        self.facts = Facts(all_concepts(work))
        self.icons = self._gathered(work, styles, "pixels")
        self.lined = self._gathered(work, styles, "lined") if lined else {}
        self.own = {self.facts.row[name]: name for name in OBJECTS}
        self.rng = seeded(f"world/{seed}")
        self.views = [self.new_view() for _ in range(views)]
        own_share = [row for row in self.own for _ in range(5)]
        self.rows = [*self.icons, *own_share]

    def _gathered(self, work: Work, styles: tuple[str, ...], kind: str) -> dict[int, list[Image.Image]]:
        found: dict[int, list[Image.Image]] = {}
        for style in styles:
            for row, pixels in zip(*load_style(work, style, kind), strict=True):
                found.setdefault(int(row), []).append(Image.fromarray(pixels))
        return found

    def new_view(self) -> tuple[View, Image.Image]:
        """A place at some time in some weather, a little larger than a picture."""
        place = self.rng.choice(list(PLACES))
        if place in TIMELESS:
            view = View(place)
        else:
            weather = self.rng.choice(("clear", "clear", *WEATHERS))
            view = View(place, self.rng.choice(list(TIMES)), weather)
        return view, backdrops.paint(view, VIEW_SIZE, self.rng.randrange(10**9)).picture().convert("RGB")

    def refresh(self, count: int) -> None:
        """Replaces some places by new ones, so that no two shards share all of theirs."""
        for _ in range(count):
            self.views[self.rng.randrange(len(self.views))] = self.new_view()

    def drawing(self, row: int, rng: random.Random, *, outlined: float) -> tuple[Image.Image, str | None]:
        """A drawing of a concept and its colour, where it has a certain one; some are outlined twins."""
        if row in self.own and (row not in self.icons or rng.random() < 0.5):
            colour = rng.choice(list(COLOURS))
            if rng.random() < outlined * 0.4:
                return _lined_own(self.own[row], colour, rng.randrange(3)), None
            return _own(self.own[row], colour), colour
        source = self.lined if rng.random() < outlined else self.icons
        return rng.choice(source[row]), None


@lru_cache(maxsize=400)
def _own(name: str, colour: str) -> Image.Image:
    return objects.draw(name, colour, SIZE)


@lru_cache(maxsize=1200)
def _lined_own(name: str, colour: str, seed: int) -> Image.Image:
    return twin(_own(name, colour), seeded(f"{name}/{colour}/{seed}"))
