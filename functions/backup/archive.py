"""Where a backup lies: a folder, or one tar file; private, written once, complete only with its manifest."""

import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Final, Protocol

from functions.backup.manifest import MANIFEST, Manifest
from functions.core.errors import Conflict, Invalid

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
    if not path.parent.is_dir():
        raise Invalid(f"there is no folder {path.parent}: make it first")
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
def reading(path: Path) -> Iterator[tuple[Source, Manifest]]:
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


def _manifest(source: Source, path: Path) -> Manifest:
    try:
        file = source.open(MANIFEST)
    except Invalid:
        raise Invalid(f"{path} is not a whole backup: it was interrupted, cut, or never one") from None
    with file:
        return Manifest.read(file.read())


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
    """Files below a folder, and nothing that a link in it leads to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> IO[bytes]:
        """One file."""
        try:
            return os.fdopen(self._descend(_inside(name)), "rb")
        except OSError:
            raise Invalid(f"the backup lacks {name}") from None

    def _descend(self, name: str) -> int:
        """Folder by folder, so that none of them is a link; a pipe is not waited for."""
        *folders, last = name.split("/")
        with ExitStack() as until_there:
            here = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            until_there.callback(os.close, here)
            for folder in folders:
                here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                until_there.callback(os.close, here)
            found = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise FileNotFoundError(name)
        return found


class TarSource:
    """Members of a tar file, links left out."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._files = {member.name: member for member in tar if member.isreg()}

    def open(self, name: str) -> IO[bytes]:
        """One member."""
        member = self._files.get(_inside(name))
        found = self._tar.extractfile(member) if member else None
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
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise Invalid(f"the backup names a file outside of itself: {name}")
    return name


def _new(path: Path) -> BinaryIO:
    """A file of ours alone, which was not there before."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb")
