"""Where a training run keeps its data, checkpoints and shards, and how its steps report progress."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 20240607
PICTURE = 64
DIM = 256
CONTEXT = 32


@dataclass(frozen=True)
class Work:
    """One work folder; every path a step reads or writes is named here."""

    root: Path

    def path(self, *parts: str) -> Path:
        """A path inside the folder, with its parents made."""
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def read(self, name: str) -> Any:
        """A JSON document that an earlier step left."""
        return json.loads(self.path(name).read_text("utf-8"))

    def write(self, name: str, value: Any) -> None:
        """A JSON document, replaced whole so that a kill never leaves half a file."""
        target = self.path(name)
        draft = target.with_suffix(".draft")
        draft.write_text(json.dumps(value, ensure_ascii=False, indent=0), "utf-8")
        draft.replace(target)


class Progress:
    """Lines on stderr with the seconds since the start, at most one every `every_s` seconds."""

    def __init__(self, name: str, every_s: float = 20.0) -> None:
        self.name, self.every_s = name, every_s
        self.began = time.monotonic()
        self.spoke = 0.0

    def say(self, text: str, *, always: bool = True) -> None:
        """Prints one line; quiet ones are dropped when another was just printed."""
        now = time.monotonic()
        if always or now - self.spoke >= self.every_s:
            self.spoke = now
            print(f"[{self.name} {now - self.began:6.0f}s] {text}", file=sys.stderr, flush=True)
