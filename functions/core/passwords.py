"""Passwords, kept as salted scrypt: a few are computed at a time, never on the event loop."""

import asyncio
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from functions.core.errors import Limited

SALT_BYTES: Final = 16
COST: Final = 1 << 15
BLOCK: Final = 8
PARALLEL: Final = 3
MEMORY_BYTES: Final = 64 << 20
AT_ONCE: Final = 2
MOST_WAITING: Final = 16
BUSY_S: Final = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of a password: its own salt, and scrypt of both."""

    salt: bytes
    hashed: bytes


@dataclass(slots=True)
class Line:
    """Those who wait, and those whose turn it is."""

    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _asked: int = 0

    async def scrypt(self, password: str, salt: bytes) -> bytes:
        """The hash, off the event loop; raises Limited when too many wait."""
        if self._asked >= AT_ONCE + MOST_WAITING:
            raise Limited("too many passwords are being looked at", retry_after=BUSY_S)
        self._asked += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(_scrypt, password, salt)
        finally:
            self._asked -= 1


@dataclass(slots=True)
class Passwords:
    """The turns of one process, those who make links and their visitors apart; each costs about 0.3 s and 32 MiB."""

    _makers: Line = field(default_factory=Line)
    _visitors: Line = field(default_factory=Line)

    async def keep(self, password: str) -> Kept:
        """What to store of a new password; raises Limited when too many wait."""
        salt = secrets.token_bytes(SALT_BYTES)
        return Kept(salt, await self._makers.scrypt(password, salt))

    async def holds(self, password: str, kept: Kept) -> bool:
        """Whether it is the password; raises Limited when too many wait."""
        return hmac.compare_digest(await self._visitors.scrypt(password, kept.salt), kept.hashed)


def _scrypt(password: str, salt: bytes) -> bytes:
    # The same letters may be typed in several ways: one spelling of them is meant.
    said = unicodedata.normalize("NFKC", password).encode()
    return hashlib.scrypt(said, salt=salt, n=COST, r=BLOCK, p=PARALLEL, maxmem=MEMORY_BYTES, dklen=32)
