"""Whether a folder may become a gallery's: what somebody else keeps in one is never mixed with ours."""

import os
from pathlib import Path
from typing import Final

from functions.core.errors import Conflict, Invalid

LITTER: Final = frozenset({"lost+found", ".DS_Store"})
"""What systems put into a new disk or folder."""


def fit(folder: Path) -> None:
    """Make the folder where there is none; raises Invalid where that cannot be, Conflict where it is somebody else's."""
    if folder.exists() and not folder.is_dir():
        raise Invalid(f"{folder} is not a folder: choose another with --data")
    try:
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()} - LITTER
    except OSError as error:
        raise Invalid(f"no gallery can be kept in {folder}: {error.strerror}") from None
    if names and not _ours(folder, names):
        raise Conflict(f"{folder} is neither empty nor a gallery's: choose another with --data")


def _ours(folder: Path, names: set[str]) -> bool:
    """Every start begins with an empty lock; one that was restored and not started has secrets and rows."""
    lock = folder / "lock"
    return (lock.is_file() and not lock.stat().st_size) or names >= {"secrets", "postgres"}
