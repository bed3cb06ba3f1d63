"""The upload queue: what is there is skipped, six files are under way at a time, each ends with an outcome."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from functions.assets.contract import ChangeAsset
from functions.core.catalog.contract import AssetOut
from functions.core.text import line
from functions.upload_presign.contract import PresignUpload
from gateway.client import fingerprint
from gateway.client.api import Gallery
from gateway.client.errors import FileChanged, GalleryError, Problem, Unreachable
from gateway.client.files import Found, Limits
from gateway.client.fingerprint import Item
from gateway.client.outcome import Outcome, State, failed, sentence, unreadable
from gateway.client.requests import assets, uploads

SENDERS: Final = 6
READERS: Final = 4
AHEAD: Final = 500
POLL_S: Final = 0.5
POLLED: Final = 100
TRIES: Final = 2
HOPELESS: Final = frozenset({401, 403, 429, 503})
"""What is true of every file that would follow: the queue stops."""
NOT_TAKEN: Final = frozenset({400, 403})
NOWHERE: Final = Path()
ENDS: Final[dict[str, State]] = {"ready": "ready", "rejected": "rejected", "failed": "failed", "expired": "failed"}


class Observer(Protocol):
    """Who watches: bytes on their way (negative when a try is taken back), and files at their end."""

    def moved(self, many: int) -> None:
        """So many bytes were sent."""

    def done(self, outcome: Outcome) -> None:
        """A file has ended."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of new assets, and whether to wait until they can be found."""

    tags: tuple[str, ...] = ()
    visibility: str | None = None
    wait: bool = False

    def change(self, asset: AssetOut) -> ChangeAsset:
        """The change that fulfils them; tags that people gave before stay, those of machines are no concern of ours."""
        tags = sorted({tag.name for tag in asset.tags if tag.source == "person"}.union(self.tags))
        given = ({"tags": tags} if self.tags else {}) | ({"visibility": self.visibility} if self.visibility else {})
        return ChangeAsset.model_validate(given)


async def limits(gallery: Gallery) -> Limits:
    """What the gallery takes."""
    about = await gallery.about()
    return Limits(about.limits.max_bytes, frozenset(about.accepted_types))


async def upload(gallery: Gallery, found: Iterable[Found], observer: Observer, wishes: Wishes | None = None) -> None:
    """Send everything; `found` is read in a thread, a little ahead. Raises GalleryError when going on is no use."""
    try:
        await _Queue(gallery, observer, wishes or Wishes()).run(found)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class _NotTakenError(Exception):
    """The store wants other bytes, or another form."""

    def __init__(self, why: Problem | FileChanged) -> None:
        self.why = why

    def verdict(self, *, changed: bool) -> Problem:
        """What to say when trying again did not help."""
        if changed or isinstance(self.why, FileChanged):
            return Problem(400, "file_changed", sentence("file_changed"))
        return Problem(400, self.why.code, self.why.detail)


