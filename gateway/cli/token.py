"""`miraveja token`: an access token of the local owner, for curl and scripts."""

import argparse
import sys

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """Print it, and nothing else."""
    from gateway.client.credentials import LocalToken

    sys.stdout.write(LocalToken(options.settings(given).data_dir)() + "\n")
    return 0
