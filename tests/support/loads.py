"""People at work on a real gallery while faults happen: they upload, change and delete, and write down what they were told."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import aiohttp

from functions.assets.contract import ChangeAsset
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken
from gateway.client.errors import Problem
from gateway.client.files import Found, Limits, look
from gateway.client.fingerprint import read as fingerprint
from gateway.client.outcome import Outcome
from gateway.client.requests import assets
from gateway.client.uploads import upload
from tests.support.galleries import Up
from tests.support.images import a_jpeg
from tests.support.ledger import Ledger

SMALL = (64, 48)
LOOK_S = 0.05
JPEGS = Limits(1 << 20, frozenset({"image/jpeg"}))


@dataclass(frozen=True)
class Seen:
    """One look at the gallery by somebody impatient: a status, or 0 where nobody answered."""

    at: float
    status: int
    retry_after: str


@dataclass
class Load:
    """One client after another picture; every fifth is made unlisted, every tenth deleted."""

    up: Up
    ledger: Ledger
    pace_s: float
    seen: list[Seen] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _after: list[tuple[int, str]] = field(default_factory=list)
    _sent: int = 0

    def moved(self, many: int) -> None:
        """Nobody looks."""

    def done(self, outcome: Outcome) -> None:
        """The gallery has the picture: that is written down before anything else."""
        assert outcome.asset_id, outcome
        item = fingerprint(outcome.path, "image/jpeg")
        self.ledger.note("uploaded", outcome.asset_id, sha256=item.sha256)
        self._sent += 1
        self._after.append((self._sent, outcome.asset_id))

    async def work(self) -> None:
        """Until told that it is over; what was begun is finished."""
        token = LocalToken(self.up.data)
        async with Gallery(self.up.url, token) as gallery, asyncio.TaskGroup() as group:
            sending = group.create_task(upload(gallery, self._pictures(), self))
            group.create_task(self._look(token))
            while not (sending.done() and not self._after):
                await self._afterwards(gallery)
                await asyncio.sleep(LOOK_S)

    def over(self) -> None:
        self._over.set()

    def _pictures(self) -> Iterator[Found]:
        """As many as there is time for; it runs in a thread of its own."""
        for number in count():
            if self._over.wait(self.pace_s):
                return
            path = self.up.folder / f"load-{number}.jpg"
            path.write_bytes(a_jpeg(50_000 + number, SMALL))
            yield look(path, JPEGS)

    async def _afterwards(self, gallery: Gallery) -> None:
        while self._after:
            number, asset = self._after.pop(0)
            if number % 10 == 0:
                await self._delete(gallery, asset)
            elif number % 5 == 0:
                await self._change(gallery, asset)

    async def _delete(self, gallery: Gallery, asset: str) -> None:
        """Asked again until it is answered, so that the second time it may be gone."""
        try:
            await gallery.ask(assets.delete(asset, permanent=True))
        except Problem as problem:
            if problem.status != 404:
                raise
        self.ledger.note("deleted", asset)

    async def _change(self, gallery: Gallery, asset: str) -> None:
        """From the revision that it has by then."""
        for _ in range(20):
            with suppress(Problem):
                now = await gallery.ask(assets.one(asset))
                await gallery.ask(assets.change(asset, ChangeAsset(visibility="unlisted"), now.etag))
                self.ledger.note("changed", asset)
                return
        raise AssertionError(f"{asset} could not be changed")

    async def _look(self, token: LocalToken) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            while not self._over.is_set():
                self.seen.append(await _seen(session, self.up.url, token()))
                await asyncio.sleep(LOOK_S)


async def _seen(session: aiohttp.ClientSession, url: str, token: str) -> Seen:
    try:
        asked = session.get(f"{url}/v1/assets?limit=1&owner=me", headers={"Authorization": f"Bearer {token}"})
        async with asked as answer:
            return Seen(time.monotonic(), answer.status, answer.headers.get("Retry-After", ""))
    except (aiohttp.ClientError, TimeoutError):
        return Seen(time.monotonic(), 0, "")


@contextmanager
def at_work(up: Up, ledger: Ledger, pace_s: float = 0.2) -> Iterator[Load]:
    """People work until the body ends; whatever they could not finish is raised then."""
    load, trouble = Load(up, ledger, pace_s), list[BaseException]()

    def work() -> None:
        try:
            asyncio.run(load.work())
        except BaseException as error:  # noqa: BLE001 -- told in the thread that waits for it
            trouble.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield load
    finally:
        load.over()
        thread.join()
        if trouble:
            raise trouble[0]


def rude(seen: list[Seen]) -> list[Seen]:
    """What nobody should meet: anything but an answer, no connection, or word of when to come back."""
    return [look for look in seen if look.status not in (0, 200) and not (look.status == 503 and look.retry_after)]
