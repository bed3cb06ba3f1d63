"""Places where tests make a real process die, wait or fail; nothing happens unless TEST_FAIL names them.

TEST_FAIL="embed.after_work=kill9;count=1,ingest.before_record=sleep:5" — `error:p=.1` fails one time in ten.
"""

import asyncio
import os
import random
import signal
from functools import cache


@cache
def _plan() -> dict[str, list[str]]:
    points = (part.split("=", 1) for part in os.environ.get("TEST_FAIL", "").split(",") if "=" in part)
    return {name.strip(): action.split(";") for name, action in points}


_hits: dict[str, int] = {}


async def reach(name: str) -> None:
    """Pass the point called `name`; raises OSError or never returns when the plan says so."""
    if not (plan := _plan()) or name not in plan:
        return
    action, *rest = plan[name]
    _hits[name] = _hits.get(name, 0) + 1
    limit = next((int(part.removeprefix("count=")) for part in rest if part.startswith("count=")), None)
    if limit is None or _hits[name] <= limit:
        await _do(action)


async def _do(action: str) -> None:
    match action.split(":", 1):
        case ["kill9"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["sleep", seconds]:
            await asyncio.sleep(float(seconds))
        case ["error", chance] if random.random() < float(chance.removeprefix("p=")):  # noqa: S311 -- a test's dice
            raise OSError("failpoint")
        case ["raise", what]:
            raise OSError(what)
