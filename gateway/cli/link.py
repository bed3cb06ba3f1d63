"""`miraveja link`: a new one-time sign-in link of the running gallery."""

import argparse
import sys

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """Print it, and nothing else."""
    from gateway.cli.operators import ask

    sys.stdout.write(ask(options.settings(given), "/link")["link"] + "\n")
    return 0
