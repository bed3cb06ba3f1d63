"""Builds a shard of the vector index from the rows, in a process of its own: `python -m functions.index.build`."""

import os
import sys
import threading
from pathlib import Path

from functions.core.adapters.edge_build import build
from functions.core.settings import Settings
from functions.index.rows import every_point


def main(folder: str, dim: str, model: str) -> None:
    """Fill a new folder with every point that the rows ask for; politely, and no longer than our parent lives."""
    os.nice(10)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    build(Path(folder), int(dim), every_point(Settings.load().database_url, model))


def _end_with_parent() -> None:
    """Our standard input is the parent's: it ends when the parent does."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
