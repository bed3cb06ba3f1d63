"""Where people are told things: standard error, without colour or redrawing when it is not a terminal."""

import sys
from collections.abc import Iterator
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
