"""Folders in memory for tests of what survives a process, not a power cut: syncing to a busy disk takes seconds."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at only, the folder below has a secret name
_NEEDED_BYTES = 1 << 30


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A new folder, in memory where there is enough of it, and gone afterwards."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED_BYTES
    with tempfile.TemporaryDirectory(dir=_MEMORY if roomy else None, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
