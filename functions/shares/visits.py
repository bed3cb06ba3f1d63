"""What whoever has a link sees through it, and how a password opens it."""

from dataclasses import replace

from functions.core.asked import asked
from functions.core.catalog import collections, read
from functions.core.catalog.contract import Part
from functions.core.catalog.read import Desk
from functions.core.errors import Limited, PasswordRequired
from functions.core.passwords import Kept, Passwords
from functions.core.runtime.run import World
from functions.core.tx import Tx
from functions.core.visibility import Viewer
from functions.shares import rows, tries
from functions.shares.contract import SharedCollectionOut, SharedOut
from functions.shares.handler import hashed
from functions.shares.rows import Living
from functions.shares.unlocking import opens, unlocked


async def look(world: World, desk: Desk, token: str, part: Part, unlock: str | None) -> SharedOut:
    """What the link leads to; NotFound when there is no such link, or nothing behind it, PasswordRequired before one."""
    async with world.database.transaction() as tx:
        share = await rows.living(tx, hashed(token))
        if share.password and not opens(desk.media, share.link.reach, unlock, desk.now):
            raise PasswordRequired
        return await _shown(tx, desk, share, part)


async def enter(world: World, desk: Desk, token: str, part: Part, password: str, passwords: Passwords) -> SharedOut:
    """The same for a password, with what opens the next pages; raises Limited after five that were wrong in a minute."""
    async with world.database.transaction() as tx:
        share = await rows.living(tx, hashed(token))
    if share.password:
        await _try(world, share, share.password, password, passwords)
    async with world.database.transaction() as tx:
        # Looked up again: it may have been revoked, or locked anew, while the password was being looked at.
        now = await rows.living(tx, hashed(token))
        if now.password and now.link != share.link:
            raise PasswordRequired
        shown = await _shown(tx, desk, now, part)
    return shown.model_copy(update={"unlock": unlocked(desk.media, now.link.reach, desk.now)} if now.password else {})


async def _try(world: World, share: Living, kept: Kept, password: str, passwords: Passwords) -> None:
    """Raise PasswordRequired for a wrong one; counted before it is looked at, so that a crowd of them cannot pass."""
    async with world.database.transaction() as tx:
        number = await tries.begin(tx, share.id, asked.get().origin)
    try:
        wrong = not await passwords.holds(password, kept)
    except Limited:
        await _forgive(world, number)
        raise
    if wrong:
        raise PasswordRequired("that is not the password", code="wrong_password")
    await _forgive(world, number)


async def _forgive(world: World, number: int) -> None:
    async with world.database.transaction() as tx:
        await tries.forgive(tx, number)


async def _shown(tx: Tx, desk: Desk, share: Living, part: Part) -> SharedOut:
    visitor = replace(desk, viewer=Viewer(link=share.link))
    if share.asset:
        asset = await read.one_by_id(tx, visitor, share.asset)
        return SharedOut.model_construct(asset=asset, expires_at=share.expires_at)
    assert share.collection  # noqa: S101 -- narrows: a link leads to one or the other
    page = await collections.items(tx, visitor, share.collection, part)
    about = SharedCollectionOut(title=share.title, description=share.description)
    return SharedOut.model_construct(
        collection=about, items=page.items, next_cursor=page.next_cursor, expires_at=share.expires_at
    )