@dataclass(slots=True)
class _Queue:
    """One run; what it remembers of a file that has ended is its digest and its outcome."""

    gallery: Gallery
    observer: Observer
    wishes: Wishes
    unsent: asyncio.Queue[Item | None] = field(default_factory=lambda: asyncio.Queue(AHEAD))
    unfinished: deque[Item] = field(default_factory=deque)
    seen: dict[bytes, Item | Outcome] = field(default_factory=dict)
    sending: int = SENDERS

    async def run(self, found: Iterable[Found]) -> None:
        """Until every file has ended."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed(found))
            if self.wishes.wait:
                group.create_task(self._watch())
            for _ in range(SENDERS):
                group.create_task(self._send_all())

    async def _feed(self, found: Iterable[Found]) -> None:
        source = iter(found)
        with ThreadPoolExecutor(READERS) as pool:
            while batch := await asyncio.to_thread(fingerprint.next_batch, source, pool):
                await self._sort(batch)
        for _ in range(SENDERS):
            await self.unsent.put(None)

    async def _sort(self, batch: list[Item | Outcome]) -> None:
        """Report what has ended already, pass on what is new."""
        new = [item for item in batch if self._is_new(item)]
        digests = [item.sha256 for item in new if isinstance(item, Item)]
        known = (await self.gallery.ask(uploads.check(digests))).known if digests else {}
        there, unsent = list[Item](), list[Item]()
        for item in new:
            if isinstance(item, Outcome):
                self.observer.done(item)
            else:
                (there if item.sha256 in known else unsent).append(item)
        await self._there(there, [str(known[item.sha256]) for item in there])
        for item in unsent:
            await self.unsent.put(item)

    async def _there(self, items: list[Item], ids: list[str]) -> None:
        """Files whose bytes the gallery has: how they ended there, a hundred at a time."""
        for item, asset in zip(items, ids, strict=True):
            self._arrived(item, asset, duplicate=True)
        for start in range(0, 0 if self.wishes.wait else len(items), POLLED):
            batch = items[start : start + POLLED]
            told = await self._told_if_allowed(batch)
            for item in batch:
                asset_now = told.get(item.asset_id or "")
                ended = asset_now is not None and asset_now.state in ENDS
                self._end(item, _outcome(item, asset_now) if ended else _sent(item))

    def _is_new(self, item: Item | Outcome) -> bool:
        """False for the bytes of another file, whose end will be this one's."""
        if isinstance(item, Outcome):
            return True
        first = self.seen.setdefault(bytes.fromhex(item.sha256), item)
        if first is item:
            return True
        if isinstance(first, Outcome):
            self.observer.done(replace(first, path=item.path, duplicate=True))
        else:
            first.twins.append(item.path)
        return False

    async def _send_all(self) -> None:
        try:
            while item := await self.unsent.get():
                await self._send(item)
        finally:
            self.sending -= 1

    async def _send(self, item: Item) -> None:
        """One file to its end; only what is wrong with all of them is raised."""
        try:
            await self._attempts(item)
        except Problem as problem:
            if problem.status in HOPELESS:
                raise
            self._end(item, _failure(item.path, problem))
        except OSError as error:
            self._end(item, unreadable(item.path, error))
        except Unreachable:
            raise
        except GalleryError as error:
            self._end(item, failed(item.path, "failed", str(error)))

    async def _attempts(self, item: Item) -> None:
        """Send; a file that was written to meanwhile is read and sent once more."""
        now = item
        for tries in range(TRIES):
            try:
                await self._once(item, now)
                return
            except _NotTakenError as refused:
                fresh = await asyncio.to_thread(fingerprint.read, item.path, item.content_type)
                if tries == TRIES - 1:
                    raise refused.verdict(changed=fresh.sha256 != now.sha256) from None
                now = fresh

    async def _once(self, item: Item, now: Item) -> None:
        name = line(item.path.name, 255) or "image"
        wanted = PresignUpload.model_validate(
            {"name": name, "size": now.size, "content_type": now.content_type, "sha256": now.sha256}
        )
        said = await self.gallery.ask(uploads.presign(wanted))
        asset, upload = str(said.asset_id), said.upload
        if upload is None:
            await self._there([item], [asset])
            return
        await self._dress(asset)
        try:
            await self.gallery.post_form(upload, item.path, now.size, self.observer.moved)
        except FileChanged as error:
            raise _NotTakenError(error) from None
        except Problem as problem:
            raise _NotTakenError(problem) if problem.status in NOT_TAKEN else problem from None
        await self._complete(asset)
        self._arrived(item, asset, duplicate=False)
        if not self.wishes.wait:
            self._end(item, _sent(item))

    async def _dress(self, asset: str) -> None:
        """Tags and visibility before the bytes: an upload that is resumed has them too."""
        while self.wishes.tags or self.wishes.visibility:
            now = await self.gallery.ask(assets.one(asset))
            try:
                await self.gallery.ask(assets.change(asset, self.wishes.change(now.it), now.etag))
                return
            except Problem as problem:
                if problem.status != 412:
                    raise

    async def _complete(self, asset: str) -> None:
        """Word of the bytes; the store's own notification says the same, so that a refusal is no failure."""
        with suppress(Problem):
            await self.gallery.ask(uploads.complete(asset))

    def _arrived(self, item: Item, asset: str, *, duplicate: bool) -> None:
        item.asset_id, item.duplicate = asset, duplicate
        if self.wishes.wait:
            self.unfinished.append(item)

    async def _watch(self) -> None:
        """Ask for those that wait, the longest waiting first, a hundred at a time."""
        while self.sending or self.unfinished:
            asked = time.monotonic()
            batch = [self.unfinished.popleft() for _ in range(min(POLLED, len(self.unfinished)))]
            if batch:
                await self._look(batch)
            await asyncio.sleep(max(0.0, asked + POLL_S - time.monotonic()))

    async def _look(self, batch: list[Item]) -> None:
        told = await self._told(batch)
        for item in batch:
            asset = told.get(item.asset_id or "")
            if asset and asset.state not in ENDS:
                self.unfinished.append(item)
            else:
                self._end(item, _outcome(item, asset))

    async def _told(self, batch: list[Item]) -> dict[str, AssetOut]:
        ids = [item.asset_id for item in batch if item.asset_id]
        page = await self.gallery.ask(assets.page(id=ids, owner="me", limit=POLLED))
        return {str(asset.id): asset for asset in page.items}

    async def _told_if_allowed(self, batch: list[Item]) -> dict[str, AssetOut]:
        """Nothing to a key that may upload and not read."""
        try:
            return await self._told(batch)
        except Problem as problem:
            if problem.status != 403:
                raise
            return {}

    def _end(self, item: Item, outcome: Outcome) -> None:
        """Tell of a file and of those with the same bytes."""
        self.seen[bytes.fromhex(item.sha256)] = replace(outcome, path=NOWHERE)
        self.observer.done(outcome)
        for twin in item.twins:
            self.observer.done(replace(outcome, path=twin, duplicate=True))


def _sent(item: Item) -> Outcome:
    return Outcome(item.path, item.asset_id, "sent", item.duplicate)


def _outcome(item: Item, asset: AssetOut | None) -> Outcome:
    if asset is None:
        return failed(item.path, "gone", asset_id=item.asset_id)
    state = ENDS[asset.state]
    if state == "ready":
        return Outcome(item.path, item.asset_id, state, item.duplicate)
    reason = asset.reason or asset.state
    detail = asset.reason_text or sentence(reason)
    return Outcome(item.path, item.asset_id, state, item.duplicate, reason, detail)


def _failure(path: Path, problem: Problem) -> Outcome:
    if problem.status == 413 and "quotaBytes" in problem.facts:
        return failed(path, "over_quota")
    if problem.status == 413:
        return Outcome(path, None, "rejected", reason="too_large", detail=problem.detail)
    return failed(path, problem.code, problem.detail)
