"""Names for files that leave: readable, safe on every system, and never twice."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.core.text import line

UNSAFE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]+')
LONGEST: Final = 80
ENDINGS: Final = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "image/heic": "heic",
}  # fmt: skip


def original(asset: UUID, name: str, content_type: str, at: datetime) -> str:
    """`originals/2026-11/harbour-1f2e3d4c5b6a.jpg`: the month, what its owner called it, the end of its id.

    The ending is that of the kind we found, whatever the name says; the id keeps two of one name apart.
    """
    stem = UNSAFE.sub("-", line(name, 255)).rpartition(".")
    readable = (stem[0] or stem[2])[:LONGEST].strip(" .-") or "picture"
    return f"originals/{at:%Y-%m}/{readable}-{asset.hex[-12:]}.{ENDINGS.get(content_type, 'bin')}"
