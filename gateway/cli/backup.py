"""`miraveja backup`: the whole gallery of this machine in a folder or one file, also while it runs."""

import argparse
import os
from pathlib import Path

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    command.add_argument("to", type=Path, metavar="DIR|FILE.tar", help="a folder that is not there yet, or a tar file")
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """1 when an object of a living picture was missing; what was deleted meanwhile is told, and no failure."""
    from gateway.cli.screen import plain, say
    from gateway.local.keeping import backup

    os.umask(0o077)  # whatever is made is ours alone
    copied = backup(options.settings(given), given.to.expanduser(), say)
    say(f"{copied.count} objects, {copied.size / 1e6:.1f} MB, in {given.to}")
    say("It holds every picture and the gallery's keys: keep it as secret as the gallery, and no longer than 35 days")
    if copied.gone:
        say(f"{len(copied.gone)} pictures were deleted for good meanwhile: they stay deleted when this is restored")
    for key in copied.missing:
        say(f"missing in the gallery itself: {plain(key)}; see `miraveja audit`")
    return 1 if copied.missing else 0
