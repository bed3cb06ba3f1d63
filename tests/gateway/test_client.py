"""The client against the real gateway and store, and against bad weather: every file ends once, with a reason."""

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest

from functions.core.settings import Settings
from functions.core.tx import Database
from functions.search.contract import Example, Search
from functions.upload_presign.contract import UploadOut
from gateway.client import files
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken, bearer
from gateway.client.errors import GalleryError, Problem, Unreachable
from gateway.client.files import Found, Limits, Picture
from gateway.client.outcome import Outcome
from gateway.client.request import Request
from gateway.client.requests import assets, people, search
from gateway.client.uploads import Wishes, limits, upload
from gateway.local import wires
from tests.support.gallery_server import Served, served
from tests.support.images import a_jpeg, a_png
from tests.support.script_server import said, scripted

T = TypeVar("T")
WAIT = Wishes(wait=True)
LIMITS = Limits(50 << 20, frozenset({"image/jpeg", "image/png"}))


class Seen:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.bytes = 0
        self.outcomes: list[Outcome] = []
        self.first = asyncio.Event()

    def moved(self, many: int) -> None:
        self.bytes += many

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.first.set()

    @property
    def told(self) -> dict[str, tuple[str, bool, str | None]]:
        return {each.path.name: (each.state, each.duplicate, each.reason) for each in self.outcomes}


class Writing(Gallery):
    """A gallery whose client is disturbed: a file is written to just before it is sent, `times` times."""

    path: Path
    times: int

    async def ask(self, request: Request[T]) -> T:
        form = await super().ask(request)
        if isinstance(form, UploadOut) and self.times:
            self.times -= 1
            self.path.write_bytes(a_png(100 + self.times, (20, 20)))
        return form


@pytest.fixture
async def here(database: Database, tmp_path: Path) -> AsyncIterator[Served]:
    async with served(database, tmp_path / "data") as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


def of(here: Served) -> Gallery:
    return Gallery(here.url, LocalToken(here.folder))


async def send(gallery: Gallery, paths: Iterable[Path], wishes: Wishes = WAIT) -> Seen:
    seen = Seen()
    async with gallery:
        await upload(gallery, files.pictures(paths, await limits(gallery)), seen, wishes)
    return seen


async def test_every_file_of_a_folder_ends_and_nothing_is_sent_twice(here: Served, folder: Path) -> None:
    data = a_png(1)
    for name, content in {
        "a.png": data, "copy.png": data, "cut.jpg": a_jpeg(2)[:2000], "empty.png": b"", "notes.txt": b"hello",
    }.items():  # fmt: skip
        (folder / name).write_bytes(content)

    first = await send(of(here), [folder])
    again = await send(of(here), [folder])

    assert first.told == {
        "a.png": ("ready", False, None),
        "copy.png": ("ready", True, None),
        "cut.jpg": ("rejected", False, "unreadable_image"),
        "empty.png": ("rejected", False, "unreadable_image"),
        "notes.txt": ("rejected", False, "unsupported"),
    }
    assert first.bytes == len(data) + 2000
    assert again.bytes == 0
    assert again.told["a.png"] == again.told["copy.png"] == ("ready", True, None)
    assert again.told["cut.jpg"] == ("rejected", True, "unreadable_image")
    assert {each.asset_id for each in again.outcomes} == {each.asset_id for each in first.outcomes}
    hurried = await send(of(here), [folder], Wishes())
    assert (hurried.bytes, hurried.told) == (0, again.told)


async def test_tags_and_visibility_are_given_to_new_pictures(here: Served, folder: Path) -> None:
    (folder / "a.png").write_bytes(a_png(1))
    seen = await send(of(here), [folder], Wishes(("Holiday", "sea"), "public"))
    (outcome,) = seen.outcomes
    assert outcome.state == "sent"
    async with of(here) as gallery:
        asset = await gallery.ask(assets.one(str(outcome.asset_id)))
    assert {tag.name for tag in asset.it.tags} == {"holiday", "sea"}
    assert asset.it.visibility == "public"
    assert asset.etag


async def test_what_was_sent_is_found_by_words_and_by_example(here: Served, folder: Path) -> None:
    (folder / "red-boat.png").write_bytes(a_png(1))
    await send(of(here), [folder])
    async with of(here) as gallery:
        by_words = await gallery.ask(search.words("red boat", limit=1))
        example = UUID(await gallery.query_image(a_png(1)))
        by_example = await gallery.ask(search.weighted(Search(images=[Example(query_image_id=example)])))
    assert by_words.items[0].name == by_example.items[0].name == "red-boat.png"
    assert by_example.items[0].score > 0.9


async def test_a_file_that_changes_once_is_sent_as_it_is_then(here: Served, folder: Path) -> None:
    gallery = Writing(here.url, LocalToken(here.folder))
    gallery.path, gallery.times = folder / "a.png", 1
    gallery.path.write_bytes(a_png(1))
    seen = await send(gallery, [folder])
    assert seen.told == {"a.png": ("ready", False, None)}
    async with of(here) as asked:
        asset = await asked.ask(assets.one(str(seen.outcomes[0].asset_id)))
    assert asset.it.sha256 == hashlib.sha256(gallery.path.read_bytes()).hexdigest()


