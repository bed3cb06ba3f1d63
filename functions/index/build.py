"""Builds a shard of the vector index from the rows, in a process of its own: `python -m functions.index.build`."""

import sys
from pathlib import Path

from functions.core.adapters.edge_build import build
from functions.core.settings import Settings
from functions.index.rows import every_point


def main(folder: str, dim: str) -> None:
    """Fill a new folder with every point that the rows ask for."""
    build(Path(folder), int(dim), every_point(Settings.load().database_url))


if __name__ == "__main__":
    main(*sys.argv[1:])
