"""Every text of the run in one place: what the student learns, the merge list, and the teacher's vectors in 256 numbers."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from functions.core.models.tokenizer import Tokenizer
from gateway.local.samples.chance import seeded
from gateway.local.samples.words import COLOURS, OBJECTS, PLACES, TIMES, WEATHERS
from training import bpe, captions, concepts, words
from training.teacher import encode_list
from training.work import CONTEXT, DIM, SEED, Progress, Work

MERGES = 16_000
SCENE_CAPTIONS = 24_000
LEMMAS = 45_000
WEIGHTS = {"words": 1, "glosses": 1, "concepts": 6, "wordings": 4, "scenes": 2}


def scene_captions() -> list[str]:
    """Captions of scenes that could be drawn, distinct, in a fixed order."""
    rng = seeded(SEED)
    found: dict[str, None] = {}
    while len(found) < SCENE_CAPTIONS:
        things: list[tuple[str, str | None]] = [
            (rng.choice(OBJECTS), rng.choice(list(COLOURS)) if rng.random() < 0.8 else None)
            for _ in range(rng.choice((0, 1, 1, 1, 2)))
        ]
        scene = captions.Scene(things, rng.choice(list(PLACES)), rng.choice(list(TIMES)), rng.choice(list(WEATHERS)))
        found[captions.caption(scene, rng)[0]] = None
    return list(found)


def concept_scene_captions(names: list[str]) -> Iterator[str]:
    """Emoji names in places, so that the student meets them inside a sentence."""
    rng = seeded(SEED + 1)
    for name, place in product(names, rng.sample(list(PLACES), 4)):
        yield captions.caption(captions.Scene([(name, None)], place, rng.choice(list(TIMES))), rng)[0]


def lists(work: Work) -> dict[str, list[str]]:
    """The text list in its parts; each part is distinct texts in a fixed order."""
    known = concepts.load(work)
    names = [concept.name for concept in known]
    wordings = [w for texts in captions.phrases().values() for w in texts]
    wordings += [w for name in (*names, *OBJECTS) for w in captions.name_wordings(name)]
    return {
        "words": words.lemmas(work)[:LEMMAS],
        "glosses": words.glosses(work),
        "concepts": sorted(set(words.concept_texts(known))),
        "wordings": sorted(set(wordings)),
        "scenes": [*scene_captions(), *sorted(set(concept_scene_captions(names)))],
    }


def merge_list(work: Work) -> Tokenizer:
    """The tokenizer of this run, learnt once from the text list."""
    target = work.path("merges.txt.gz")
    if not target.exists():
        weighted = ((t, WEIGHTS[part]) for part, texts in lists(work).items() for t in texts)
        merges = bpe.learn(bpe.count_words(weighted), MERGES)
        Progress("merges").say(f"{len(merges)} merges, the last one {merges[-1]}")
        bpe.save(target, merges)
    return Tokenizer.load(target, CONTEXT)


class Reduction:
    """Teacher vectors centred and turned onto their 256 strongest directions."""

    def __init__(self, mean: NDArray[np.float32], axes: NDArray[np.float32]) -> None:
        self.mean, self.axes = mean, axes

    @classmethod
    def fit(cls, vectors: NDArray[np.float32]) -> "Reduction":
        """Directions of these vectors, by the covariance's eigenvectors."""
        mean = vectors.mean(0)
        _, axes = np.linalg.eigh(np.cov((vectors - mean).T.astype(np.float64)))
        return cls(mean, axes[:, ::-1][:, :DIM].astype(np.float32))

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors of 256 numbers."""
        turned = (vectors - self.mean) @ self.axes
        return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), np.float32)


def targets(work: Work) -> tuple[dict[str, list[str]], dict[str, NDArray[np.float32]], Reduction]:
    """The text list with the vector of each text that the student is to reach."""
    parts = lists(work)
    raw = {part: encode_list(work, part, texts) for part, texts in parts.items()}
    basis = np.concatenate([raw["concepts"], raw["wordings"], raw["words"][::4], raw["scenes"][::6]])
    reduce = Reduction.fit(basis)
    return parts, {part: reduce(vectors) for part, vectors in raw.items()}, reduce
