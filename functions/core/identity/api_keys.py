"""API keys at the door: told apart from tokens by their form, known here by their hash alone."""

import hashlib
import logging
import re
import secrets
import time
from typing import Final

from functions.core.errors import Unauthenticated
from functions.core.identity.principal import Principal
from functions.core.identity.recent import Recent
from functions.core.tx import Database, Tx, one

KEY: Final = re.compile(r"mv_[A-Za-z0-9_-]{43}", re.ASCII)
KEY_BYTES: Final = 32
REMEMBERED_S: Final = 5.0
MOST_REMEMBERED: Final = 10_000
CLIENT: Final = "api-key"
# Not more than once a minute, so that a busy key is no busy row.
USED: Final = """
UPDATE api_keys SET used_at = now()
WHERE hash = %s AND expires_at > now() AND (used_at IS NULL OR used_at < now() - interval '1 minute')
"""
HOLDER: Final = """
SELECT u.issuer, u.subject, u.name, k.scopes, extract(epoch FROM k.expires_at)::bigint AS expires_at,
    extract(epoch FROM k.expires_at - now())::float AS left_s
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = %s AND k.expires_at > now()
"""

log = logging.getLogger(__name__)


def new_key() -> str:
    """A key: `mv_` and 32 random bytes as 43 URL-safe characters."""
    return f"mv_{secrets.token_urlsafe(KEY_BYTES)}"


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


class ApiKeys:
    """Keys by their hash, looked up again after five seconds, so that one that was revoked works no more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: Recent[Principal] = Recent(MOST_REMEMBERED)

    def known(self, key: str) -> Principal | None:
        """Whom a key speaks for that was looked up just now."""
        return self._recent.get(digest(key), time.monotonic())

    async def principal(self, key: str) -> Principal:
        """Whom a key speaks for; Unauthenticated for one that is unknown, expired or revoked: which, nobody is told."""
        return self.known(key) or await self._look(digest(key))

    def forget(self, hashed: bytes) -> None:
        """Look a key up anew when it is shown next."""
        self._recent.forget(hashed)

    async def _look(self, hashed: bytes) -> Principal:
        async with self._database.transaction() as tx:
            found = await holder(tx, hashed)
        if found is None:
            log.info("key refused", extra={"reason": "unknown, expired or revoked"})
            raise Unauthenticated(code="invalid_token")
        known, left_s = found
        self._recent.put(hashed, known, time.monotonic() + min(REMEMBERED_S, left_s))
        return known


async def holder(tx: Tx, hashed: bytes) -> tuple[Principal, float] | None:
    """Whom the key of a hash speaks for, and the seconds it has left; None for one that does not hold.

    It is never more than a user, whatever its maker is, and never fresh, as privileges ask for.
    """
    row = await one(tx, HOLDER, hashed)
    if row is None:
        return None
    await tx.execute(USED, [hashed])
    scopes = frozenset(row["scopes"])
    user = frozenset({"user"})
    known = Principal(row["issuer"], row["subject"], user, 0, row["expires_at"], CLIENT, row["name"], scopes)
    return known, row["left_s"]
