"""The client beyond the upload queue: pages, waiting instead of awaiting, live updates, taking everything along."""

import asyncio
import json
import os
import threading
import zipfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from functions.assets.contract import Change
from functions.collections.contract import AddItems, MakeCollection
from functions.core.tx import Database
from functions.keys.contract import CreateKey
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken
from gateway.client.errors import GalleryError, Problem, Unreachable
from gateway.client.live import updates
from gateway.client.requests import assets, collections, keys, people, search
from gateway.client.sync import SyncGallery
from gateway.client.uploads import Wishes
from tests.support.gallery_server import Served, served
from tests.support.images import a_png
from tests.support.script_server import said, scripted


@pytest.fixture
async def here(database: Database, tmp_path: Path) -> AsyncIterator[Served]:
    async with served(database, tmp_path / "data") as found:
        yield found


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for seed in range(count):
        (folder / f"{seed}.png").write_bytes(a_png(seed, (40, 30)))
    return folder


def waiting(here: Served, folder: Path) -> dict[str, object]:
    """A program without an event loop, from sending to tidying up."""
    with SyncGallery(here.url, LocalToken(here.folder)) as gallery:
        outcomes = gallery.upload([folder], Wishes(("blue",), wait=True))
        listed = [asset for page in gallery.pages(assets.page(owner="me", limit=2)) for asset in page.items]
        found = gallery.ask(search.words("blue", limit=10))
        changed = gallery.ask(assets.change_all([asset.id for asset in listed], Change(add_tags=["sea"])))
        album = gallery.ask(collections.make(MakeCollection(title="All")))
        gallery.ask(collections.add(album.id, AddItems(asset_ids=[asset.id for asset in listed])))
        items = [asset for page in gallery.pages(collections.items(album.id, limit=2)) for asset in page.items]
        usage = gallery.ask(people.usage())
    return {
        "outcomes": {each.state for each in outcomes}, "listed": len({asset.id for asset in listed}),
        "found": len(found.items), "changed": all(each.ok for each in changed.items),
        "items": [asset.id for asset in items] == [asset.id for asset in listed], "used": usage.assets.used,
    }  # fmt: skip


async def test_a_program_without_a_loop_can_do_it_all(here: Served, tmp_path: Path) -> None:
    done = await asyncio.to_thread(waiting, here, pictures(tmp_path / "in", 5))
    assert done == {"outcomes": {"ready"}, "listed": 5, "found": 5, "changed": True, "items": True, "used": 5}


def listening(here: Served, folder: Path, sent: Path) -> tuple[str, bool, list[str]]:
    """A program without a loop that hears of its uploads, asks about the gallery, and takes everything along."""
    with SyncGallery(here.url, LocalToken(here.folder)) as gallery:
        gallery.upload([sent], Wishes(wait=True))
        heard = []
        for update in gallery.updates("0"):
            heard.append(update.asset.state if update.asset else "")
            if heard[-1] == "ready":
                break
        gallery.export(folder / "me.zip")
        return gallery.about().name, zipfile.is_zipfile(folder / "me.zip"), list(dict.fromkeys(heard))


async def test_a_program_without_a_loop_hears_of_its_uploads(here: Served, tmp_path: Path) -> None:
    done = await asyncio.to_thread(listening, here, tmp_path, pictures(tmp_path / "in", 1))
    assert done == ("MiraVeja", True, ["new", "uploaded", "processed", "ready"])


def closing(here: Served, sent: Path) -> bool:
    """Whether a listener ends when somebody else closes its gallery."""
    heard = threading.Event()

    def listen() -> bool:
        for _ in gallery.updates("0"):
            heard.set()
        return True

    with SyncGallery(here.url, LocalToken(here.folder)) as gallery, ThreadPoolExecutor(1) as pool:
        gallery.upload([sent], Wishes(wait=True))
        listener = pool.submit(listen)
        begun = heard.wait(10)
        gallery.__exit__()
        return begun and listener.result(10)


