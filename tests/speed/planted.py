"""Ten thousand assets that were never uploaded: rows as the pipeline leaves them, with made-up vectors, in seconds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from functions.core.ids import UserId, uuid7
from functions.core.models.embedding import to_bytes

ALIKE: Final = 1.1
"""How far pictures lie apart: pairs have a cosine of about 0.5, as those of real galleries do."""
BATCH: Final = 1_000
LOOKS: Final = (
    "red", "blue", "green", "golden", "dark", "bright", "old", "small", "huge", "wet", "dry", "quiet", "wild", "soft",
    "broken", "empty", "frozen", "wooden", "round", "tall", "striped", "painted", "sleepy", "shiny",
)  # fmt: skip
THINGS: Final = (
    "cat", "dog", "horse", "bird", "fish", "fox", "bear", "tree", "flower", "leaf", "house", "tower", "bridge", "boat",
    "car", "train", "bicycle", "plane", "chair", "table", "lamp", "clock", "book", "cup", "apple", "cake", "bread",
    "guitar", "drum", "ball", "kite", "hat", "shoe", "coat", "mask", "crown", "ring", "key", "door", "window", "robot",
    "castle", "dragon", "owl", "bee", "snail", "whale", "star",
)  # fmt: skip
PLACES: Final = (
    "beach", "forest", "city", "desert", "mountain", "river", "lake", "garden", "kitchen", "street", "harbour", "field",
    "island", "cave", "village", "park", "market", "station", "library", "museum", "valley", "meadow", "studio", "space",
)  # fmt: skip
ASSET: Final = """
    INSERT INTO assets (id, owner, state, moderation, name, title, declared_type, content_type, size, sha256, width, height,
        phash, thumbhash, colors, color_names, form_expires_at, completed_at, created_at)
    VALUES (%s, %s, 'ready', 'approved', %s, %s, 'image/jpeg', 'image/jpeg', 2700000, %s, 4000, 3000, 0, %s,
        '{"#804020","#203040"}', '{brown,blue}', now(), now(), %s)
"""
RENDITION: Final = "INSERT INTO renditions VALUES (%s, 1, %s, %s, %s, %s, 50000)"
SIZES: Final = (("256", 256, 192, "image/webp"), ("720", 720, 540, "image/webp"), ("1600", 1600, 1200, "image/jpeg"))


def sentences(rng: np.random.Generator) -> Iterator[str]:
    """What a picture may show, in three words, without end."""
    while True:
        look, thing, place = rng.integers(0, (len(LOOKS), len(THINGS), len(PLACES)))
        yield f"{LOOKS[look]} {THINGS[thing]} in the {PLACES[place]}"


def plant(url: str, owner: UserId, model: str, dim: int, count: int) -> None:
    """So many assets of one owner, ready, with titles, tags, three renditions and a vector; `url` is the tables' owner's."""
    rng = np.random.default_rng(0)
    with psycopg.connect(url, autocommit=True) as database:
        for start in range(0, count, BATCH):
            with database.transaction(), database.cursor() as rows:
                _batch(rows, rng, owner, (model, dim), min(BATCH, count - start))
        database.execute("UPDATE assets SET words = asset_words(id)")
        database.execute("VACUUM ANALYZE")


def _batch(rows: Any, rng: np.random.Generator, owner: UserId, model: tuple[str, int], count: int) -> None:
    name, dim = model
    ids = [uuid7() for _ in range(count)]
    raw = rng.normal(0, ALIKE / np.sqrt(dim), (count, dim)) + np.eye(dim)[0]
    vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    titles = sentences(rng)
    day = datetime.now(UTC)
    rows.executemany(ASSET, [
        (asset, owner, f"IMG_{rng.integers(1, 9999)}.jpg", next(titles), rng.bytes(32), rng.bytes(24),
         day - timedelta(minutes=int(rng.integers(0, 10**6))))
        for asset in ids
    ])  # fmt: skip
    rows.executemany(RENDITION, [(asset, *size) for asset in ids for size in SIZES])
    rows.executemany(
        "INSERT INTO metadata VALUES (%s, %s, '{}')", [(asset, Jsonb({"camera": "bench"})) for asset in ids]
    )
    rows.executemany("INSERT INTO tags VALUES (%s, 'bench', 'user', 1)", [(asset,) for asset in ids])
    rows.executemany("INSERT INTO embeddings VALUES (%s, %s, 1, %s)", [
        (asset, name, to_bytes(vector)) for asset, vector in zip(ids, vectors, strict=True)
    ])  # fmt: skip
