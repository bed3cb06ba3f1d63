"""Secrets that are made at the first start and then stay, also when two processes start at once."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from functions.core.errors import Invalid

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes of a 0600 file; `make` gives them where there is none yet, and whoever writes first wins."""
    if not path.exists():
        _create(path, make())
    return read_secret(path)


def read_secret(path: Path) -> bytes:
    """The bytes of a file that nobody else may open; Invalid when others may, FileNotFoundError without one."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & OTHERS:
            raise Invalid(f"{path} is open to others: chmod 600 it, or remove it to have a new one made")
        return file.read()


def _create(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces what another process put there first.
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
