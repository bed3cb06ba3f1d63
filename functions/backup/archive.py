"""Where a backup lies: a folder, or one tar file; private, written once, complete only with its manifest."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Protocol

from functions.core.errors import Conflict, Invalid

MANIFEST: Final = "manifest.json"
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
COPY_BYTES: Final = 1 << 20


class Target(Protocol):
    """Takes files by name, the manifest last."""

    def put(self, name: str, data: IO[bytes], size: int, /) -> None:
        """One file of exactly so many bytes."""


class Source(Protocol):
    """Gives files by name."""

    def open(self, name: str) -> IO[bytes]:
        """One file; raises Invalid when the backup has none of this name."""


def put_bytes(target: Target, name: str, data: bytes) -> None:
    """One small file."""
    target.put(name, io.BytesIO(data), len(data))


def is_tar(path: Path) -> bool:
    """Whether this names a file to be, rather than a folder."""
    return path.suffix == ".tar"


@contextmanager
def writing(path: Path) -> Iterator[Target]:
    """A backup to be; under its name it is there only when the body was through: until then it is `NAME.partial`."""
    draft = path.with_name(f"{path.name}.partial")
    for taken in (path, draft):
        if taken.exists() and not (taken == path and path.is_dir() and not any(path.iterdir())):
            raise Conflict(
                f"{taken} is there already: a backup needs a new name; remove what was left of an earlier one"
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if is_tar(path):
            with _new(draft) as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    yield TarTarget(tar)
                file.flush()
        else:
            draft.mkdir(mode=FOLDER_MODE)
            yield FolderTarget(draft)
        os.sync()  # once, instead of once for each of many files
        draft.replace(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def reading(path: Path) -> Iterator[tuple[Source, dict[str, Any]]]:
    """A backup and its manifest; raises Invalid for one that was never finished, or is none."""
    if not path.exists():
        raise Invalid(f"there is no backup at {path}")
    if path.is_dir():
        yield FolderSource(path), _manifest(FolderSource(path), path)
        return
    try:
        with tarfile.open(path, "r:") as tar:
            found = TarSource(tar)
            yield found, _manifest(found, path)
    except tarfile.TarError:
        raise Invalid(f"{path} is not a whole backup: it was interrupted, cut, or never one") from None


def _manifest(source: Source, path: Path) -> dict[str, Any]:
    try:
        with source.open(MANIFEST) as file:
            found: dict[str, Any] = json.loads(file.read())
    except (Invalid, ValueError):
        raise Invalid(f"{path} is not a whole backup: it was interrupted, cut, or never one") from None
    return found


class FolderTarget:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: IO[bytes], _size: int) -> None:
        """One file; folders above it are private too."""
        path = self._folder / name
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with _new(path) as file:
            shutil.copyfileobj(data, file, COPY_BYTES)


class TarTarget:
    """Members of a tar file."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def put(self, name: str, data: IO[bytes], size: int) -> None:
        """One member."""
        about = tarfile.TarInfo(name)
        about.size, about.mode = size, FILE_MODE
        self._tar.addfile(about, data)


class FolderSource:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> IO[bytes]:
        """One file."""
        try:
            return (self._folder / _inside(name)).open("rb")
        except OSError:
            raise Invalid(f"the backup lacks {name}") from None


class TarSource:
    """Members of a tar file."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def open(self, name: str) -> IO[bytes]:
        """One member."""
        try:
            found = self._tar.extractfile(_inside(name))
        except KeyError:
            found = None
        if found is None:
            raise Invalid(f"the backup lacks {name}")
        return found


def digest(file: IO[bytes]) -> str:
    """SHA-256 of what is left of a file, as hex."""
    found = hashlib.sha256()
    while piece := file.read(COPY_BYTES):
        found.update(piece)
    return found.hexdigest()


def _inside(name: str) -> str:
    """A name that the manifest gave, which somebody may have changed."""
    if name.startswith("/") or ".." in name.split("/"):
        raise Invalid(f"the backup names a file outside of itself: {name}")
    return name


def _new(path: Path) -> BinaryIO:
    """A file of ours alone, which was not there before."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb")
