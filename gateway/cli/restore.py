"""`miraveja restore`: a backup becomes a gallery again, in an empty data folder."""

import argparse
import os
from pathlib import Path

from gateway.cli import options


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    command.add_argument(
        "source", type=Path, metavar="DIR|FILE.tar", help="a backup of your own: restoring runs what is in it"
    )
    options.data(command)


def run(given: argparse.Namespace) -> int:
    """1 when the gallery that came back is not as its rows say it is."""
    from gateway.cli.screen import plain, say
    from gateway.local.keeping import restore

    os.umask(0o077)  # whatever is made is ours alone
    settings = options.settings(given)
    found = restore(settings, given.source.expanduser(), say)
    for each in found["details"]:
        say(f"{each['kind']}  {each['assetId'] or '-'}  {plain(each['what'])}")
    say(
        f"{found['counts']['assets']} assets and {found['counts']['vectors']} vectors, {found['mismatches']} mismatches"
    )
    say(f"Start it: miraveja up --data {settings.data_dir}")
    return 1 if found["mismatches"] else 0
