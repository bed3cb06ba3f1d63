"""`miraveja audit`: holds rows, objects and vectors of the running gallery against each other."""

import argparse
import json
import sys
from typing import Final

from gateway.cli import options

MOST_SHOWN: Final = 100


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.json(command, "{counts, mismatches, details} on standard output")
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """1 when anything is not as the rest says it is."""
    from gateway.cli.operators import ask
    from gateway.cli.screen import busy, plain, say

    with busy("Comparing rows, objects and vectors"):
        found = ask(options.settings(given), "/audit")
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 1 if found["mismatches"] else 0
    lines = [f"{count:>10}  {name}" for name, count in found["counts"].items()] + [
        f"{found['mismatches']:>10}  mismatches"
    ]
    lines += [
        f"{each['kind']}  {each['assetId'] or '-'}  {plain(each['what'])}" for each in found["details"][:MOST_SHOWN]
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if found["mismatches"]:
        say("`miraveja reconcile` repairs what can be repaired")
    return 1 if found["mismatches"] else 0
