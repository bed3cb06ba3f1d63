"""`miraveja openapi`: the HTTP contract, made from the code; needs no gallery."""

import argparse
import sys


def arguments(command: argparse.ArgumentParser) -> None:
    """Nothing may be said."""
    del command


def run(given: argparse.Namespace) -> int:
    """Print it as JSON."""
    from gateway.openapi import text

    del given
    sys.stdout.write(text())
    return 0
