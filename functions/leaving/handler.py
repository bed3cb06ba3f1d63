"""How a person goes: with what they take along written down, and hidden from one moment to the next."""

from functions.core.errors import Invalid
from functions.core.identity.callers import Caller
from functions.core.ids import UserId
from functions.core.postgres import audit_log
from functions.core.runtime.run import World
from functions.leaving import rows
from functions.leaving.contract import EraseMe


async def note_export(world: World, user: UserId) -> None:
    """Write down that somebody takes everything along; before the first byte leaves."""
    async with world.database.transaction() as tx:
        await audit_log.note(tx, user, "account.exported", "account")


async def erase(world: World, who: Caller, wanted: EraseMe) -> None:
    """Out of sight with the commit, for good in the background; raises Invalid without their own handle as the word.

    The log keeps that an account was erased, and from then on can tell of nobody which entries were theirs.
    """
    async with world.database.transaction() as tx:
        if wanted.confirm != await rows.handle(tx, who.user):
            raise Invalid("to erase your account, `confirm` must be your handle")
        await rows.hide(tx, who.user, *who.principal.key)
        await audit_log.note(tx, who.user, "account.erased", "account")
        await audit_log.forget(tx, who.user)
