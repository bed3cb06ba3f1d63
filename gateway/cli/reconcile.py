"""`miraveja reconcile`: repairs what a running gallery left half done."""

import argparse
import sys

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    command.add_argument("--dry-run", action="store_true", help="only count what would be done")
    command.add_argument("--force", action="store_true", help="also when suspiciously much would be deleted")
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """Say what was done."""
    from gateway.cli.operators import ask
    from gateway.cli.screen import busy

    with busy("Looking for what was left half done"):
        found = ask(options.settings(given), "/reconcile", dry_run=given.dry_run, force=given.force)
    lines = [f"{count:>10}  {name.replace('_', ' ')}" for name, count in found["done"].items()]
    sys.stdout.write("\n".join(lines or ["nothing to do"]) + "\n")
    return 0
