"""Where people are told things: standard error, without colour or redrawing when it is not a terminal."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from functions.core.text import line

LONGEST: Final = 300


def console() -> Console:
    """For people; what was asked for goes to standard output instead."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """One line for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def plain(text: object, limit: int = LONGEST) -> str:
    """Strangers' text on one line, without what could steer a terminal."""
    return line(str(text), limit)


def columns(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for standard output, each column as wide as its widest cell; the last one is not filled up."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    told = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (head, *lines))
    return "".join(f"{line.rstrip()}\n" for line in told)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show that something is being waited for."""
    shown = console()
    if shown.is_terminal:
        with shown.status(f"{what} …"):
            yield
    else:
        say(f"{what} …")
        yield
