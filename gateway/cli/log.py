"""`miraveja log`: what the audit log of a running gallery says, and whether anybody changed it."""

import argparse
import json
import sys

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    acts = command.add_subparsers(dest="act", required=True, metavar="ACT")
    verify = acts.add_parser("verify", help="whether every entry is there and as it was written")
    options.json(verify, "{count, broken} on standard output")
    options.data(verify)
    show = acts.add_parser("show", help="the newest entries, a line for each")
    show.add_argument("--limit", type=options.number(1, 10_000), default=50, metavar="N", help="at most so many (50)")
    options.json(show, "{entries} on standard output")
    options.data(show)


def run(given: argparse.Namespace) -> int:
    """1 when the chain does not hold."""
    return _verify(given) if given.act == "verify" else _show(given)


def _verify(given: argparse.Namespace) -> int:
    from gateway.cli.operators import ask
    from gateway.cli.screen import say

    found = ask(options.settings(given), "/log/verify")
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    elif found["broken"]:
        sys.stdout.writelines(f"broken at {number}\n" for number in found["broken"])
        say("somebody changed these entries, or took away the ones before them")
    else:
        sys.stdout.write(f"OK: {found['count']} entries\n")
    return 1 if found["broken"] else 0


def _show(given: argparse.Namespace) -> int:
    from gateway.cli.operators import ask
    from gateway.cli.screen import columns, plain, say

    found = ask(options.settings(given), "/log/show", limit=given.limit)
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    lines = [
        (str(each["seq"]), each["at"][:19] + "Z", each["action"], plain(_named(each["object"], each["whom"])),
         _named(each["actor"] or "-", each["handle"]), each["network"] or "-")
        for each in found["entries"]
    ]  # fmt: skip
    if lines:
        sys.stdout.write(columns(("NO", "AT", "ACTION", "OBJECT", "ACTOR", "NETWORK"), lines))
    else:
        say("nothing is written down yet")
    return 0


def _named(hashed: str, handle: str | None) -> str:
    """A hash, with the handle that belongs to it."""
    return f"{hashed} ({handle})" if handle else hashed
