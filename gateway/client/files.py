"""Finds the pictures below paths, in a stable order and one at a time, however many there are."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from functions.core.pictures.sniff import HEAD_BYTES, sniff
from gateway.client.outcome import Outcome, failed, refused, unreadable

LITTER: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "__macosx", "$recycle.bin"})
BY_EXTENSION: Final = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg", ".jfif": "image/jpeg", ".png": "image/png",
    ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heic",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to send: how large it was when it was found, and what it is taken for."""

    path: Path
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gallery takes."""

    max_bytes: int
    accepted: frozenset[str]


Found = Picture | Outcome


def pictures(paths: Iterable[Path], limits: Limits) -> Iterator[Found]:
    """Each file below the paths as a picture to send, or as the outcome of what is not worth sending."""
    for path in walk(paths):
        yield path if isinstance(path, Outcome) else look(path, limits)


def walk(paths: Iterable[Path]) -> Iterator[Path | Outcome]:
    """Regular files: named ones as they are, folders by name with hidden files and litter left out."""
    walker = _Walker()
    stack: list[Iterator[Path]] = [iter(paths)]
    while stack:
        path = next(stack[-1], None)
        if path is None:
            stack.pop()
            continue
        found = walker.visit(path, named=len(stack) == 1)
        if isinstance(found, Path | Outcome):
            yield found
        else:
            stack.append(found)


def look(path: Path, limits: Limits) -> Found:
    """What a file is, by its first bytes and else by its name."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return unreadable(path, error)
    kind = sniff(head) or BY_EXTENSION.get(path.suffix.lower())
    if kind not in limits.accepted:
        return refused(path, "unsupported")
    if not size:
        return refused(path, "unreadable_image", "The file is empty")
    if size > limits.max_bytes:
        return refused(path, "too_large", f"The file is larger than {limits.max_bytes >> 20} MiB")
    return Picture(path, size, kind)


@dataclass(slots=True)
class _Walker:
    """Each folder once, so that links cannot lead in circles."""

    seen: set[tuple[int, int]] = field(default_factory=set)

    def visit(self, path: Path, *, named: bool) -> Path | Outcome | Iterator[Path]:
        """A file as itself, a folder as what it holds; pipes and devices only when somebody asked for them."""
        try:
            found = path.stat()
            if stat.S_ISDIR(found.st_mode):
                return self._inside(path, (found.st_dev, found.st_ino))
        except OSError as error:
            return unreadable(path, error)
        if stat.S_ISREG(found.st_mode):
            return path
        return failed(path, "unreadable_file", "This is neither a file nor a folder") if named else iter(())

    def _inside(self, folder: Path, identity: tuple[int, int]) -> Iterator[Path]:
        if identity in self.seen:
            return iter(())
        self.seen.add(identity)
        names = sorted(os.listdir(folder))  # noqa: PTH208 -- names are smaller than paths where there are 100,000
        return (folder / name for name in names if not _skipped(name))


def _skipped(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER
