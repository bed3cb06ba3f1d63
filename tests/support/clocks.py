"""Another time for this process: its wall clock jumps, while the database and the hours that pass stay as they are."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from functions.core import times
from functions.core.adapters import objects_folder

CLOCKS = (times.utcnow, objects_folder.utc_now)


def jumps(patch: pytest.MonkeyPatch, seconds: float) -> None:
    """Whoever of ours asks for the time hears another from now on."""
    real = time.time

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    for module in list(sys.modules.values()):
        for name, clock in _clocks(module):
            if clock in CLOCKS:
                patch.setattr(module, name, now)
    patch.setattr(time, "time", lambda: real() + seconds)


def _clocks(module: object) -> list[tuple[str, Callable[[], datetime]]]:
    mine = str(getattr(module, "__name__", "")).startswith(("functions.", "gateway.", "events."))
    found = vars(module) if mine else {}
    return [(name, found[name]) for name in ("utcnow", "utc_now") if name in found]
