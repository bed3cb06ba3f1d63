"""The SQL of share links."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.catalog.read import seen_by
from functions.core.errors import NotFound, TooMany
from functions.core.filters import Is
from functions.core.ids import UserId, uuid7
from functions.core.passwords import Kept
from functions.core.postgres.where import FROM
from functions.core.tx import Tx, one, rows
from functions.core.visibility import Link, Viewer
from functions.shares.contract import ListShares, MakeShare

MOST_SHARES: Final = 1_000
COLUMNS: Final = "id, asset_id, collection_id, name, password IS NOT NULL AS has_password, expires_at, created_at"


@dataclass(frozen=True, slots=True)
class Living:
    """A link that has not expired, of somebody in good standing: what it leads to, and its password."""

    id: UUID
    link: Link
    asset: UUID | None
    collection: UUID | None
    title: str
    description: str
    expires_at: datetime | None
    password: Kept | None


async def page(tx: Tx, maker: UserId, asked: ListShares, after: UUID | None) -> list[DictRow]:
    """The maker's links, newest first, and one more than asked for, by which the caller knows that there is another."""
    more = [("asset_id = %s", asked.asset_id), ("collection_id = %s", asked.collection_id), ("id < %s", after)]
    given = [(part, value) for part, value in more if value]
    narrowed = " AND ".join(["maker = %s", *(part for part, _ in given)])
    return await rows(
        tx, f"SELECT {COLUMNS} FROM shares WHERE {narrowed} ORDER BY id DESC LIMIT %s",
        maker, *(value for _, value in given), asked.limit + 1,
    )  # fmt: skip


async def make(tx: Tx, maker: UserId, wanted: MakeShare, token: bytes, password: Kept | None) -> DictRow:
    """A new link; NotFound for what is not the maker's, TooMany over MOST_SHARES, also in a race."""
    await tx.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [maker])
    await may_make(tx, maker, wanted)
    made = await one(
        tx,
        "INSERT INTO shares (id, maker, asset_id, collection_id, name, token, salt, password, expires_at)"
        f" VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}",
        uuid7(), maker, wanted.asset_id, wanted.collection_id, wanted.name, token, *_columns(password),
        wanted.expires_at,
    )  # fmt: skip
    assert made  # noqa: S101 -- narrows: RETURNING gives the row
    return made


async def may_make(tx: Tx, maker: UserId, wanted: MakeShare) -> None:
    """Raise NotFound for what is not the maker's, TooMany over MOST_SHARES."""
    row = await one(tx, "SELECT count(*) AS there FROM shares WHERE maker = %s", maker)
    if row and row["there"] >= MOST_SHARES:
        raise TooMany("no more links", limit=MOST_SHARES)
    if wanted.asset_id:
        sql, values = seen_by(Viewer(maker), Is("owner", (str(maker),)))
        found = await one(tx, f"SELECT a.id FROM {FROM} WHERE a.id = %s AND {sql}", wanted.asset_id, *values)
    else:
        found = await one(tx, "SELECT id FROM collections WHERE id = %s AND owner = %s", wanted.collection_id, maker)
    if found is None:
        raise NotFound


async def ensure_own(tx: Tx, maker: UserId, share: UUID) -> None:
    """Raise NotFound for a link that is not the maker's."""
    if not await one(tx, "SELECT id FROM shares WHERE id = %s AND maker = %s", share, maker):
        raise NotFound


async def change(tx: Tx, maker: UserId, share: UUID, given: dict[str, object]) -> DictRow:
    """Write the columns that are given; NotFound for a link that is not the maker's."""
    sets = ", ".join(["id = id", *(f"{name} = %s" for name in given)])
    row = await one(
        tx, f"UPDATE shares SET {sets} WHERE id = %s AND maker = %s RETURNING {COLUMNS}", *given.values(), share, maker
    )
    if row is None:
        raise NotFound
    return row


def locked_by(password: Kept | None, reach: UUID) -> dict[str, object]:
    """The columns of a new password, or of none: with it nothing that was handed out before is good any more."""
    salt, hashed = _columns(password)
    return {"salt": salt, "password": hashed, "reach": reach}


def _columns(password: Kept | None) -> tuple[bytes | None, bytes | None]:
    return (password.salt, password.hashed) if password else (None, None)


async def revoke(tx: Tx, maker: UserId, share: UUID) -> None:
    """Nothing is left of a link; NotFound when it is not the maker's."""
    if not await one(tx, "DELETE FROM shares WHERE id = %s AND maker = %s RETURNING id", share, maker):
        raise NotFound


async def living(tx: Tx, token: bytes) -> Living:
    """The link whose token has this hash; NotFound alike for one that never was, was revoked or has expired."""
    row = await one(
        tx,
        "SELECT s.*, c.title, c.description FROM shares s JOIN users u ON u.id = s.maker"
        " LEFT JOIN collections c ON c.id = s.collection_id"
        " WHERE s.token = %s AND u.banned_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())",
        token,
    )
    if row is None:
        raise NotFound
    password = Kept(row["salt"], row["password"]) if row["password"] else None
    return Living(
        row["id"], Link(row["reach"], UserId(row["maker"])), row["asset_id"], row["collection_id"], row["title"] or "",
        row["description"] or "", row["expires_at"], password,
    )  # fmt: skip
