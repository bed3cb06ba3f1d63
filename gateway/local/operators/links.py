"""One-time sign-in links, for the owner of this machine or for somebody they invited."""

from collections.abc import Mapping
from typing import Final

from functions.core.errors import Conflict, Unavailable
from functions.core.identity.callers import in_standing
from functions.people import handler
from gateway.door import Door
from gateway.local.accounts import Accounts
from gateway.local.operators.act import Act, Said, Wanted


async def link(here: Door, wanted: Wanted) -> Said:
    """`{link}`, good once for ten minutes, for `who` or the owner.

    Raises Conflict for somebody who is banned, Unavailable where people sign in elsewhere.
    """
    accounts, who = local_accounts(here), wanted.get("who")
    user = await handler.find(here.world, who) if who else await accounts.owner()
    async with here.world.database.transaction() as tx:
        if await in_standing(tx, user) is None:
            raise Conflict("they are banned, and no link lets them in: `miraveja users unban` does")
    secret = await accounts.link(user)
    return {"link": f"{here.settings.address}/start/{secret}"}


def local_accounts(here: Door) -> Accounts:
    """The embedded gallery's people; raises Unavailable where people sign in elsewhere."""
    if here.accounts is None:
        raise Unavailable("this gallery signs people in elsewhere")
    return here.accounts


COMMANDS: Final[Mapping[str, Act]] = {"/link": link}
