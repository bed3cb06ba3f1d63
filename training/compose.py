"""Puts drawings on grounds: one picture of the training set with the facts that are true of it."""

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from functions.core.models.preprocess import Preprocess
from gateway.local.samples import backdrops, papers, patterns, posed
from gateway.local.samples.chance import seeded
from gateway.local.samples.words import COLOURS, DOCUMENTS, OBJECTS, SHAPES, TEXTURES, TIMELESS
from training import captions
from training.captions import Fact
from training.work import PICTURE
from training.world import World

PREPARE = Preprocess(PICTURE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
FLAT = ((255, 255, 255), (255, 255, 255), (245, 245, 245), (236, 240, 246), (250, 244, 230), (30, 32, 38))


@dataclass
class Picture:
    """Pixels, the concepts shown, the phrases true, a caption with its facts."""

    image: Image.Image
    rows: list[int] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    caption: str = ""
    claims: list[Fact] = field(default_factory=list)
    open_colour: bool = False


def _unsure(scene: captions.Scene) -> bool:
    """Whether something here may have any colour."""
    return any(colour is None for _, colour in scene.things)


class Composer:
    """Draws pictures by chance from a world."""

    def __init__(self, world: World, seed: int, *, outlined: float = 0.4) -> None:
        self.world, self.rng, self.outlined = world, seeded(f"compose/{seed}"), outlined

    def single(self) -> Picture:
        """One large thing on a quiet or a busy ground."""
        row = self.rng.choice(self.world.rows)
        thing, colour = self._thing(row, self.rng.randint(38, 63))
        ground = self._ground()
        spot = [self.rng.randint(-3, 3) + (PICTURE - side) // 2 for side in thing.size]
        ground.paste(thing, (spot[0], spot[1]), thing)
        facts = self._named(row, colour)
        return self._finished(Picture(ground, self.world.facts.rows_true(row), facts, open_colour=not colour))

    def scene(self) -> Picture:
        """A place with things, a pattern, a shape, a gradient or a document, with its caption."""
        kinds = (self._view, self._posed, self._pair, self._pattern, self._sheet, self._mixed)
        make = self.rng.choices(kinds, (33, 30, 10, 13, 6, 8))[0]
        return self._finished(make())

    def scene_with_thing(self) -> Picture:
        """A place with at least one thing in it."""
        while True:
            picture = self._view()
            if picture.rows:
                return self._finished(picture)

    def _named(self, row: int, colour: str | None) -> list[Fact]:
        name = self.world.facts.concepts[row].name
        return [("c", colour), ("oc", colour, name)] if colour else []

    def _thing(self, row: int, size: int) -> tuple[Image.Image, str | None]:
        image, colour = self.world.drawing(row, self.rng, outlined=self.outlined)
        if self.rng.random() < 0.5:
            image = ImageOps.mirror(image)
        if self.rng.random() < 0.35:
            image = image.rotate(self.rng.uniform(-22, 22), Image.Resampling.BILINEAR)
        wide = max(8, round(size * self.rng.uniform(0.88, 1.0)))
        return image.resize((wide, size), Image.Resampling.BILINEAR, reducing_gap=1.5), colour

    def _ground(self) -> Image.Image:
        chance = self.rng.random()
        if chance < 0.55:
            return Image.new("RGB", (PICTURE, PICTURE), self._flat())
        if chance < 0.72:
            first, second = self.rng.sample(list(COLOURS), 2)
            return patterns.gradient(first, second, (PICTURE, PICTURE), self.rng.randrange(10**6))
        if chance < 0.82:
            return self._woven(self.rng.choice(TEXTURES), self.rng.choice(list(COLOURS)))
        return self._cut(self.rng.choice(self.world.views)[1])

    def _flat(self) -> tuple[int, int, int]:
        if self.rng.random() < 0.6:
            return self.rng.choice(FLAT)
        return self.rng.randrange(256), self.rng.randrange(256), self.rng.randrange(256)

    def _woven(self, texture: str, colour: str) -> Image.Image:
        return patterns.paint(texture, colour, (PICTURE, PICTURE), self.rng.randrange(10**6))

    def _cut(self, view: Image.Image) -> Image.Image:
        """A part of a view of at least three quarters, mirrored half of the time."""
        side = self.rng.randint(66, min(view.size))
        left = self.rng.randint(0, view.width - side)
        top = self.rng.randint(0, view.height - side)
        piece = view.resize((PICTURE, PICTURE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
        return ImageOps.mirror(piece) if self.rng.random() < 0.5 else piece

    def _view(self) -> Picture:
        view, image = self.rng.choice(self.world.views)
        ground, scene = self._cut(image), captions.Scene([], view.place)
        if view.place not in TIMELESS:
            scene.time, scene.weather = view.time, view.weather
        rows = [self._pick() for _ in range(self.rng.choice((0, 1, 1, 1, 2)))]
        for place, row in enumerate(rows):
            self._stand(ground, scene, row, (place + self.rng.uniform(0.25, 0.75)) / len(rows))
        return self._told(ground, scene, rows)

    def _posed(self) -> Picture:
        """One of our own things as the samples show it: drawn larger and scaled down as the server scales."""
        size = self.rng.choice(((176, 132), (132, 176), (140, 140), (200, 112)))
        thing = posed.Thing(self.rng.choice(OBJECTS), self.rng.choice(list(COLOURS)))
        if self.rng.random() < 0.2:
            scene = captions.Scene([(thing.name, thing.colour)])
            image = posed.inside(thing, self.rng.choice(list(COLOURS)), size)
        else:
            view = self.rng.choice(self.world.views)[0]
            scene = captions.Scene([(thing.name, thing.colour)], view.place)
            if view.place not in TIMELESS:
                scene.time, scene.weather = view.time, view.weather
            image = posed.outside(thing, view, size, self.rng)
        return self._told(PREPARE.cropped(image), scene, [self.world.facts.row[thing.name]])

    def _pick(self) -> int:
        return self.rng.choice(list(self.world.own)) if self.rng.random() < 0.5 else self.rng.choice(self.world.rows)

    def _stand(self, ground: Image.Image, scene: captions.Scene, row: int, across: float) -> None:
        thing, colour = self._thing(row, self.rng.randint(17, 38))
        low = backdrops.horizon(scene.place or "") + self.rng.uniform(-0.04, 0.16)
        corner = (round(across * PICTURE - thing.width / 2), round(low * PICTURE - thing.height * 0.8))
        ground.paste(thing, corner, thing)
        scene.things.append((self.world.facts.concepts[row].name, colour))

    def _told(self, image: Image.Image, scene: captions.Scene, rows: list[int]) -> Picture:
        text, claims = captions.caption(scene, self.rng)
        true_rows = [r for row in rows for r in self.world.facts.rows_true(row)]
        return Picture(image, true_rows, captions.true_facts(scene), text, claims, _unsure(scene))

    def _pair(self) -> Picture:
        """One or two things on a plain ground."""
        scene, ground = captions.Scene(), Image.new("RGB", (PICTURE, PICTURE), self._flat())
        rows = [self._pick() for _ in range(self.rng.choice((1, 2, 2)))]
        for place, row in enumerate(rows):
            self._stand(ground, scene, row, (place + self.rng.uniform(0.35, 0.65)) / len(rows))
        return self._told(ground, scene, rows)

    def _phrase(self, image: Image.Image, facts: list[Fact]) -> Picture:
        """A picture told by its first fact, in any of its wordings."""
        wordings = captions.phrases_of(facts[0])
        return Picture(image, [], facts, self.rng.choice(wordings), [facts[0]])

    def _pattern(self) -> Picture:
        texture, colour = self.rng.choice(TEXTURES), self.rng.choice(list(COLOURS))
        facts: list[Fact] = [("tc", colour, texture), ("tx", texture), ("tx",), ("c", colour)]
        return self._phrase(self._woven(texture, colour), facts)

    def _sheet(self) -> Picture:
        kind = self.rng.choice(DOCUMENTS)
        size = self.rng.choice(((84, 64), (64, 64), (64, 84)))
        page = papers.paint(kind, size, self.rng.randrange(10**6))
        return self._phrase(ImageOps.fit(page, (PICTURE, PICTURE)), [("d", kind), ("d",)])

    def _mixed(self) -> Picture:
        """A plain shape or a gradient."""
        seed = self.rng.randrange(10**6)
        if self.rng.random() < 0.55:
            shape, colour = self.rng.choice(SHAPES), self.rng.choice(list(COLOURS))
            image = patterns.shape(shape, colour, (PICTURE, PICTURE), seed)
            return self._phrase(image, [("sc", colour, shape), ("s", shape), ("c", colour)])
        names = list(COLOURS)
        a, b = sorted(self.rng.sample(range(len(names)), 2))
        image = patterns.gradient(names[a], names[b], (PICTURE, PICTURE), seed)
        return self._phrase(image, [("g", names[a], names[b]), ("g",), ("c", names[a]), ("c", names[b])])

    def _finished(self, picture: Picture) -> Picture:
        """What cameras, editors and codecs do to pictures."""
        if self.rng.random() < 0.05:
            self._greyed(picture)
        if self.rng.random() < 0.3:
            bright = ImageEnhance.Brightness(picture.image).enhance(self.rng.uniform(0.75, 1.2))
            picture.image = ImageEnhance.Contrast(bright).enhance(self.rng.uniform(0.75, 1.25))
        if self.rng.random() < 0.1:
            picture.image = picture.image.filter(ImageFilter.GaussianBlur(self.rng.uniform(0.3, 0.9)))
        if self.rng.random() < 0.08:
            picture.image = self._noisy(picture.image)
        if self.rng.random() < 0.2:
            picture.image = self._packed(picture.image)
        return picture

    def _greyed(self, picture: Picture) -> None:
        picture.image = picture.image.convert("L").convert("RGB")
        picture.facts = [fact for fact in picture.facts if not captions.is_colour(fact)]
        picture.facts.append(("bw",))
        picture.open_colour = True

    def _noisy(self, image: Image.Image) -> Image.Image:
        noise = np.random.default_rng(self.rng.randrange(10**9)).normal(0, self.rng.uniform(4, 14), (*image.size, 3))
        return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))

    def _packed(self, image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=self.rng.randint(35, 90))
        return Image.open(buffer).convert("RGB")
