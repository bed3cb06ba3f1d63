"""Identifiers: types that keep assets and users apart, and time-ordered UUIDs (RFC 9562, version 7)."""

import secrets
import time
from typing import NewType
from uuid import UUID

AssetId = NewType("AssetId", UUID)
UserId = NewType("UserId", UUID)


def uuid7() -> UUID:
    """A new id: 48 bits of Unix time in milliseconds, then randomness; later ids sort later."""
    random = secrets.randbits(74)
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=value)
