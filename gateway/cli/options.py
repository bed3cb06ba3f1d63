"""Options that several commands share, and the settings that follow from them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.core.settings import Settings


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


def settings(given: argparse.Namespace) -> "Settings":
    """The settings with what the command line said on top; raises Invalid."""
    from functions.core.settings import Settings

    chosen = {name: getattr(given, name, None) for name in ("data", "url", "host", "port")}
    folder = Path(chosen["data"]).expanduser().absolute() if chosen["data"] else None
    return Settings.load(None, data_dir=folder, url=chosen["url"], host=chosen["host"], port=chosen["port"])
