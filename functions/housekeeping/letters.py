"""What an operator does with dead letters: look, give the asset a new run, or let it be."""

from typing import Final
from uuid import UUID

from events.envelope import Event
from events.errors import EnvelopeError
from events.types import StepFact
from functions.core.errors import Conflict, NotFound
from functions.core.ids import AssetId
from functions.core.model import ENDS, Asset, State
from functions.core.postgres import assets, audit_log, dead_letters, upkeep
from functions.core.postgres.dead_letters import Letter
from functions.core.runtime.runner import events_in
from functions.core.tx import Database, Tx

DELIVERED: Final = "delivered"
SUPERSEDED: Final = "superseded"
"""A later run did, or does, what this one could not: the letter goes, and nothing else happens."""


async def requeue(database: Database, number: int, actor: UUID | None = None) -> list[str]:
    """Take a letter and do anew what it asked for; says what was done for each of its assets.

    Raises NotFound without such a letter, Conflict where an asset has come to an end of its own; then it stays.
    """
    async with database.transaction() as tx:
        letter = await _taken(tx, number)
        done = await _again(tx, letter)
        await audit_log.note(
            tx, actor, "dead_letter.requeued", f"dead_letter:{number}", before=letter.message, after=done
        )
        return done


async def drop(database: Database, number: int, actor: UUID | None = None) -> None:
    """Remove a letter; what it failed stays failed. Raises NotFound without such a letter."""
    async with database.transaction() as tx:
        letter = await _taken(tx, number)
        await audit_log.note(tx, actor, "dead_letter.dropped", f"dead_letter:{number}", before=letter.message)


async def _taken(tx: Tx, number: int) -> Letter:
    letter = await dead_letters.take(tx, number)
    if letter is None:
        raise NotFound(f"no dead letter {number}")
    return letter


async def _again(tx: Tx, letter: Letter) -> list[str]:
    """A new run for each asset: the inbox would take the same event for a duplicate of the one that died."""
    try:
        events = events_in(letter.message)
    except EnvelopeError:
        # Nobody could read it, so that nobody knows it; a later version may.
        await dead_letters.deliver(tx, letter)
        return [DELIVERED]
    return [await _run_again(tx, letter, event) for event in events]


async def _run_again(tx: Tx, letter: Letter, event: Event) -> str:
    asset = await assets.find(tx, AssetId(event.fact.asset_id), lock=True)
    if asset is None or (asset.state in ENDS and asset.state is not State.FAILED):
        raise Conflict(f"its asset is {asset.state if asset else 'gone'}: nothing is left to do but to drop it")
    if isinstance(event.fact, StepFact) and event.fact.run < asset.run and asset.state is not State.FAILED:
        return SUPERSEDED
    return await _repaired(tx, letter, asset)


async def _repaired(tx: Tx, letter: Letter, asset: Asset) -> str:
    match asset.state, letter.group:
        case State.FAILED, _:
            await upkeep.retry(tx, asset.id)
            return "retried"
        case State.DELETING, _:
            await upkeep.purge_again(tx, asset.id)
            return "purged_again"
        case _, "reindex":
            await upkeep.changed(tx, asset.id)
            return "changed"
        case State.NEW, _:
            await dead_letters.deliver(tx, letter)
            return DELIVERED
        case _, "index":
            await upkeep.reindex(tx, asset.id)
            return "reindexed"
    await upkeep.redo(tx, asset.id)
    return "redone"
