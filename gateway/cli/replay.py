"""`miraveja replay`: puts assets on their way again after the event log was lost."""

import argparse
import json
import sys
from typing import Final

from gateway.cli import options

MEANS: Final = {"changes_told": "late changes told again; whoever knows them already passes over them"}


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    command.add_argument(
        "--from-db", action="store_true", required=True, help="say everything again that the rows show unfinished"
    )
    options.json(command, "{done} on standard output")
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """Say what was put on its way."""
    from gateway.cli.operators import ask
    from gateway.cli.screen import busy

    with busy("Looking for what has nothing under way"):
        found = ask(options.settings(given), "/replay")
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    lines = [f"{count:>10}  {MEANS.get(name, name.replace('_', ' '))}" for name, count in found["done"].items()]
    sys.stdout.write("\n".join(lines or ["nothing to do"]) + "\n")
    return 0