async def test_updates_end_when_the_gallery_is_closed(here: Served, tmp_path: Path) -> None:
    assert await asyncio.to_thread(closing, here, pictures(tmp_path / "in", 1))


async def test_a_gallery_without_a_loop_raises_what_the_other_does(here: Served) -> None:
    def wrong() -> None:
        with SyncGallery(here.url, lambda: "nobody") as gallery:
            gallery.ask(people.me())

    with pytest.raises(Problem, match="Sign in"):
        await asyncio.to_thread(wrong)
    with pytest.raises(RuntimeError, match="entered"):
        SyncGallery(here.url).ask(people.me())


async def test_what_happens_to_an_asset_is_heard_until_it_is_ready(here: Served, tmp_path: Path) -> None:
    async with Gallery(here.url, LocalToken(here.folder)) as gallery:
        heard = []
        sending = asyncio.create_task(asyncio.to_thread(waiting, here, pictures(tmp_path / "in", 1)))
        async with asyncio.timeout(30):
            async for update in gallery.updates("0"):
                heard.append(update)
                if update.asset and update.asset.state == "ready":
                    break
        await sending
    states = [update.asset.state for update in heard if update.asset]
    assert list(dict.fromkeys(states)) == ["new", "uploaded", "processed", "ready"]
    assert len({update.id for update in heard}) == len(heard)


async def test_a_stream_that_is_cut_off_goes_on_from_where_it_was() -> None:
    async def lines(*text: str) -> AsyncIterator[bytes]:
        for line in text:
            yield f"{line}\n".encode()

    about = {
        "assetId": str(uuid4()),
        "state": "ready",
        "moderation": "approved",
        "trashed": False,
        "reason": None,
        "new": 1,
    }
    one = ("id: 5", "event: asset.status", f"data: {json.dumps(about)}", "")
    told = lines("retry: 1", "id: 4", "", ": still here", "", *one, "event: reset", "data: {}", "", "id: 9")
    seen = [(update.id, update.asset and update.asset.state, update.reset) async for update in updates(told)]
    assert seen == [("4", None, False), ("4", None, False), ("5", "ready", False), ("5", None, True)]


async def test_a_list_whose_pages_are_not_ours_is_said() -> None:
    async with scripted(said({"pages": []})) as script, Gallery(script.url) as gallery:
        with pytest.raises(GalleryError, match="is --url right"):
            await gallery.ask(assets.page())


async def test_everything_of_oneself_comes_as_a_zip(here: Served, tmp_path: Path) -> None:
    await asyncio.to_thread(waiting, here, pictures(tmp_path / "in", 2))
    async with Gallery(here.url, LocalToken(here.folder)) as gallery:
        await gallery.export(tmp_path / "me.zip")
        with pytest.raises(FileExistsError):
            await gallery.export(tmp_path / "me.zip")
    with zipfile.ZipFile(tmp_path / "me.zip") as taken:
        assert taken.testzip() is None
        assert sum(name.startswith("originals/") for name in taken.namelist()) == 2


async def test_a_zip_that_is_cut_short_is_not_kept(tmp_path: Path) -> None:
    async with scripted(None) as script, Gallery(script.url, patience_s=0.1) as gallery:
        with pytest.raises(Unreachable):
            await gallery.export(tmp_path / "me.zip")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 -- a look, no walk


async def test_what_is_told_once_is_not_asked_for_twice() -> None:
    async with scripted(None) as script, Gallery(script.url, patience_s=2.0) as gallery:
        with pytest.raises(Unreachable):
            await gallery.ask(keys.create(CreateKey(name="mine", scopes=["read"])))
    assert len(script.asked) == 1


async def test_a_second_try_carries_the_same_key() -> None:
    async with scripted(None, said({}, 503, Retry_After="0"), said({}, 400)) as script, Gallery(script.url) as gallery:
        with pytest.raises(Problem):
            await gallery.ask(collections.make(MakeCollection(title="All")))
    assert len(script.keys) == 3
    assert len(set(script.keys)) == 1
