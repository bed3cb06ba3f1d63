"""Looks for what does not agree, and mends it: audit, reconcile, replay."""

from collections.abc import Mapping
from typing import Final

from functions.core.errors import Conflict
from functions.housekeeping.audit import audit
from functions.housekeeping.replay import replay
from functions.housekeeping.sweep import Sweeper
from gateway.door import Door
from gateway.local.operators.act import Act, Said, Wanted


async def look(here: Door, _wanted: Wanted) -> Said:
    """`{counts, mismatches, details}` of everything there is."""
    return await audit(here.world)


async def reconcile(here: Door, wanted: Wanted) -> Said:
    """`{done}` by kind of repair; raises Conflict while another sweeps, or when the fuse blows."""
    sweeper = Sweeper(here.world, dry_run=wanted["dry_run"], force=wanted["force"], trash_days=here.settings.trash_days)
    swept = await sweeper.sweep()
    if swept is None:
        raise Conflict("a sweep is under way: try again in a minute")
    return {"done": swept.done}


async def say_again(here: Door, _wanted: Wanted) -> Said:
    """`{done}` by kind: whatever an event log that was lost had on its way."""
    return {"done": await replay(here.world)}


COMMANDS: Final[Mapping[str, Act]] = {"/audit": look, "/reconcile": reconcile, "/replay": say_again}
