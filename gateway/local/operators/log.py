"""The audit log: whether its chain holds, and what it says."""

from collections.abc import Mapping
from typing import Final

from functions.core.postgres import audit_log
from gateway.door import Door
from gateway.local.operators.act import Act, Said, Wanted

MOST: Final = 10_000
"""Entries that are told at a time."""


async def verify(here: Door, _wanted: Wanted) -> Said:
    """`{count, broken: [number]}`: how many entries there are, and at most 100 where the chain does not hold."""
    async with here.world.database.transaction() as tx:
        return {"count": await audit_log.size(tx), "broken": await audit_log.broken(tx)}


async def show(here: Door, wanted: Wanted) -> Said:
    """`{entries: [{seq, at, actor, handle, action, object, whom, requestId, network}]}`, the newest, oldest of them first.

    `handle` is the actor's and `whom` that of whom it was done to, until they leave.
    """
    async with here.world.database.transaction() as tx:
        found = await audit_log.latest(tx, min(int(wanted["limit"]), MOST))
    entries = [
        {"seq": row["seq"], "at": row["at"].isoformat(), "actor": row["actor"], "handle": row["handle"],
         "action": row["action"], "object": row["object"], "whom": row["whom"],
         "requestId": row["request_id"], "network": row["network"]}
        for row in found
    ]  # fmt: skip
    return {"entries": entries}


COMMANDS: Final[Mapping[str, Act]] = {"/log/verify": verify, "/log/show": show}
