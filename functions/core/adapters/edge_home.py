"""The folder in which shards live: who owns it, which shard is in service, and what may be swept away.

CURRENT names the shard in service and is only ever replaced whole, so whenever the process dies there is one
complete answer. Shard folders have names that never come back: a builder that outlived its owner cannot harm.
"""

import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from functions.core.adapters.edge_shard import Shard, sync
from functions.core.errors import Unavailable
from functions.core.ids import uuid7

_ATTEMPTS: Final = 2


@dataclass(frozen=True, slots=True)
class Current:
    """What CURRENT says: the shard in service, whose vectors it holds, and how far it is from freshly built."""

    shard: str
    model: str
    dim: int
    complete: bool
    """False from starting empty until the first rebuild."""
    changes: int = 0
    """Points written or removed since it was built, about."""


class Home:
    """The folder of one index, locked for this process; Unavailable while another process has it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = _lock(folder / "LOCK")

    def open(self, model: str, dim: int) -> tuple[Shard, Current]:
        """The shard in service, or an empty one when that is missing, broken or another model's."""
        current = self._read()
        shard = self._load(current) if current and (current.model, current.dim) == (model, dim) else None
        if shard is None or current is None:
            shard, current = self._start_empty(model, dim)
        self._sweep(current)
        return shard, current

    def new_name(self) -> str:
        """A name for a shard folder that never was there before."""
        return f"shard-{uuid7().hex}"

    def put(self, current: Current) -> None:
        """Make this the answer, atomically and for good."""
        new = self.folder / "CURRENT.new"
        new.write_text(json.dumps(asdict(current)), "utf-8")
        sync([new])
        new.replace(self.folder / "CURRENT")
        sync([self.folder])

    def drop(self, shard: str) -> None:
        """Remove a shard folder; what cannot be removed now is swept at the next open."""
        shutil.rmtree(self.folder / shard, ignore_errors=True)

    def release(self) -> None:
        """Let another process have the folder; safe to repeat."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _read(self) -> Current | None:
        try:
            return Current(**json.loads((self.folder / "CURRENT").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _load(self, current: Current) -> Shard | None:
        # A broken file can abort the whole process inside the engine: two such deaths, and it counts as broken.
        opening = self.folder / "OPENING"
        died = _read_words(opening).count(current.shard)
        if died >= _ATTEMPTS:
            return None
        opening.write_text(f"{current.shard} " * (died + 1), "utf-8")
        try:
            return Shard.load(self.folder / current.shard, current.dim)
        except Unavailable:
            return None
        finally:
            opening.unlink()

    def _start_empty(self, model: str, dim: int) -> tuple[Shard, Current]:
        current = Current(self.new_name(), model, dim, complete=False)
        shard = Shard.create(self.folder / current.shard, dim)
        self.put(current)
        return shard, current

    def _sweep(self, current: Current) -> None:
        for leftover in self.folder.glob("shard-*"):
            if leftover.name != current.shard:
                self.drop(leftover.name)


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        os.close(handle)
        raise Unavailable("Another process owns this vector index", folder=str(path.parent)) from held
    return handle


def _read_words(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split()
    except (OSError, ValueError):
        return []
