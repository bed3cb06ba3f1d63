"""Points that look like CLIP's: clusters in a narrow cone, the same for the same seed in any process."""

from collections.abc import Iterator
from uuid import UUID

import numpy as np

from functions.core.ids import AssetId
from functions.core.ports import Point, Vector

_CLUSTER = 50


def an_id(number: int) -> AssetId:
    return AssetId(UUID(int=number + 1))


def clip_like(count: int, dim: int, seed: int = 0, clusters_seed: int = 0) -> Vector:
    """Unit rows of mean pairwise cosine about 0.5, in clusters of about fifty."""
    centres = np.random.default_rng(clusters_seed).normal(size=(max(1, count // _CLUSTER), dim)) * 0.7 + 0.9
    random = np.random.default_rng(seed)
    rows = centres[random.integers(0, len(centres), count)] + 0.5 * random.normal(size=(count, dim))
    unit: Vector = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def a_payload(number: int) -> dict[str, object]:
    """Facts of one asset: two owners, some of it public, some in the trash."""
    return {
        "owner": f"owner-{number % 2}",
        "visibility": "public" if number % 3 else "private",
        "moderation": "approved",
        "trashed": number % 10 == 0,
        "banned": False,
        "tags": [f"tag-{number % 7}"],
        "created": 1_700_000_000.0 + number,
    }


def some_points(count: int, dim: int, first: int = 0, seed: int = 0) -> Iterator[Point]:
    """Points numbered from `first`."""
    for number, vector in enumerate(clip_like(count, dim, seed), first):
        yield Point(an_id(number), vector, a_payload(number))
