"""Dead letters: told, begun anew, dropped."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from functions.core.errors import MiraVejaError
from functions.core.postgres import dead_letters
from functions.core.postgres.dead_letters import Letter
from functions.housekeeping import letters
from gateway.door import Door
from gateway.local.operators.act import Act, Said, Wanted

MOST: Final = 1_000
"""Letters that are read at a time."""


async def told(here: Door, wanted: Wanted) -> Said:
    """`{count, letters: [{id, topic, group, key, error, attempts, at, event}]}`, the oldest first."""
    async with here.world.database.transaction() as tx:
        found = await dead_letters.oldest(tx, min(int(wanted.get("limit", MOST)), MOST))
        return {"count": await dead_letters.count(tx), "letters": [_written(letter) for letter in found]}


async def requeue(here: Door, wanted: Wanted) -> Said:
    """`{done: [{id, became}], problems: [{id, detail}]}` of the letters named, or of all."""

    async def again(number: int) -> str:
        return ", ".join(await letters.requeue(here.world.database, number))

    return await _each(here, wanted, again)


async def drop(here: Door, wanted: Wanted) -> Said:
    """As `requeue`."""

    async def away(number: int) -> str:
        await letters.drop(here.world.database, number)
        return "dropped"

    return await _each(here, wanted, away)


async def _each(here: Door, wanted: Wanted, act: Callable[[int], Awaitable[str]]) -> Said:
    """Each in a transaction of its own; what cannot be done for one is told, and the others go on."""
    done, problems = list[dict[str, Any]](), list[dict[str, Any]]()
    async for number in _numbers(here, wanted):
        try:
            done.append({"id": number, "became": await act(number)})
        except MiraVejaError as error:
            problems.append({"id": number, "detail": error.detail})
    return {"done": done, "problems": problems}


async def _numbers(here: Door, wanted: Wanted) -> AsyncIterator[int]:
    """The numbers that were named; of all there are, those that were there at the beginning."""
    for number in wanted.get("ids", []):
        yield number
    last, more = 0, bool(wanted.get("all"))
    while more:
        async with here.world.database.transaction() as tx:
            found = await dead_letters.oldest(tx, MOST, last)
        for letter in found:
            yield letter.id
        last, more = (found[-1].id, True) if found else (last, False)


def _written(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id, "topic": letter.topic, "group": letter.group, "key": letter.key, "error": letter.error,
        "attempts": letter.attempts, "at": letter.created_at.isoformat(), "event": letter.message,
    }  # fmt: skip


COMMANDS: Final[Mapping[str, Act]] = {"/dlq/list": told, "/dlq/requeue": requeue, "/dlq/drop": drop}
