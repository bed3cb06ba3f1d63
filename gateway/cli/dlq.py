"""`miraveja dlq`: the events that a running gallery gave up, and what is to become of them."""

import argparse
import json
import sys
from typing import Any

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    acts = command.add_subparsers(dest="act", required=True, metavar="ACT")
    told = acts.add_parser("list", help="one line for each, the oldest first")
    told.add_argument("--limit", type=options.number(1, 1_000), default=100, metavar="N", help="at most so many (100)")
    options.json(told, "{count, letters} on standard output, with the whole events")
    options.data(told)
    for act, says in (("requeue", "begin anew what they asked for"), ("drop", "remove them; what failed stays failed")):
        chosen = acts.add_parser(act, help=says)
        which = chosen.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "ids", nargs="*", type=_number, default=[], metavar="ID", help="the numbers that `list` shows"
        )
        which.add_argument("--all", action="store_true", help="every one there is")
        options.json(chosen, "{done, problems} on standard output")
        options.data(chosen)


def run(given: argparse.Namespace) -> int:
    """1 when anything that was named could not be done."""
    return _list(given) if given.act == "list" else _do(given)


def _list(given: argparse.Namespace) -> int:
    from gateway.cli.operators import ask
    from gateway.cli.screen import columns, plain, say

    found = ask(options.settings(given), "/dlq/list", limit=given.limit)
    if given.json:
        return _json(found)
    lines = [
        (
            str(each["id"]),
            each["at"][:19] + "Z",
            each["group"],
            each["key"],
            str(each["attempts"]),
            plain(each["error"]),
        )
        for each in found["letters"]
    ]
    if lines:
        sys.stdout.write(columns(("ID", "AT", "GROUP", "ASSET", "ATTEMPTS", "ERROR"), lines))
    if found["count"] > len(lines):
        say(f"{found['count'] - len(lines)} more: --limit shows them")
    if not lines:
        say("no dead letters")
    return 0


def _do(given: argparse.Namespace) -> int:
    from gateway.cli.operators import ask
    from gateway.cli.screen import plain, say

    found = ask(options.settings(given), f"/dlq/{given.act}", ids=given.ids, all=given.all)
    if given.json:
        return _json(found)
    for each in found["done"]:
        sys.stdout.write(f"{each['id']}  {each['became']}\n")
    if not found["done"] and not found["problems"]:
        say("no dead letters")
    for each in found["problems"]:
        say(f"{each['id']}: {plain(each['detail'])}")
    return 1 if found["problems"] else 0


def _json(found: dict[str, Any]) -> int:
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if found.get("problems") else 0


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number that `list` shows")
    return int(text)
