"""Options that several commands share, and the settings that follow from them."""

import argparse
from pathlib import Path

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


def settings(given: argparse.Namespace, **more: object) -> Settings:
    """The settings with what the command line said on top; raises Invalid."""
    folder = getattr(given, "data", None)
    chosen = {"data_dir": Path(folder).expanduser().absolute() if folder else None, "url": getattr(given, "url", None)}
    return Settings.load(**chosen, **more)
