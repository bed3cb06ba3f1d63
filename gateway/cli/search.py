"""`miraveja search`: find by words, by example, or by both."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from gateway.cli import options

if TYPE_CHECKING:
    from functions.search.contract import Search
    from gateway.client.api import Gallery
    from gateway.client.request import Answer

PATIENCE_S: Final = 5.0
"""A person waits for the answer."""


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    command.add_argument("text", nargs="?", default="", metavar="TEXT", help="what the pictures show")
    command.add_argument("--image", type=Path, metavar="PATH", help="a picture that they should be like")
    command.add_argument("--not", dest="unwanted", action="append", default=[], metavar="TEXT", help="away from this")
    command.add_argument("--limit", type=options.number(1, 100), default=20, metavar="N", help="1 to 100 hits")
    options.json(command, "the answer as the gallery gives it")
    options.url(command)


def run(given: argparse.Namespace) -> int:
    """0 also where nothing is found."""
    from gateway.cli.screen import say

    if not given.text and not given.image:
        say("miraveja: say what to look for: TEXT, --image PATH, or both")
        return 2
    example = _read(given.image) if given.image else None
    answer = asyncio.run(_search(given, example))
    if given.json:
        sys.stdout.write(answer.body.decode() + "\n")
        return 0
    hits = answer.json()["items"]
    if not hits:
        say("nothing found")
    sys.stdout.writelines(f"{line}\n" for line in table(hits))
    return 0


def table(hits: list[dict[str, Any]]) -> list[str]:
    """A line for each hit, best first: score, title or name or id, what it was found by."""
    from gateway.cli.screen import plain

    names = [plain(hit["title"] or hit["name"] or hit["id"], 60) for hit in hits]
    width = max(map(len, names), default=0)
    whys = [plain(", ".join(hit["why"])) for hit in hits]
    return [f"{hit['score']:.3f}  {name:<{width}}  {why}" for hit, name, why in zip(hits, names, whys, strict=True)]


def _read(path: Path) -> bytes:
    """The picture to search by; raises Invalid for none."""
    from functions.core.errors import Invalid

    try:
        data = path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from None
    if not data:
        raise Invalid(f"{path} is empty")
    return data


async def _search(given: argparse.Namespace, example: bytes | None) -> "Answer":
    from gateway.client.api import Gallery
    from gateway.client.credentials import bearer
    from gateway.client.requests import search

    settings = options.settings(given)
    async with Gallery(settings.url, bearer(settings), patience_s=PATIENCE_S) as gallery:
        if example is None:
            return await gallery.ask(search.words(given.text, given.unwanted, given.limit).raw())
        return await gallery.ask(search.weighted(await _by_example(gallery, given, example)).raw())


async def _by_example(gallery: "Gallery", given: argparse.Namespace, data: bytes) -> "Search":
    from functions.search.contract import NOT_WEIGHT, Example, Search, Words

    example = await gallery.query_image(data)
    texts = [Words(q=given.text)] if given.text else []
    texts += [Words(q=words, weight=NOT_WEIGHT) for words in given.unwanted]
    return Search(texts=texts, images=[Example(query_image_id=UUID(example))], limit=given.limit)
