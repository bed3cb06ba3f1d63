"""Shows how an upload goes: a bar on a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from gateway.cli.screen import console, say
from gateway.cli.tally import Tally
from gateway.client.outcome import Outcome

LINE_S: Final = 3.0
DRAW_S: Final = 0.1


@dataclass(slots=True)
class Show:
    """Watches an upload queue; `each` hears of every file."""

    title: str
    tally: Tally
    each: Callable[[Outcome], None] | None = None
    bar: Progress | None = None
    _task: TaskID | None = None
    _next: float = field(default_factory=lambda: time.monotonic() + LINE_S)

    def moved(self, many: int) -> None:
        """Bytes on their way."""
        self.tally.bytes += many
        self._tell()

    def done(self, outcome: Outcome) -> None:
        """A file has ended."""
        self.tally.add(outcome)
        if self.each:
            self.each(outcome)
        self._tell()

    def _tell(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (DRAW_S if self.bar else LINE_S)
        if self.bar:
            self.draw(self.bar)
        else:
            say(f"{self.title}: {self.tally.says()}")

    def draw(self, bar: Progress) -> None:
        """Bring the bar up to date."""
        if self._task is None:
            self._task = bar.add_task(self.title, total=None, says="")
            self._next = 0.0
        bar.update(self._task, total=self.tally.total, completed=self.tally.done, says=self.tally.says())


@contextmanager
def shown(
    title: str, tally: Tally, each: Callable[[Outcome], None] | None = None, *, quiet: bool = False
) -> Iterator[Show]:
    """An observer for the upload queue; `quiet` where a bar would run into the output."""
    screen = console()
    if quiet or not screen.is_terminal:
        yield Show(title, tally, each)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[says]}"))
    with Progress(*columns, console=screen) as bar:
        show = Show(title, tally, each, bar)
        show.draw(bar)
        yield show
        show.draw(bar)
