"""What the bench promises and how it says what it found: one line a ratio, and the machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Budget:
    """What a figure may be; `least` budgets are exceeded from below."""

    bound: float
    unit: str
    what: str
    least: bool = False

    def keeps(self, figure: float) -> bool:
        """Whether a figure is within it."""
        return figure >= self.bound if self.least else figure <= self.bound


BUDGETS: Final = {
    "ingest": Budget(3.0, "x", "images a second, pipeline / naive", least=True),
    "search": Budget(1.5, "x", "text search p50 / sum of its parts"),
    "busy": Budget(3.0, "x", "search p95 while images are processed / idle"),
    "fair": Budget(2.0, "x", "search p95 while another user floods / idle"),
    "door": Budget(0.6, "x", "pace of a route with identity / without", least=True),
    "tiles": Budget(2.0, "x", "a page of 50 tiles / static files"),
    "memory": Budget(600.0, "MB", "the whole gallery, after all that"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure with what it was made from."""

    name: str
    figure: float
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the budget holds."""
        return BUDGETS[self.name].keeps(self.figure)

    def __str__(self) -> str:
        budget = BUDGETS[self.name]
        sign, verdict = ">=" if budget.least else "<=", "ok" if self.ok else "OVER"
        figure = f"{self.figure:7.2f} {budget.unit:<2}  {sign} {budget.bound:g} {budget.unit:<2}"
        return f"{self.name:<7} {figure}  {verdict:<4}  {budget.what}\n        {self.detail}"


def over(lines: Sequence[Line]) -> list[str]:
    """The names of budgets that did not hold."""
    return [line.name for line in lines if not line.ok]


def machine() -> str:
    """Processor, cores that we may use, and how busy they are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{_processor()}, {cores} cores, load {load}"


def _processor() -> str:
    try:
        said = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return os.uname().machine
    return next((line.partition(":")[2].strip() for line in said if line.startswith("model name")), os.uname().machine)
