"""What became of the files of one upload, and how fast."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from gateway.client.outcome import Outcome

EXAMPLES: Final = 3
WINDOW_S: Final = 10.0
SAMPLE_S: Final = 0.25


@dataclass(slots=True)
class Group:
    """Files that ended badly for one reason, a few of them by name."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Counts that grow; `total` is None until the folders have been counted."""

    total: int | None = None
    bytes: int = 0
    done: int = 0
    duplicates: int = 0
    states: Counter[str] = field(default_factory=Counter)
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
    _samples: deque[tuple[float, int, int]] = field(default_factory=deque)

    @property
    def bad(self) -> int:
        """How many files somebody should look at."""
        return sum(group.count for group in self.groups.values())

    def add(self, outcome: Outcome) -> None:
        """One more has ended."""
        self.done += 1
        there = outcome.duplicate and not outcome.bad
        self.duplicates += there
        self.states[outcome.state] += not there
        if outcome.bad:
            why = (outcome.state, outcome.reason or "", outcome.detail or "")
            group = self.groups.setdefault(why, Group())
            group.count += 1
            if len(group.examples) < EXAMPLES:
                group.examples.append(str(outcome.path))

    def speed(self) -> tuple[float, float]:
        """Files and bytes a second, over the last ten seconds."""
        now = time.monotonic()
        if not self._samples or now - self._samples[-1][0] > SAMPLE_S:
            self._samples.append((now, self.done, self.bytes))
        while len(self._samples) > 1 and now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
        since, done, moved = self._samples[0]
        seconds = max(now - since, 0.001)
        return (self.done - done) / seconds, max(0, self.bytes - moved) / seconds

    def says(self) -> str:
        """One line on where it stands."""
        files, moved = self.speed()
        total = "" if self.total is None else f"/{self.total}"
        left = max(0, (self.total or 0) - self.done)
        eta = f", {_clock(left / files)} left" if left and files else ""
        speed = (f", {_rate(moved)}" if moved else "") + (f", {files:.1f} files/s" if files else "")
        bad = f", {self.bad} rejected or failed" if self.bad else ""
        return f"{self.done}{total} files{speed}{eta}{bad}"

    def summary(self) -> list[str]:
        """What to tell at the end: counts, then trouble by reason with a few names."""
        told = {"ready": "ready", "sent": "sent", "rejected": "rejected", "failed": "failed"}
        counts = [f"{self.states[state]} {says}" for state, says in told.items() if self.states[state]]
        counts += [f"{self.duplicates} already there"] if self.duplicates else []
        lines = [f"{self.done} file{'' if self.done == 1 else 's'}: {', '.join(counts) or 'nothing to do'}"]
        if self.states["sent"]:
            lines.append("They are processed now: --wait, also on another run, shows how each ends")
        for (state, reason, detail), group in self.groups.items():
            lines.append(f"{group.count} {state} ({reason}): {detail}")
            more = group.count - len(group.examples)
            lines += [f"    {name}" for name in group.examples] + ([f"    and {more} more"] if more else [])
        return lines


def _rate(speed: float) -> str:
    return f"{speed / 1e6:.1f} MB/s" if speed >= 1e5 else f"{speed / 1e3:.0f} kB/s"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
