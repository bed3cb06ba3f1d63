"""The obvious reading of ingest, to compare with: one process, every size from the full picture, a decode per use."""

import hashlib
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import numpy as np
import psycopg
from PIL import Image
from psycopg.types.json import Jsonb

from functions.core.adapters.embedder_onnx import OnnxEmbedder
from functions.core.pictures import colors, hashes, metadata
from functions.core.pictures.decode import fitted
from functions.core.ports import Vector

SIDES: Final = (1_600, 720, 256)
TABLE: Final = """
    CREATE TEMPORARY TABLE naive (id uuid PRIMARY KEY, sha256 bytea, thumbhash bytea, phash numeric, colors text[],
        exif jsonb, ai jsonb, vector bytea)
"""


@dataclass(slots=True)
class Cost:
    """Seconds of one image: by the clock, and of computing."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class NaiveGallery:
    """Files in a folder, rows in a table, vectors in a list that a search would scan."""

    folder: Path
    database: psycopg.Connection
    model: OnnxEmbedder
    vectors: list[tuple[UUID, Vector]] = field(default_factory=list)

    def prepare(self) -> None:
        """The table, and one search and one picture, so that nothing is loaded while the clock runs."""
        self.database.execute(TABLE)
        blank = BytesIO()
        Image.new("RGB", (64, 64)).save(blank, "PNG")
        self.model.embed_images([blank.getvalue()])

    def timed(self, data: bytes) -> Cost:
        """Take one image in, and say what it cost."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.ingest(data)
        return Cost(time.perf_counter() - wall, time.process_time() - cpu)

    def ingest(self, data: bytes) -> None:
        """Renditions, hashes, metadata, vector, row; it can be found at the end."""
        asset, digest = uuid4(), hashlib.sha256(data).digest()
        picture = Image.open(BytesIO(data))
        exif, ai = metadata.read(picture)
        full = picture.convert("RGB")
        made = [full.resize(fitted(full.size, side), Image.Resampling.LANCZOS) for side in SIDES]
        for side, rendition in zip(SIDES, made, strict=True):
            rendition.save(self.folder / f"{asset}-{side}.webp", "WEBP", quality=80, method=4)
        vector = self._vector(data)
        small = made[-1]
        facts = (digest, hashes.thumbhash(small), hashes.phash(small), list(colors.dominant(small)))
        told = (asset, *facts, Jsonb(dict(exif)), Jsonb(dict(ai)), vector.tobytes())
        with self.database.transaction():
            self.database.execute("INSERT INTO naive VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", told)
        self.vectors.append((asset, vector))

    def nearest(self, wanted: Vector, limit: int) -> list[UUID]:
        """The linear scan."""
        scores = np.stack([vector for _, vector in self.vectors]) @ wanted
        return [self.vectors[place][0] for place in np.argsort(-scores)[:limit]]

    def _vector(self, data: bytes) -> Vector:
        """From the original once more, as the model's own transform would."""
        vector: Vector = self.model.embed_images([data])[0]
        return vector
