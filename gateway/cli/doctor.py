"""`miraveja doctor`: looks at every part and says what to do."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from gateway.cli import options

if TYPE_CHECKING:
    from gateway.cli.checks import Check


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.json(command, "{ok, checks: [{name, ok, says, fix}]}")
    options.url(command)


def run(given: argparse.Namespace) -> int:
    """1 when anything that is needed does not work."""
    found = asyncio.run(_look(given))
    ok = all(check.ok for check in found)
    if given.json:
        sys.stdout.write(json.dumps({"ok": ok, "checks": [asdict(check) for check in found]}) + "\n")
    return 0 if ok else 1


async def _look(given: argparse.Namespace) -> "list[Check]":
    from functions.core.errors import Invalid
    from gateway.cli.checks import Check, checks, versions

    try:
        settings = options.settings(given)
    except Invalid as error:
        found = [
            Check("settings", ok=False, says=error.detail, fix="correct it, or unset it"),
            versions(),
        ]
        for check in found:
            _tell(given, check)
        return found
    found = [Check("settings", ok=True, says="every MIRAVEJA_ name is known and valid")]
    _tell(given, found[0])
    async for check in checks(settings):
        found.append(check)
        _tell(given, check)
    return found


def _tell(given: argparse.Namespace, check: "Check") -> None:
    """A line as soon as it is known."""
    from gateway.cli.screen import plain

    if given.json:
        return
    more = "" if check.ok else f"\n         {check.fix}"
    sys.stdout.write(f"{'ok     ' if check.ok else 'PROBLEM'}  {check.name}: {plain(check.says, 500)}{more}\n")
    sys.stdout.flush()
