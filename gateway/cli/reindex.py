"""`miraveja reindex`: builds the search index of a running gallery anew, while the old one answers."""

import argparse
import sys

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """Say how many vectors the new index has."""
    from gateway.cli.operators import ask
    from gateway.cli.screen import busy

    with busy("Building the index"):
        found = ask(options.settings(given), "/reindex")
    sys.stdout.write(f"{found['points']} vectors\n")
    return 0
