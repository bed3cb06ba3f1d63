"""One-time links and browser sessions of the embedded gallery; a stolen database opens no door."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from functions.core.ids import UserId
from functions.core.tx import Tx, one

LINK_LIFETIME: Final = timedelta(minutes=10)
INVITATION_LIFETIME: Final = timedelta(days=3)
SESSION_LIFETIME: Final = timedelta(days=30)
LINK_BYTES: Final = 16
SESSION_BYTES: Final = 32


async def create_link(tx: Tx, user_id: UserId, now: datetime, lifetime: timedelta = LINK_LIFETIME) -> str:
    """The secret of a new sign-in link (22 URL-safe characters), which works once, for ten minutes unless otherwise said."""
    token = secrets.token_urlsafe(LINK_BYTES)
    await tx.execute(
        "INSERT INTO local_link (hash, user_id, expires_at) VALUES (%s, %s, %s)",
        (_hash(token), user_id, now + lifetime),
    )
    return token


async def redeem_link(tx: Tx, token: str, now: datetime) -> UserId | None:
    """Whom the link signs in, once: of several who try at the same time, one succeeds."""
    row = await one(
        tx,
        "UPDATE local_link SET used_at = %s WHERE hash = %s AND used_at IS NULL AND expires_at > %s RETURNING user_id",
        *(now, _hash(token), now),
    )
    return UserId(row["user_id"]) if row else None


async def create_session(tx: Tx, user_id: UserId, now: datetime) -> str:
    """The secret of a new session (43 URL-safe characters) for the cookie, good for thirty days."""
    token = secrets.token_urlsafe(SESSION_BYTES)
    await tx.execute(
        "INSERT INTO local_session (hash, user_id, expires_at) VALUES (%s, %s, %s)",
        (_hash(token), user_id, now + SESSION_LIFETIME),
    )
    return token


async def session_user(tx: Tx, token: str, now: datetime) -> UserId | None:
    """Whose session this is, unless it has ended; whether they are banned is not asked here."""
    row = await one(tx, "SELECT user_id FROM local_session WHERE hash = %s AND expires_at > %s", _hash(token), now)
    return UserId(row["user_id"]) if row else None


async def end_session(tx: Tx, token: str) -> None:
    """Sign out; a session that is not there is fine."""
    await tx.execute("DELETE FROM local_session WHERE hash = %s", (_hash(token),))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
