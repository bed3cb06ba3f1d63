"""Options that several commands share, and the settings that follow from them."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from functions.core.settings import Settings


LONGEST_LABEL: Final = 64


def data(command: argparse.ArgumentParser) -> None:
    """Which gallery on this machine."""
    command.add_argument("--data", metavar="DIR", help="the gallery's data folder (MIRAVEJA_DATA_DIR)")


def url(command: argparse.ArgumentParser) -> None:
    """Which gallery anywhere."""
    command.add_argument("--url", metavar="URL", help="the gallery to talk to (MIRAVEJA_URL)")
    data(command)


def json(command: argparse.ArgumentParser, says: str) -> None:
    """For programs."""
    command.add_argument("--json", action="store_true", help=says)


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number from least to most."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= most):
            raise argparse.ArgumentTypeError(f"say {least} to {most}, not {text!r}")
        return int(text)

    return read


def label(text: str) -> str:
    """What somebody, or something of theirs, is called."""
    if not text.strip() or len(text) > LONGEST_LABEL:
        raise argparse.ArgumentTypeError(f"a name has 1 to {LONGEST_LABEL} characters")
    return text


def settings(given: argparse.Namespace) -> "Settings":
    """The settings with what the command line said on top; raises Invalid."""
    from functions.core.settings import Settings

    chosen = {name: getattr(given, name, None) for name in ("data", "url", "host", "port")}
    folder = Path(chosen["data"]).expanduser().absolute() if chosen["data"] else None
    return Settings.load(None, data_dir=folder, url=chosen["url"], host=chosen["host"], port=chosen["port"])
