"""Objects as files in two folders, in blocking calls; it knows where they are, and that a crash may come any time.

    objects/incoming/0193a5/0193a5c7/0193a5c7-….=      the key, slashes as commas, in two folders that keep its order
    temp/4f0c…                                          bytes on their way; no key can name them

The 8 leading digits of a UUIDv7 change every 65 s and the 6 leading ones every 5 h: no folder grows without end.
"""

import contextlib
import errno
import logging
import os
import secrets
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from functions.core.adapters.object_file import NewObject, OpenObject
from functions.core.adapters.object_keys import AREAS, is_key
from functions.core.errors import MiraVejaError
from functions.core.ports import StoredObject

FOLDER_MODE: Final = 0o700
ATTEMPTS: Final = 50
COPY_BYTES: Final = 1 << 20

_log: Final = logging.getLogger(__name__)


class ObjectFiles:
    """The two folders below `root`, private to the user who runs the gallery."""

    def __init__(self, root: Path) -> None:
        self._objects, self._temp = root / "objects", root / "temp"
        for folder in (root, self._objects, self._temp, *(self._objects / area for area in AREAS)):
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            folder.chmod(FOLDER_MODE)

    def path(self, key: str) -> Path:
        """Where an object is, whether or not it exists; the key has been checked."""
        area, _, rest = key.partition("/")
        name = rest.replace("/", ",")
        # The sign at the end tells "…/a.b" from a folder, and from whatever an editor or a desktop leaves here.
        return self._objects / area / name[:6] / name[:8] / f"{name}="

    def new(self, key: str, content_type: str) -> NewObject:
        """An object to be written in pieces; invisible until its commit."""
        return NewObject(self._temp_path(), content_type, partial(self._place, key))

    def _temp_path(self) -> Path:
        return self._temp / secrets.token_hex(16)

    def open(self, key: str) -> OpenObject:
        """The object as it is now; FileNotFoundError when there is none."""
        return OpenObject(self.path(key), key)

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write one object whole, durably, or not at all."""
        new = self.new(key, content_type)
        try:
            new.append(data)
            new.commit()
        finally:
            new.discard()

    def copy(self, source: str, target: str) -> None:
        """A second name for the same bytes, which nobody changes in place; FileNotFoundError without `source`."""
        temp = self._temp_path()
        try:
            os.link(self.path(source), temp)
            # Both names now say "just changed": who clears away old objects must not take the new one for one.
            os.utime(temp)
            self._place(target, temp)
        except FileNotFoundError:
            raise
        except OSError:
            self.copy_bytes(source, target)
        finally:
            temp.unlink(missing_ok=True)

    def copy_bytes(self, source: str, target: str) -> None:
        """What `copy` does where the file system knows no second names, or allows this file no more of them."""
        with self.open(source) as old:
            new = self.new(target, old.about.content_type)
            try:
                while data := old.read(COPY_BYTES):
                    new.append(data)
                new.commit()
            finally:
                new.discard()

    def _place(self, key: str, temp: Path) -> None:
        """Give finished bytes their name, durably; who reads meanwhile sees the old object or the new one."""
        path = self.path(key)
        for _ in range(ATTEMPTS):
            # A delete may remove a folder between its making and its use.
            with contextlib.suppress(FileNotFoundError):
                self._make_folders(path)
                temp.replace(path)
                _sync(path.parent)
                return
        raise OSError(errno.EAGAIN, "the folder of an object keeps vanishing")

    def _make_folders(self, path: Path) -> None:
        # Only who makes a folder syncs its parent: file systems with a journal commit in order, so that a later
        # fsync below it covers the making as well.
        for folder in (path.parent.parent, path.parent):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=FOLDER_MODE)
                _sync(folder.parent)

    def delete(self, key: str) -> None:
        """Remove one object durably, and its folders once they are empty."""
        path = self.path(key)
        path.unlink(missing_ok=True)
        _sync(path.parent)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
            path.parent.parent.rmdir()

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """Every object whose key begins with `prefix`, in the order of keys; holds one folder's names at a time."""
        for area in AREAS:
            for outer in _children(self._objects / area, f"{area}/", prefix, ""):
                for inner in _children(outer, f"{area}/", prefix, ""):
                    for path in _children(inner, f"{area}/", prefix, "="):
                        yield from _look(path, f"{area}/{_text(path.name)}")

    def try_writing(self) -> None:
        """Raise the OSError that a write of 4 KiB would meet now."""
        path = self._temp_path()
        try:
            path.write_bytes(bytes(4096))
        finally:
            path.unlink(missing_ok=True)

    def sweep(self, older_than_s: float) -> int:
        """Remove what crashes left behind; by the time of the last change, so that nothing in use is taken."""
        removed, limit = 0, time.time() - older_than_s
        for path in self._temp.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ctime < limit:
                    path.unlink()
                    removed += 1
        return removed


def _children(folder: Path, area: str, prefix: str, end: str) -> list[Path]:
    """Paths below a folder that may lead to `prefix`, as their keys sort."""
    try:
        keys = {area + _text(path.name): path for path in folder.iterdir() if path.name.endswith(end)}
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [keys[key] for key in sorted(keys) if key.startswith(prefix) or (not end and prefix.startswith(key))]


def _text(name: str) -> str:
    return name.removesuffix("=").replace(",", "/")


def _look(path: Path, key: str) -> Iterator[StoredObject]:
    if not is_key(key):
        return
    try:
        with OpenObject(path, key) as found:
            yield found.about
    except FileNotFoundError:
        return
    except MiraVejaError:
        _log.exception("object_damaged", extra={"key": key})


def _sync(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
