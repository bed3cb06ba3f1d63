"""How sending one file ended, in words that a person understands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from functions.core import errors

State = Literal["sent", "ready", "rejected", "failed"]

SENTENCES: Final = {
    "too_large": "The file is larger than this gallery takes",
    "over_quota": "There is no room left for it: the quota is used up",
    "unreadable_file": "The file could not be read",
    "file_changed": "The file kept changing while it was sent",
    "expired": "The upload expired before its bytes arrived",
    "gone": "It was deleted while we waited",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file's end; `duplicate`: its bytes were there or came with another file."""

    path: Path
    asset_id: str | None
    state: State
    duplicate: bool = False
    reason: str | None = None
    detail: str | None = None

    @property
    def bad(self) -> bool:
        """Whether somebody should look at it, also where the same bytes ended so before."""
        return self.state in ("failed", "rejected")


class Outcomes:
    """Watches an upload queue, and keeps how files ended."""

    def __init__(self) -> None:
        self.all: list[Outcome] = []

    def moved(self, many: int) -> None:
        """Nobody watches."""

    def done(self, outcome: Outcome) -> None:
        """A file has ended."""
        self.all.append(outcome)


def refused(path: Path, reason: str, detail: str | None = None) -> Outcome:
    """A file that is not worth sending."""
    return Outcome(path, None, "rejected", reason=reason, detail=detail or sentence(reason))


def failed(path: Path, reason: str, detail: str | None = None, asset_id: str | None = None) -> Outcome:
    """A file that should have worked."""
    return Outcome(path, asset_id, "failed", reason=reason, detail=detail or sentence(reason))


def unreadable(path: Path, error: OSError) -> Outcome:
    """A file that the system does not let us read."""
    return failed(path, "unreadable_file", error.strerror or sentence("unreadable_file"))


def sentence(reason: str) -> str:
    """A code in words; the code itself where it is new to us."""
    titles = {kind.code(): kind.title for kind in errors.Rejected.__subclasses__()}
    return SENTENCES.get(reason) or titles.get(reason, reason)
