"""Callers: the verified principal and the user it is here, known by issuer and subject alone."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from functions.core.errors import Forbidden
from functions.core.identity.principal import Principal
from functions.core.ids import UserId, uuid7
from functions.core.text import line
from functions.core.times import utcnow
from functions.core.tx import Tx, one
from functions.core.visibility import Viewer


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    user: UserId
    handle: str
    name: str
    created_at: datetime
    principal: Principal

    @property
    def viewer(self) -> Viewer:
        """The caller as somebody who looks at assets; a moderator only with a fresh token."""
        return Viewer(self.user, moderator=self.principal.is_moderator(utcnow()))


async def recognise(tx: Tx, principal: Principal) -> Caller:
    """The user of (issuer, subject), made at the first visit; raises Forbidden for one who is banned."""
    row = await one(
        tx, "SELECT id, handle, name, banned_at, created_at FROM users WHERE (issuer, subject) = (%s, %s)",
        principal.issuer, principal.subject,
    ) or await _welcome(tx, principal)  # fmt: skip
    if row["banned_at"]:
        raise Forbidden("this account is suspended")
    return Caller(UserId(row["id"]), row["handle"], row["name"], row["created_at"], principal)


def departure(issuer: str, subject: str) -> bytes:
    """By what somebody who left is known for a day, and read by nobody."""
    return hashlib.sha256(f"{issuer}\0{subject}".encode()).digest()


async def has_left(tx: Tx, issuer: str, subject: str) -> bool:
    """Whether this person's account was erased a while ago, or is being erased."""
    return await one(
        tx,
        "SELECT 1 FROM departed WHERE hash = %s UNION ALL"
        " SELECT 1 FROM users WHERE (issuer, subject) = (%s, %s) AND erased_at IS NOT NULL",
        departure(issuer, subject), issuer, subject,
    ) is not None  # fmt: skip


async def in_standing(tx: Tx, user: UserId) -> tuple[str, str] | None:
    """Subject and name of a user who is not banned."""
    row = await one(tx, "SELECT subject, name FROM users WHERE id = %s AND banned_at IS NULL", user)
    return (row["subject"], row["name"]) if row else None


async def _welcome(tx: Tx, principal: Principal) -> DictRow:
    erased = "SELECT 1 FROM departed WHERE hash = %s AND at >= to_timestamp(%s)"
    if await one(tx, erased, departure(*principal.key), principal.issued_at):
        raise Forbidden("this account was erased")
    user = uuid7()
    name = line(principal.name or "", 64) or "Somebody"
    await tx.execute(
        "INSERT INTO users (id, issuer, subject, handle, name) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (issuer, subject) DO NOTHING",
        [user, principal.issuer, principal.subject, f"user-{user.hex[-12:]}", name],
    )
    row = await one(tx, "SELECT id, handle, name, banned_at, created_at FROM users WHERE (issuer, subject) = (%s, %s)",
                    principal.issuer, principal.subject)  # fmt: skip
    assert row  # noqa: S101 -- narrows: it was there, or we have just made it
    return row
