"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): ranks of different scales become one order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from functions.core.ids import AssetId
from functions.core.ports import Scored

K: Final = 60


@dataclass(frozen=True, slots=True)
class Found:
    """An asset in the fused order; `cosine` is None when only its words were found."""

    id: AssetId
    cosine: float | None
    why: tuple[str, ...]
    weight: float


def fuse(near: Sequence[Scored], said: Sequence[AssetId]) -> list[Found]:
    """One order of what is near as a picture and what says so in words, best first; ties fall by id."""
    cosines = {scored.id: scored.cosine for scored in near}
    by_picture = {scored.id: rank for rank, scored in enumerate(near)}
    by_words = {asset: rank for rank, asset in enumerate(said)}
    everything = [
        Found(
            asset, cosines.get(asset), _why(asset in by_picture, asset in by_words), _worth(asset, by_picture, by_words)
        )
        for asset in by_picture | by_words
    ]
    return sorted(everything, key=lambda found: (-found.weight, found.id))


def _worth(asset: AssetId, *lists: dict[AssetId, int]) -> float:
    return sum(1 / (K + ranks[asset] + 1) for ranks in lists if asset in ranks)


def _why(picture: bool, words: bool) -> tuple[str, ...]:  # noqa: FBT001 -- two facts side by side
    return (("picture",) if picture else ()) + (("words",) if words else ())
