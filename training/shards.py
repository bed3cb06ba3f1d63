"""Composed pictures on disk, in files of 2,048, made beside the training run that eats them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.compose import Composer, Picture
from training.sources import TRAIN_STYLES
from training.student import teller
from training.work import SEED, Progress, Work
from training.world import World

COUNT = 2048
SHARDS = 150
THINGS, PHRASES, CLAIMS = 6, 16, 5
KINDS = ("singles", "scenes")


Teller = Callable[[list[str]], NDArray[np.float16]]


@dataclass(frozen=True)
class Shard:
    """Arrays of one file: -1 fills the rows of numbers; `open_colour` says that colours here are unknown,
    `told` holds the vector of each caption (no columns where there are none).
    """

    pixels: NDArray[np.uint8]
    rows: NDArray[np.int16]
    phrases: NDArray[np.int16]
    claims: NDArray[np.int16]
    open_colour: NDArray[np.bool_]
    told: NDArray[np.float16]


def path(work: Work, kind: str, index: int) -> Path:
    """The file of one shard."""
    return work.path("shards", f"{kind}-{index:04d}.npz")


def plan(count: int = SHARDS) -> list[tuple[str, int]]:
    """The order of making: enough singles to start with, then both kinds in turn."""
    first = [("singles", k) for k in range(count // 3)]
    turn = [pair for k in range(count) for pair in (("scenes", k), ("singles", count // 3 + k)) if pair[1] < count]
    return first + turn


def _padded(numbers: list[int], width: int) -> list[int]:
    kept = list(dict.fromkeys(numbers))[:width]
    return kept + [-1] * (width - len(kept))


def pack(pictures: list[Picture], world: World, tell: Teller | None = None) -> Shard:
    """Pictures as arrays, their facts as numbers, their captions as vectors."""
    number = world.facts.number
    told = tell([p.caption for p in pictures]) if tell else np.zeros((len(pictures), 0), np.float16)
    return Shard(
        np.stack([np.asarray(p.image, np.uint8) for p in pictures]),
        np.array([_padded(p.rows, THINGS) for p in pictures], np.int16),
        np.array([_padded([number[f] for f in p.facts], PHRASES) for p in pictures], np.int16),
        np.array([_padded([number[f] for f in p.claims], CLAIMS) for p in pictures], np.int16),
        np.array([p.open_colour for p in pictures], bool),
        told,
    )


def make(world: World, kind: str, index: int, tell: Teller, count: int = COUNT) -> Shard:
    """One shard, the same for the same world, kind and index."""
    composer = Composer(world, SEED + 1000 * index + KINDS.index(kind))
    if kind == "singles":
        return pack([composer.single() for _ in range(count)], world)
    return pack([composer.scene() for _ in range(count)], world, tell)


def save(target: Path, shard: Shard) -> None:
    """Replaced whole, so that a reader never sees half a file."""
    draft = target.with_suffix(".draft.npz")
    np.savez(draft, allow_pickle=False, **vars(shard))
    draft.replace(target)


def load(source: Path) -> Shard:
    """One shard from its file."""
    with np.load(source) as stored:
        return Shard(**{name: stored[name] for name in stored.files})


def feed(work: Work) -> None:
    """Makes every shard that is missing, in the order of the plan."""
    missing = [(kind, index) for kind, index in plan() if not path(work, kind, index).exists()]
    if not missing:
        return
    progress, world, tell = Progress("shards"), World(work, TRAIN_STYLES, SEED), teller(work)
    for kind, index in missing:
        began = time.monotonic()
        save(path(work, kind, index), make(world, kind, index, tell))
        world.refresh(60)
        progress.say(f"{kind} {index}: {COUNT / (time.monotonic() - began):.0f} pictures/s", always=False)