async def test_a_file_that_keeps_changing_fails_with_that_reason(here: Served, folder: Path) -> None:
    gallery = Writing(here.url, LocalToken(here.folder))
    gallery.path, gallery.times = folder / "a.png", 2
    gallery.path.write_bytes(a_png(1))
    seen = await send(gallery, [folder])
    assert seen.told == {"a.png": ("failed", False, "file_changed")}


async def test_a_cancelled_upload_goes_on_where_it_ended(here: Served, folder: Path) -> None:
    for number in range(12):
        (folder / f"{number}.png").write_bytes(a_png(number, (64, 64)))
    seen = Seen()

    async def run() -> None:
        async with of(here) as gallery:
            await upload(gallery, files.pictures([folder], await limits(gallery)), seen, WAIT)

    task = asyncio.create_task(run())
    await seen.first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    again = await send(of(here), [folder])
    assert [each.state for each in again.outcomes] == ["ready"] * 12
    async with of(here) as gallery:
        assert len((await gallery.ask(assets.page(owner="me", limit=100))).items) == 12


async def test_a_token_that_does_not_hold_stops_the_queue(here: Served, folder: Path) -> None:
    (folder / "a.png").write_bytes(a_png(1))
    with pytest.raises(Problem) as caught:
        await send(Gallery(here.url, lambda: "no token"), [folder])
    assert (caught.value.status, caught.value.code) == (401, "invalid_token")


async def test_the_credential_file_serves_galleries_of_this_machine_only(here: Served) -> None:
    local = Settings.load({"MIRAVEJA_DATA_DIR": str(here.folder), "MIRAVEJA_URL": here.url})
    with socket.socket(socket.AF_UNIX) as answering:
        answering.bind(str(wires.operator(local)))
        answering.listen()
        async with Gallery(here.url, bearer(local)) as gallery:
            me = await gallery.ask(people.me())
    assert me.roles == ["admin", "moderator", "user"]
    given = Settings.load({"MIRAVEJA_TOKEN": "mine", "MIRAVEJA_URL": "https://gallery.example"})
    assert bearer(given)() == "mine"


async def test_a_limited_request_is_sent_again_when_it_may_be() -> None:
    slow = said({"code": "limited", "detail": "too fast"}, 429, Retry_After="1")
    async with scripted(slow, said({"id": "me"})) as script, Gallery(script.url) as gallery:
        started = time.monotonic()
        assert (await gallery.ask(people.me().raw())).json() == {"id": "me"}
        assert time.monotonic() - started >= 1.0
    assert len(script.asked) == 2


async def test_patience_ends_before_a_wait_that_is_too_long() -> None:
    limited = said({"code": "limited", "detail": "no more uploads today"}, 429, Retry_After="3600")
    async with scripted(limited) as script, Gallery(script.url) as gallery:
        with pytest.raises(Problem, match="no more uploads today"):
            await gallery.ask(people.me())
    assert len(script.asked) == 1


async def test_a_lost_connection_is_tried_again() -> None:
    async with scripted(None, None, said({"id": "me"})) as script, Gallery(script.url) as gallery:
        assert (await gallery.ask(people.me().raw())).json() == {"id": "me"}


async def test_a_gallery_that_is_gone_ends_the_queue(folder: Path) -> None:
    (folder / "a.png").write_bytes(a_png(1))
    async with Gallery("http://127.0.0.1:9", lambda: "t", patience_s=0.1) as gallery:
        with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9 \(Connection refused\)"):
            await upload(gallery, files.pictures([folder], LIMITS), Seen())


@pytest.mark.parametrize("url", ["gallery", "http://", "ftp://localhost/x", "http://local host"])
async def test_what_is_no_address_is_said(url: str) -> None:
    async with Gallery(url) as gallery:
        with pytest.raises(GalleryError):
            await gallery.about()


async def test_an_answer_that_is_no_gallerys_is_said() -> None:
    async with scripted(said(["something else"])) as script, Gallery(script.url) as gallery:
        with pytest.raises(GalleryError, match="is --url right"):
            await gallery.about()


async def test_a_redirect_is_not_followed_with_a_token() -> None:
    away = said({}, 302, Location="http://elsewhere.example/")
    async with scripted(away) as script, Gallery(script.url, lambda: "secret") as gallery:
        with pytest.raises(Problem) as caught:
            await gallery.ask(people.me())
    assert caught.value.status == 302


async def test_the_source_is_read_only_a_little_ahead(tmp_path: Path) -> None:
    """A hundred thousand files are never held at once."""
    (tmp_path / "a.png").write_bytes(a_png(1, (16, 16)))
    pulled = 0

    def source() -> Iterable[Found]:
        nonlocal pulled
        for number in range(20_000):
            pulled += 1
            path = tmp_path / f"{number}.png"
            path.write_bytes(number.to_bytes(4, "big"))
            yield Picture(path, 4, "image/png")

    async def stuck() -> None:
        async with Gallery(script.url, lambda: "t") as gallery:
            await upload(gallery, source(), Seen())

    check, limited = said({"known": {}}), said({"code": "limited", "detail": "wait"}, 429, Retry_After="30")
    async with scripted(check, limited) as script:
        task = asyncio.create_task(stuck())
        await script.reached(6)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert pulled < 2_000
