"""What people do with their share links: each is known by a token that is told once and kept as a hash."""

import hashlib
import secrets
import uuid
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from functions.core.catalog.read import Desk
from functions.core.ids import UserId
from functions.core.passwords import Passwords
from functions.core.postgres import audit_log
from functions.core.runtime.run import World
from functions.core.signing import seal, unseal
from functions.shares import rows
from functions.shares.contract import ChangeShare, ListShares, MakeShare, ShareMadeOut, ShareOut, SharesOut

CURSOR: Final = "shares"
TOKEN_BYTES: Final = 16


def hashed(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def page(world: World, desk: Desk, maker: UserId, asked: ListShares) -> SharesOut:
    """The caller's links, newest first, those that have expired too."""
    after = UUID(str(unseal(desk.media, CURSOR, asked.cursor)["after"])) if asked.cursor else None
    async with world.database.transaction() as tx:
        found = await rows.page(tx, maker, asked, after)
    items = [ShareOut.model_validate(row) for row in found[: asked.limit]]
    more = len(found) > asked.limit
    return SharesOut(items=items, next_cursor=seal(desk.media, CURSOR, {"after": str(items[-1].id)}) if more else None)


async def make(world: World, maker: UserId, wanted: MakeShare, passwords: Passwords, address: str) -> ShareMadeOut:
    """A new link below the gallery's address; NotFound for what is not the caller's."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    async with world.database.transaction() as tx:
        await rows.may_make(tx, maker, wanted)  # a stranger's wish costs no password
    password = await passwords.keep(wanted.password) if wanted.password else None
    async with world.database.transaction() as tx:
        row = await rows.make(tx, maker, wanted, hashed(token), password)
        await audit_log.note(tx, maker, "share.created", f"share:{row['id']}", after=_facts(row))
    return ShareMadeOut(**row, token=token, url=f"{address}/s/{token}")


async def change(world: World, maker: UserId, share: UUID, wanted: ChangeShare, passwords: Passwords) -> ShareOut:
    """Another name, expiry or password; with another password nobody who had unlocked the link goes on.

    Raises NotFound for a link that is not the maker's, before anything is computed for it.
    """
    async with world.database.transaction() as tx:
        await rows.ensure_own(tx, maker, share)
    given = wanted.model_dump(include={"name", "expires_at"} & wanted.model_fields_set)
    given = {name: value for name, value in given.items() if value is not None or name == "expires_at"}
    if "password" in wanted.model_fields_set:
        password = await passwords.keep(wanted.password) if wanted.password else None
        given |= rows.locked_by(password, uuid.uuid4())
    async with world.database.transaction() as tx:
        row = await rows.change(tx, maker, share, given)
        await audit_log.note(tx, maker, "share.changed", f"share:{share}", after=_facts(row))
    return ShareOut.model_validate(row)


async def revoke(world: World, maker: UserId, share: UUID) -> None:
    """The link leads nowhere from now on, and the addresses of pictures that it showed within five seconds."""
    async with world.database.transaction() as tx:
        await rows.revoke(tx, maker, share)
        await audit_log.note(tx, maker, "share.revoked", f"share:{share}")


def _facts(row: DictRow) -> dict[str, str]:
    return {name: str(row[name]) for name in ("asset_id", "collection_id", "has_password", "expires_at")}
