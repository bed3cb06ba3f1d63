"""Who is here, who may no more be, who is asked in, and how they sign in again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from functions.core.contract import LONGEST_LABEL
from functions.core.errors import Conflict, Invalid
from functions.core.ids import UserId
from functions.core.text import line
from functions.people import handler
from gateway.door import Door
from gateway.local.accounts import Accounts
from gateway.local.operators.act import Act, Said, Wanted
from gateway.local.operators.links import local_accounts


async def everyone(here: Door, wanted: Wanted) -> Said:
    """`{users: [{id, handle, name, createdAt, bannedAt}]}`, newest first, whose handle or name has `part` in it."""
    found = await handler.everyone(here.world, wanted["part"])
    return {"users": [{
        "id": str(row["id"]), "handle": row["handle"], "name": row["name"], "createdAt": _time(row["created_at"]),
        "bannedAt": _time(row["banned_at"]),
    } for row in found]}  # fmt: skip


async def ban(here: Door, wanted: Wanted) -> Said:
    """`{news}`; raises NotFound for nobody, Conflict for the owner of this gallery, who could not undo it."""
    who = await handler.find(here.world, wanted["who"])
    host = await _host(here)
    if who == host:
        raise Conflict("the owner of the gallery stays")
    return {"news": await handler.ban(here.world, host, who, banned=True)}


async def unban(here: Door, wanted: Wanted) -> Said:
    """`{news}`; raises NotFound for nobody."""
    who = await handler.find(here.world, wanted["who"])
    return {"news": await handler.ban(here.world, await _host(here), who, banned=False)}


async def invite(here: Door, wanted: Wanted) -> Said:
    """`{handle, link}`, good once for three days; raises Unavailable where people sign in elsewhere."""
    accounts = local_accounts(here)
    name = line(wanted["name"], LONGEST_LABEL)
    if not name:
        raise Invalid("say what they are called")
    invited = await accounts.invite(await accounts.owner(), name)
    return {"handle": invited.guest.handle, "link": f"{here.settings.address}/start/{invited.link}"}


async def _host(here: Door) -> UserId | None:
    """On whose behalf the operator acts: the owner of an embedded gallery."""
    accounts: Accounts | None = here.accounts
    return await accounts.owner() if accounts else None


def _time(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


COMMANDS: Final[Mapping[str, Act]] = {
    "/users": everyone, "/users/ban": ban, "/users/unban": unban, "/users/invite": invite,
}  # fmt: skip
