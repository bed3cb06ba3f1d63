"""Fills an empty gallery with pictures that we draw, through the path that everybody's pictures take."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from functions.core.errors import MiraVejaError
from functions.core.settings import Settings
from gateway.cli.progress import shown
from gateway.cli.screen import plain, say
from gateway.cli.search import table
from gateway.cli.tally import Tally
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken
from gateway.client.errors import GalleryError
from gateway.client.files import Picture
from gateway.client.requests import assets, search
from gateway.client.uploads import Wishes, upload

COUNT: Final = 48
QUERY: Final = "a red car"
BEST: Final = 5
BEGUN: Final = "samples.begun"
DONE: Final = "samples.done"


async def send_samples(settings: Settings) -> bool:
    """Send samples to a new gallery once, also when that takes several starts; says whether any were sent now."""
    try:
        async with Gallery(_here(settings), LocalToken(settings.data_dir)) as gallery:
            if not await _wanted(gallery, settings.data_dir):
                return False
            await _send(gallery, settings.data_dir)
    except (MiraVejaError, GalleryError, OSError) as error:
        say(f"miraveja: the sample pictures could not be sent: {plain(error)}")
        return False
    return True


async def show_search(settings: Settings) -> None:
    """One search by words, as anybody could type it, and its best hits."""
    try:
        async with Gallery(_here(settings), LocalToken(settings.data_dir)) as gallery:
            await _show(gallery)
    except (MiraVejaError, GalleryError, OSError) as error:
        say(f"miraveja: the search failed: {plain(error)}")


async def _wanted(gallery: Gallery, folder: Path) -> bool:
    """Not where they were sent before, nor into a gallery that somebody uses already."""
    if (folder / DONE).exists():
        return False
    begun = (folder / BEGUN).exists()
    return begun or not (await gallery.ask(assets.page(owner="me", limit=1))).items


async def _send(gallery: Gallery, folder: Path) -> None:
    (folder / BEGUN).touch()
    drawn, tally = folder / "samples", Tally(COUNT)
    try:
        with shown("Sending sample pictures", tally) as show:
            await upload(gallery, _drawn(drawn), show, Wishes(wait=True))
    finally:
        shutil.rmtree(drawn, ignore_errors=True)
    (folder / BEGUN).rename(folder / DONE)
    for line in tally.summary():
        say(plain(line))


def _drawn(folder: Path) -> Iterator[Picture]:
    """Each sample as a file, drawn when it is asked for."""
    from gateway.local.samples import samples

    folder.mkdir(mode=0o700, exist_ok=True)
    for sample in samples(COUNT):
        path = folder / sample.name
        path.write_bytes(sample.data)
        yield Picture(path, len(sample.data), sample.content_type)


async def _show(gallery: Gallery) -> None:
    hits = (await gallery.ask(search.words(QUERY, limit=BEST).raw())).json()["items"]
    say(f'\nmiraveja search "{QUERY}"')
    for line in table(hits):
        say(f"  {line}")


def _here(settings: Settings) -> str:
    """Our own processes, not who else may listen on another address of this machine."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"
