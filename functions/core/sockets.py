"""Folders for Unix sockets: private, and short enough for the kernel wherever the data folder lies."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from functions.core.errors import Unavailable

LONGEST: Final = 85
"""Socket paths end at 107 bytes (103 on macOS), the names in the folder included."""


def socket_folder(wanted: Path, uid: int | None = None, gid: int | None = None) -> Path:
    """The wanted folder, or one with a short name that follows from it; made private to its owner (we, if not said).

    Raises Unavailable when somebody else holds the short name.
    """
    folder = wanted
    if len(os.fsencode(folder)) > LONGEST:
        name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"miraveja-{name}"
    owner = os.geteuid() if uid is None else uid
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(folder, owner, -1 if gid is None else gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise Unavailable(f"{folder} is not a private folder of ours: remove it", part="sockets")
    return folder
