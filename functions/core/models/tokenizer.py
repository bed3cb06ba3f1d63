"""Words to token ids as OpenCLIP's byte-pair tokenizer makes them, from a merge list, without any library."""

import gzip
import html
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

END: Final = "</w>"
CONTRACTIONS: Final = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")
LONGEST_TEXT: Final = 2_000
# Typographic quotes, ligatures and full-width letters as a keyboard writes them.
PLAIN: Final = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "ﬁ": "fi",
        "ﬂ": "fl",
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    }
)


def _byte_letters() -> tuple[str, ...]:
    """A printable character for every byte, as GPT-2 and CLIP assign them."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = (byte for byte in range(256) if byte not in shown)
    spare = {byte: chr(256 + position) for position, byte in enumerate(hidden)}
    return tuple(spare.get(byte, chr(byte)) for byte in range(256))


BYTES: Final = _byte_letters()


def _vocabulary_order() -> list[str]:
    """Single bytes as the vocabulary lists them: the printable ones first."""
    shown = [letter for letter in BYTES if ord(letter) < 256]
    return shown + [letter for letter in BYTES if ord(letter) >= 256]


def clean(text: str) -> str:
    """Lower case, single spaces, HTML entities and typographic quotes resolved."""
    composed = unicodedata.normalize("NFC", html.unescape(html.unescape(text[:LONGEST_TEXT])))
    return " ".join(composed.translate(PLAIN).split()).lower()


def split_words(text: str) -> Iterator[str]:
    """Runs of letters, single digits, English contractions, runs of anything else."""
    text, start = clean(text), 0
    while start < len(text):
        end = _word_end(text, start)
        if not text[start].isspace():
            yield text[start:end]
        start = end


def _word_end(text: str, start: int) -> int:
    for ending in CONTRACTIONS:
        if text.startswith(ending, start):
            return start + len(ending)
    kind, end = _kind(text[start]), start + 1
    while kind in "LO" and end < len(text) and _kind(text[end]) == kind:
        end += 1
    return end


@lru_cache(maxsize=4096)
def _kind(letter: str) -> str:
    if letter.isspace():
        return "S"
    category = unicodedata.category(letter)[0]
    return category if category in "LN" else "O"


class Tokenizer:
    """One merge list; equal texts give equal ids, and nothing is unknown because every byte has an id."""

    def __init__(self, merges: Sequence[tuple[str, str]], context: int) -> None:
        letters = _vocabulary_order()
        symbols = [*letters, *(x + END for x in letters), *("".join(pair) for pair in merges)]
        self._ids = {symbol: number for number, symbol in enumerate(symbols)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.symbols = symbols
        self.start, self.end = len(symbols), len(symbols) + 1
        self.size = len(symbols) + 2
        self.context = context
        self._word_ids = lru_cache(maxsize=16_384)(self._split_word)

    @classmethod
    def load(cls, path: Path, context: int) -> "Tokenizer":
        """Reads a gzip-packed merge list: a header line, then one pair a line."""
        lines = gzip.decompress(path.read_bytes()).decode().split("\n")[1:]
        pairs = (line.split() for line in lines if line)
        return cls([(first, second) for first, second in pairs], context)

    def ids(self, text: str) -> list[int]:
        """Ids of one text with its start and end marks, cut to the context."""
        inner = [number for word in split_words(text) for number in self._word_ids(word)]
        return [self.start, *inner[: self.context - 2], self.end]

    def batch(self, texts: Sequence[str], *, length: int | None = None) -> Ids:
        """Ids of several texts, padded with zeros to the longest, or to `length`."""
        rows = [self.ids(text) for text in texts]
        width = length or max((len(row) for row in rows), default=0)
        padded: Ids = np.zeros((len(rows), width), np.int64)
        for number, row in enumerate(rows):
            padded[number, : len(row)] = row
        return padded

    def _split_word(self, word: str) -> tuple[int, ...]:
        symbols = [BYTES[byte] for byte in word.encode()]
        symbols[-1] += END
        while len(symbols) > 1:
            pair = min(pairwise(symbols), key=self._rank)
            if pair not in self._ranks:
                break
            symbols = joined(symbols, pair)
        return tuple(self._ids[symbol] for symbol in symbols)

    def _rank(self, pair: tuple[str, str]) -> int:
        return self._ranks.get(pair, len(self._ranks))


def joined(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """The symbols with every occurrence of the pair as one."""
    out: list[str] = []
    position = 0
    while position < len(symbols):
        together = tuple(symbols[position : position + 2]) == pair
        out.append("".join(pair) if together else symbols[position])
        position += 2 if together else 1
    return out
