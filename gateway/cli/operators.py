"""Asks a gallery that runs on this machine for what only its operator may have."""

import asyncio
import json
from typing import Any

from functions.core.errors import Unavailable
from functions.core.settings import Settings
from gateway.local import wires


def ask(settings: Settings, path: str, **wanted: object) -> dict[str, Any]:
    """The answer, however long it takes; raises Unavailable when no gallery runs on the data folder."""
    return asyncio.run(asked(settings, path, **wanted))


async def asked(settings: Settings, path: str, **wanted: object) -> dict[str, Any]:
    """As `ask`, inside a loop."""
    none = Unavailable(
        f"no gallery runs on {settings.data_dir}: start it with `miraveja up`, or name its folder by --data"
    )
    if not any((settings.data_dir / name).is_dir() for name in ("sockets", "secrets")):
        raise none
    try:
        return await wires.call(wires.operator(settings), path, json.dumps(wanted).encode(), timeout_s=None)
    except Unavailable as error:
        raise none if "retry_after" in error.facts and error.facts.get("part") == "answer" else error from None
