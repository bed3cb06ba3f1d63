"""Turns cosines into scores between 0 and 1: two curves, fitted on pictures that training never saw."""

import numpy as np
from numpy.typing import NDArray

from training import galleries, measures
from training.evaluate import Towers
from training.icons import load_style
from training.sources import HELD_STYLE, TRAIN_STYLES
from training.work import SEED, Work

Floats = NDArray[np.float32]


def scores(work: Work) -> dict[str, dict[str, float]]:
    """The curve for a text and a picture, and the one for two pictures, of the eight-bit towers."""
    towers = Towers(work, ".onnx")
    return {"text": _texts(work, towers), "image": _pictures(work, towers)}


def _texts(work: Work, towers: Towers) -> dict[str, float]:
    """Held-out drawings by name, new scenes by caption, mixed pictures by short questions."""
    world = galleries.exam_world(work)
    matches, others = list[Floats](), list[Floats]()
    for asked in (galleries.named(work, HELD_STYLE), galleries.scenes(world), *galleries.mixed(world).values()):
        likeness = towers.read(asked.questions) @ towers.look(asked.pixels).T
        matches.append(_some(likeness[asked.answers], 600))
        others.append(_some(likeness[~asked.answers], 6000))
    return measures.fit_logistic(np.concatenate(matches), np.concatenate(others))


def _pictures(work: Work, towers: Towers) -> dict[str, float]:
    """The same thing drawn in two styles, against any two things."""
    (rows, held), (known, seen) = load_style(work, HELD_STYLE), load_style(work, TRAIN_STYLES[0])
    likeness = towers.look(galleries.on_white(held)) @ towers.look(galleries.on_white(seen)).T
    same = rows[:, None] == known[None, :]
    return measures.fit_logistic(likeness[same], _some(likeness[~same], 20_000))


def _some(values: Floats, count: int) -> Floats:
    rng = np.random.default_rng(SEED)
    return values if len(values) <= count else rng.choice(values, count, replace=False)
