"""Files to break and ways to break them, for fuzzing decoders; a number says which file, and how it was broken."""

import os
import random
import re
from collections.abc import Callable
from itertools import product
from typing import Final, Literal

from tests.support.bombs import ODD, POLYGLOTS
from tests.support.images import FORMATS
from tests.support.revealing import a_revealing

Seed = tuple[str, bytes]
SIZES: Final = ((1, 1), (7, 5), (33, 17), (64, 64), (160, 120))
MODES: Final = {"image/jpeg": ("RGB", "L", "CMYK"), "image/gif": ("RGB", "P", "L"), "image/png": ("RGB", "RGBA", "P")}
LARGEST_SEED: Final = 256 << 10
MARKERS: Final = re.compile(
    rb"\xff[\xc0-\xfe]|IHDR|PLTE|IDAT|iCCP|eXIf|tEXt|zTXt|VP8[ LX]|ALPH|ANMF|EXIF|ICCP|\x21[\xf9\xfe\xff]|\x2c"
    rb"|ftyp|meta|iloc|iinf|infe|iprp|ipco|ispe|ipma|iref|hvcC|av1C|mdat|pixi|auxC|irot"
)
"""Where the parts of the accepted formats begin: what follows is a length, a size, a table."""
ORDERS: Final[tuple[Literal["big", "little"], ...]] = ("big", "little")
EDGES: Final = tuple(
    number.to_bytes(width, order)
    for width, order in product((1, 2, 4), ORDERS)
    for number in (0, 1, (1 << 8 * width - 1) - 1, 1 << 8 * width - 1, (1 << 8 * width) - 2, (1 << 8 * width) - 1)
)


def minutes() -> float:
    """How long a fuzzing test goes on: TEST_FUZZ_MINUTES, or twenty seconds of it."""
    return float(os.environ.get("TEST_FUZZ_MINUTES", "") or 1 / 3)


def seeds() -> list[Seed]:
    """Some 230 good files: every accepted format in sizes and modes, rare ones, some full of metadata."""
    made = [(kind, build(number, size, mode))
            for kind, build in FORMATS.items()
            for number, (size, mode) in enumerate(product(SIZES, MODES.get(kind, ("RGB", "RGBA", "L"))))]  # fmt: skip
    made += [(kind, build(100 + number)) for kind, build in FORMATS.items() for number in range(17)]
    made += [(kind, build()) for kind, build in (*ODD.values(), *POLYGLOTS.values())]
    made += [(kind, a_revealing(kind)) for kind in FORMATS]
    return [(kind, data) for kind, data in made if len(data) <= LARGEST_SEED]


def broken(start: int, number: int, files: list[Seed]) -> Seed:
    """One of the files, changed in one to six places; the same numbers give the same bytes."""
    rng = random.Random(f"{start}:{number}")
    kind, data = rng.choice(files)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        data = rng.choice(WAYS)(rng, data, files)
    return kind, data


def _flip(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    made = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 4, 32, 256))):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _edge(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    """A number at the end of its range, somewhere."""
    return _over(data, rng.randrange(len(data) + 1), rng.choice(EDGES))


def _header(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    """The same right behind a marker, where lengths and sizes are."""
    found = [match.end() for match in MARKERS.finditer(data)] or [4]
    return _over(data, rng.choice(found) + rng.randrange(10), rng.choice(EDGES))


def _cut(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    left, right = _part(rng, data)
    return data[:left] + data[right:]


def _repeat(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    left, right = _part(rng, data)
    return data[:left] + data[left:right] * rng.choice((2, 3, 50)) + data[right:]


def _noise(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice((1, 2, 4, 64))) + data[at:]


def _splice(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    """A part of another file, often of another format, in place of one of this."""
    other = rng.choice(files)[1]
    left, right = _part(rng, other)
    at, end = _part(rng, data)
    return data[:at] + other[left:right] + data[end:]


def _cross(rng: random.Random, data: bytes, files: list[Seed]) -> bytes:
    """The beginning of this file and the end of another."""
    other = rng.choice(files)[1]
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _over(data: bytes, at: int, what: bytes) -> bytes:
    return data[:at] + what + data[at + len(what) :]


def _part(rng: random.Random, data: bytes) -> tuple[int, int]:
    left = rng.randrange(len(data) + 1)
    return left, min(len(data), left + rng.choice((1, 4, 16, 256, 4096)))


WAYS: Final[tuple[Callable[[random.Random, bytes, list[Seed]], bytes], ...]] = (
    _flip, _flip, _edge, _header, _header, _header, _cut, _drop, _repeat, _noise, _splice, _cross,
)  # fmt: skip
