"""The SQL of people."""

import re
from typing import Final

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from functions.core.catalog.read import seen_by
from functions.core.errors import HandleTaken, NotFound
from functions.core.filters import All, Clause, Is, Not
from functions.core.ids import UserId
from functions.core.postgres.where import FROM, where
from functions.core.text import line
from functions.core.tx import Tx, one, rows
from functions.core.visibility import Viewer
from functions.people.contract import ChangeMe

TOLD: Final = "id, handle, name, settings, created_at"
RESERVED: Final = (
    "about", "account", "admin", "administrator", "all", "anonymous", "anybody", "api", "assets", "everybody", "everyone",
    "gallery", "guest", "help", "info", "mail", "me", "media", "mira", "miraveja", "mod", "moderator", "nobody", "none",
    "null", "official", "operator", "owner", "postmaster", "root", "search", "security", "settings", "somebody", "staff",
    "support", "system", "team", "undefined", "unknown", "user", "users", "webmaster", "www", "you",
)  # fmt: skip
"""Nobody's handle, nor such words in a row: words that speak for the gallery, or mean something in an address."""
GIVEN: Final = "user"
"""How the handles begin that the gallery gives to newcomers, before a hyphen."""
TAKEN: Final = "this handle, or one that looks like it, is taken"
PARTS: Final = re.compile("[._-]")
MEANT: Final = """
SELECT word, handle_alike(word) = handle_alike(%s) AS given FROM unnest(%s::text[]) AS word
WHERE handle_alike(word) IN (SELECT handle_alike(reserved) FROM unnest(%s::text[]) AS reserved)
"""
FORMER: Final = """
SELECT 1 FROM former_handles WHERE alike = handle_alike(%s) AND user_id <> %s AND at > now() - interval '30 days'
"""
GIVE_UP: Final = """
INSERT INTO former_handles (alike, handle, user_id) VALUES (handle_alike(%s), %s, %s)
ON CONFLICT (alike) DO UPDATE SET handle = excluded.handle, user_id = excluded.user_id, at = excluded.at
"""
# Nobody hoards names by going through them.
NOT_MANY: Final = """
DELETE FROM former_handles WHERE alike IN (SELECT alike FROM former_handles WHERE user_id = %s ORDER BY at DESC OFFSET 5)
"""


async def person(tx: Tx, user: UserId) -> DictRow:
    """One person's own row."""
    row = await one(tx, f"SELECT {TOLD} FROM users WHERE id = %s", user)
    if row is None:
        raise NotFound
    return row


async def change(tx: Tx, user: UserId, wanted: ChangeMe) -> None:
    """Write what is given; raises HandleTaken for a handle that is somebody's, reserved, or looks like such a one."""
    if wanted.handle is not None:
        await _take(tx, user, wanted.handle)
    if wanted.name is not None:
        await tx.execute("UPDATE users SET name = %s WHERE id = %s", [wanted.name, user])
    if wanted.settings is not None:
        said = wanted.settings.model_dump(by_alias=True, exclude_none=True)
        await tx.execute("UPDATE users SET settings = settings || %s WHERE id = %s", [Jsonb(said), user])


async def _take(tx: Tx, user: UserId, handle: str) -> None:
    """One's own handle may be said again, also one that was given; one that was given up stays theirs for 30 days."""
    before = await one(tx, "SELECT handle FROM users WHERE id = %s FOR NO KEY UPDATE", user)
    if before is None or before["handle"] == handle:
        return
    if await _reserved(tx, handle):
        raise HandleTaken("this handle is reserved")
    try:
        await tx.execute("UPDATE users SET handle = %s WHERE id = %s", [handle, user])
    except UniqueViolation:
        raise HandleTaken(TAKEN) from None
    if await one(tx, FORMER, handle, user):  # looked at last: its holder may have given it up just now
        raise HandleTaken(TAKEN)
    await tx.execute(GIVE_UP, [before["handle"], before["handle"], user])
    await tx.execute(NOT_MANY, [user])


async def _reserved(tx: Tx, handle: str) -> bool:
    """Whether it says nothing but reserved words, one or several, in the plural or with digits after them."""
    parts = [part for part in PARTS.split(handle) if not part.isdigit()]
    forms = {word: _plain(word) for word in (handle, *parts)}
    found = await rows(tx, MEANT, GIVEN, list(set().union(*forms.values())), list(RESERVED))
    meant = {row["word"] for row in found}
    given = {row["word"] for row in found if row["given"]}
    reserved = {word for word, plain in forms.items() if plain & meant}
    return (
        handle in reserved
        or (bool(parts) and reserved.issuperset(parts))
        or (len(parts) > 1 and not given.isdisjoint(forms[parts[0]]))
    )


def _plain(word: str) -> set[str]:
    """A word, and what it is without digits or an s at its end."""
    bare = word.rstrip("0123456789._-")
    return {word, bare, word.removesuffix("s"), bare.removesuffix("s")} - {""}


async def find(tx: Tx, who: str) -> tuple[UserId, str]:
    """Somebody's id and handle, by either; NotFound for nobody."""
    row = await one(tx, "SELECT id, handle FROM users WHERE handle = %s OR id::text = %s", who.lower(), who.lower())
    if row is None:
        raise NotFound(f"there is no {line(who, 64)!r} here")
    return UserId(row["id"]), row["handle"]


async def everyone(tx: Tx, part: str) -> list[DictRow]:
    """The newest thousand people whose handle or name has this in it, banned ones too."""
    return await rows(
        tx,
        "SELECT id, handle, name, created_at, banned_at FROM users"
        " WHERE position(folded(%s) IN folded(handle || ' ' || name)) > 0 ORDER BY created_at DESC, id DESC LIMIT 1000",
        part,
    )


async def states(tx: Tx, user: UserId) -> dict[str, int]:
    """How many assets of one person are in each state."""
    return await _counts(tx, Viewer(user), Is("owner", (str(user),)))


async def profile(tx: Tx, viewer: Viewer, handle: str) -> tuple[DictRow, int]:
    """Somebody by handle, and how many of their assets the viewer finds; NotFound also for the banned."""
    standing, bound = where(Is("banned", (False,)))
    row = await one(tx, f"SELECT {TOLD} FROM users u WHERE u.handle = %s AND {standing}", handle.lower(), *bound)
    if row is None:
        raise NotFound("there is no such person here")
    found = await _counts(tx, viewer, All((Is("owner", (str(row["id"]),)), Not(Is("trashed", (True,))))))
    return row, found.get("ready", 0)


async def _counts(tx: Tx, viewer: Viewer, clause: Clause) -> dict[str, int]:
    sql, values = seen_by(viewer, clause)
    found = await rows(
        tx, f"SELECT a.state, count(*) AS n FROM {FROM} WHERE {sql} GROUP BY a.state ORDER BY a.state", *values
    )
    return {row["state"]: row["n"] for row in found}
