"""What people say of themselves and are told of each other, and what operators decide about them."""

from psycopg.rows import DictRow

from functions.core.identity.callers import Caller
from functions.core.ids import UserId
from functions.core.postgres import audit_log, standing, usage
from functions.core.runtime.run import World
from functions.core.visibility import Viewer
from functions.people import rows
from functions.people.contract import ChangeMe, CountsOut, MeOut, ProfileOut, Share, UsageOut


async def me(world: World, who: Caller) -> MeOut:
    """The caller, as the row is now."""
    async with world.database.transaction() as tx:
        return _told(await rows.person(tx, who.user), who)


async def change(world: World, who: Caller, wanted: ChangeMe) -> MeOut:
    """Change what is given; raises HandleTaken, and then nothing has changed."""
    async with world.database.transaction() as tx:
        before = await rows.person(tx, who.user)
        await rows.change(tx, who.user, wanted)
        now = await rows.person(tx, who.user)
        if now["handle"] != before["handle"]:
            await audit_log.note(tx, who.user, "user.renamed", who.user, before["handle"], now["handle"])
    return _told(now, who)


def _told(row: DictRow, who: Caller) -> MeOut:
    return MeOut(**row, roles=sorted(who.principal.roles))


async def used(world: World, user: UserId, *, daily: bool) -> UsageOut:
    """What the caller uses of what there is; `daily` is whether the limit of a day holds for them."""
    rules = world.ports.rules
    async with world.database.transaction() as tx:
        now, states = await usage.used(tx, user), await rows.states(tx, user)
    return UsageOut(
        bytes=_share(now.bytes, rules.quota_bytes), assets=_share(now.assets, rules.quota_count),
        pending=_share(now.pending, rules.uploads_pending),
        today=_share(now.today, rules.uploads_per_day if daily else 0), states=states,
    )  # fmt: skip


def _share(used: int, limit: int) -> Share:
    return Share(used=used, limit=limit or None)


async def profile(world: World, viewer: Viewer, handle: str) -> ProfileOut:
    """Somebody, with counts of what this viewer may see; raises NotFound also for the banned."""
    async with world.database.transaction() as tx:
        row, assets = await rows.profile(tx, viewer, handle)
    told = {name: row[name] for name in ("id", "handle", "name", "created_at")}
    return ProfileOut(**told, counts=CountsOut(assets=assets))


async def everyone(world: World, part: str) -> list[DictRow]:
    """For operators: the newest thousand people whose handle or name has this in it."""
    async with world.database.transaction() as tx:
        return await rows.everyone(tx, part)


async def find(world: World, who: str) -> UserId:
    """Somebody by handle or id; raises NotFound for nobody."""
    async with world.database.transaction() as tx:
        return (await rows.find(tx, who))[0]


async def ban(world: World, actor: UserId | None, who: UserId, *, banned: bool) -> bool:
    """Out everywhere within five seconds, or in again; says whether that is news. What they have is hidden with them."""
    async with world.database.transaction() as tx:
        news = await standing.ban(tx, who, banned=banned)
        if news:
            await audit_log.note(tx, actor, "user.banned" if banned else "user.unbanned", who)
    await standing.tell_all(world.database)
    return news
