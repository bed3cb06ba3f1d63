"""The pictures and questions that a model is examined with: made anew, with seeds that training never uses."""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.local.samples.words import COLOURS, DOCUMENTS, PLACES, SHAPES, TEXTURES, TIMELESS, TIMES, WEATHERS
from training import captions
from training.captions import Fact
from training.check import on_white
from training.compose import Composer, Picture
from training.concepts import load
from training.icons import load_style
from training.sources import TRAIN_STYLES
from training.work import SEED, Work
from training.world import World

EXAM_SEED = SEED + 777_777
SCENES = 500
MIXED = 850


@dataclass(frozen=True)
class Asked:
    """Pictures and questions, and which pictures answer each question."""

    pixels: NDArray[np.uint8]
    questions: list[str]
    answers: NDArray[np.bool_]  # (questions, pictures)


class Whole(random.Random):
    """Chance that always says yes, so that a caption leaves nothing out."""

    def random(self) -> float:
        """Below every threshold."""
        return 0.0


class Told(Composer):
    """A composer whose captions say everything."""

    def _told(self, image: Image.Image, scene: captions.Scene, rows: list[int]) -> Picture:
        text, claims = captions.caption(scene, Whole())
        picture = super()._told(image, scene, rows)
        picture.caption, picture.claims = text, claims
        return picture


def exam_world(work: Work, styles: tuple[str, ...] = TRAIN_STYLES) -> World:
    """Training styles unless others are named, in places that were never drawn for training."""
    return World(work, styles, EXAM_SEED, views=1000, lined=False)


def scenes(world: World) -> Asked:
    """Places with at least one thing; each whole caption asks for its own picture."""
    composer, found = Told(world, EXAM_SEED, outlined=0.0), dict[str, Picture]()
    while len(found) < SCENES:
        picture = composer.scene_with_thing()
        found.setdefault(picture.caption, picture)
    pixels = np.stack([np.asarray(picture.image, np.uint8) for picture in found.values()])
    return Asked(pixels, list(found), np.eye(len(found), dtype=bool))


def named(work: Work, style: str) -> Asked:
    """Drawings of a style, asked for by the plain names of their concepts."""
    rows, drawings = load_style(work, style)
    names = [concept.name for concept in load(work)]
    return Asked(on_white(drawings), [names[row] for row in rows], np.eye(len(rows), dtype=bool))


def synonyms(work: Work, style: str) -> Asked:
    """The same drawings, asked for by words that no caption ever used."""
    rows, drawings = load_style(work, style)
    known = load(work)
    asked = [(word, place) for place, row in enumerate(rows) for word in known[row].held]
    answers = np.zeros((len(asked), len(rows)), bool)
    answers[np.arange(len(asked)), [place for _, place in asked]] = True
    return Asked(on_white(drawings), [word for word, _ in asked], answers)


def topics() -> dict[str, list[tuple[str, Fact]]]:
    """Short questions by topic, each with the fact that answers it."""
    moments: list[tuple[str, Fact]] = [(f"{place} {when}", ("pt", place, time)) for place in PLACES if place not in TIMELESS
               for time, when in TIMES.items() if time != "day"]  # fmt: skip
    return {
        "colour": [(f"something {c}", ("c", c)) for c in COLOURS],
        "place": [(alone, ("p", place)) for place, (alone, _) in PLACES.items()],
        "moment": moments,
        "weather": [(f"a landscape {how}", ("w", w)) for w, how in WEATHERS.items() if w != "clear"],
        "texture": [(f"a {name} pattern", ("tx", name)) for name in TEXTURES],
        "shape": [(captions.with_article(name), ("s", name)) for name in SHAPES],
        "document": [(captions.with_article(kind), ("d", kind)) for kind in DOCUMENTS],
    }


def mixed(world: World) -> dict[str, Asked]:
    """Pictures of every kind with short questions; those that nothing here answers are dropped."""
    composer = Composer(world, EXAM_SEED + 1, outlined=0.0)
    pictures = [composer.scene() for _ in range(MIXED)]
    pixels = np.stack([np.asarray(picture.image, np.uint8) for picture in pictures])
    facts = [set(picture.facts) for picture in pictures]
    found = {topic: _answered(pixels, asked, facts) for topic, asked in topics().items()}
    return found | {"colour": _where(found["colour"], np.array([not picture.open_colour for picture in pictures]))}


def _where(asked: Asked, kept: NDArray[np.bool_]) -> Asked:
    """Only some of the pictures: whether an emoji is red is not written anywhere, so it can be no wrong answer."""
    return Asked(asked.pixels[kept], asked.questions, asked.answers[:, kept])


def _answered(pixels: NDArray[np.uint8], asked: list[tuple[str, Fact]], facts: list[set[Fact]]) -> Asked:
    truth = np.array([[fact in known for known in facts] for _, fact in asked])
    kept = truth.sum(1) >= 2
    return Asked(pixels, [text for (text, _), keep in zip(asked, kept, strict=True) if keep], truth[kept])
