"""Learns the tokenizer's merge list from our own texts: byte pairs inside words, the most frequent first."""

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from functions.core.models.tokenizer import BYTES, END, joined, split_words

HEADER = "#version: 0.2"
Pair = tuple[str, str]


def count_words(texts: Iterable[tuple[str, int]]) -> Counter[str]:
    """How often each word occurs, by the weight of its text."""
    counts: Counter[str] = Counter()
    for text, weight in texts:
        for word in split_words(text):
            counts["".join(BYTES[b] for b in word.encode())] += weight
    return counts


class Learner:
    """Words as symbol lists, with an index from each pair to the words that hold it."""

    def __init__(self, counts: Counter[str]) -> None:
        self.weights = list(counts.values())
        self.words = [[*word[:-1], word[-1] + END] for word in counts]
        self.pairs: Counter[Pair] = Counter()
        self.holders: dict[Pair, set[int]] = defaultdict(set)
        for index in range(len(self.words)):
            self._count(index, 1)

    def _count(self, index: int, sign: int) -> None:
        word = self.words[index]
        for pair in pairwise(word):
            self.pairs[pair] += sign * self.weights[index]
            if sign > 0:
                self.holders[pair].add(index)

    def merge(self, pair: Pair) -> None:
        """Joins this pair wherever it stands."""
        for index in self.holders.pop(pair):
            self._count(index, -1)
            self.words[index] = joined(self.words[index], pair)
            self._count(index, 1)
        del self.pairs[pair]


def learn(counts: Counter[str], merges: int, least: int = 2) -> list[Pair]:
    """The merge list; ends early when no pair is frequent enough. Ties go by spelling, so runs agree."""
    learner, found = Learner(counts), list[Pair]()
    while len(found) < merges:
        batch = best_pairs(learner.pairs, least)[: merges - len(found)]
        if not batch:
            break
        for pair in batch:
            learner.merge(pair)
            found.append(pair)
    return found


def best_pairs(pairs: Counter[Pair], least: int, share: float = 0.97) -> list[Pair]:
    """The most frequent pair and those within 3 % of it that touch none of its symbols, to save rescans."""
    top = max(pairs.values(), default=0)
    if top < least:
        return []
    close = sorted((p for p, n in pairs.items() if n >= max(least, top * share)), key=lambda p: (-pairs[p], p))
    chosen, used = list[Pair](), set[str]()
    for pair in close:
        if used.isdisjoint(pair):
            chosen.append(pair)
            used.update(pair)
    return chosen


def save(path: Path, merges: list[Pair]) -> None:
    """As OpenCLIP reads it: a header, one pair a line, no last newline; gzip without a time stamp."""
    text = "\n".join([HEADER, *(" ".join(pair) for pair in merges)])
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def clean(text: str) -> str:
    """One line, single spaces."""
    return re.sub(r"\s+", " ", text).strip()
