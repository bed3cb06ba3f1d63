"""Places where tests make a real process die, wait or fail; nothing happens unless TEST_FAIL names them.

TEST_FAIL="embed.after_work=kill9;count=1,ingest.before_commit=sleep:5" — `error:p=.1` fails one time in ten,
`armed=FILE` acts once for each time that somebody makes that file, whichever process comes first; `only=FILE` acts on
those that the file names. `raise:ENOSPC` is what a full disk says.
"""

import asyncio
import errno
import os
import random
import signal
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def _plan() -> dict[str, list[str]]:
    points = (part.split("=", 1) for part in os.environ.get("TEST_FAIL", "").split(",") if "=" in part)
    return {name.strip(): action.split(";") for name, action in points}


_hits: dict[str, int] = {}


async def reach(name: str, subject: object = "") -> None:
    """Pass the point called `name` about something; raises OSError or never returns when the plan says so."""
    if not (plan := _plan()) or name not in plan:
        return
    action, *rest = plan[name]
    _hits[name] = _hits.get(name, 0) + 1
    limit = next((int(part.removeprefix("count=")) for part in rest if part.startswith("count=")), None)
    if (limit is None or _hits[name] <= limit) and _meant(rest, str(subject)) and _armed(rest):
        await _do(action)


def _file(rest: list[str], how: str) -> str | None:
    return next((part.removeprefix(how) for part in rest if part.startswith(how)), None)


def _meant(rest: list[str], subject: str) -> bool:
    file = _file(rest, "only=")
    return file is None or (Path(file).exists() and subject in Path(file).read_text().split())


def _armed(rest: list[str]) -> bool:
    file = _file(rest, "armed=")
    if file is None:
        return True
    with suppress(FileNotFoundError):
        Path(file).unlink()
        return True
    return False


async def _do(action: str) -> None:
    match action.split(":", 1):
        case ["kill9"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["sleep", seconds]:
            await asyncio.sleep(float(seconds))
        case ["error", chance] if random.random() < float(chance.removeprefix("p=")):  # noqa: S311 -- a test's dice
            raise OSError("failpoint")
        case ["raise", what]:
            raise OSError(getattr(errno, what, errno.EIO), what)
