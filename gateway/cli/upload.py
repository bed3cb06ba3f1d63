"""`miraveja upload`: pictures and folders of pictures into a gallery; what is there is not sent again."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import options

if TYPE_CHECKING:
    from functions.core.settings import Settings
    from gateway.cli.tally import Tally
    from gateway.client.outcome import Outcome
    from gateway.client.uploads import Observer, Wishes


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a picture, or a folder of them")
    command.add_argument("--tag", action="append", default=[], type=_tag, help="give new pictures a tag; repeatable")
    command.add_argument("--visibility", choices=("private", "unlisted", "public"), help="who else may see new ones")
    command.add_argument("--wait", action="store_true", help="until each can be found, or ended otherwise")
    options.json(command, "a line a file on standard output: {path, assetId, state, duplicate, reason}")
    options.url(command)


def run(given: argparse.Namespace) -> int:
    """1 when any file failed or was rejected."""
    from gateway.cli.progress import shown
    from gateway.cli.screen import plain, say
    from gateway.cli.tally import Tally
    from gateway.client.uploads import Wishes

    settings, tally = options.settings(given), Tally()
    wishes = Wishes(tuple(given.tag), given.visibility, given.wait)
    try:
        each = _print if given.json else None
        with shown("Uploading", tally, each, quiet=given.json and sys.stdout.isatty()) as show:
            asyncio.run(_send(settings, given.paths, show, tally, wishes))
    finally:
        for line in tally.summary() if tally.done or sys.exception() is None else ():
            say(line[: len(line) - len(line.lstrip())] + plain(line))
    return 1 if tally.bad else 0


async def _send(settings: "Settings", paths: list[Path], show: "Observer", tally: "Tally", wishes: "Wishes") -> None:
    from gateway.client import files
    from gateway.client.api import Gallery
    from gateway.client.credentials import bearer
    from gateway.client.uploads import limits, upload

    async with Gallery(settings.url, bearer(settings)) as gallery:
        taken = await limits(gallery)
        counting = asyncio.create_task(_count(paths, tally))
        try:
            await upload(gallery, files.pictures(paths, taken), show, wishes)
        finally:
            counting.cancel()


async def _count(paths: list[Path], tally: "Tally") -> None:
    """How many there are in all, found beside the work."""
    from gateway.client import files

    tally.total = await asyncio.to_thread(lambda: sum(1 for _ in files.walk(paths)))


def _print(outcome: "Outcome") -> None:
    told = {"path": str(outcome.path), "assetId": outcome.asset_id, "state": outcome.state}
    sys.stdout.write(json.dumps(told | {"duplicate": outcome.duplicate, "reason": outcome.reason}) + "\n")
    sys.stdout.flush()


def _tag(text: str) -> str:
    if not text.strip() or len(text) > 64:
        raise argparse.ArgumentTypeError("a tag has 1 to 64 characters")
    return text
