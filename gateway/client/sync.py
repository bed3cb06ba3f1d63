"""The same gallery for programs without an event loop: every call waits for its end."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from gateway.client import files
from gateway.client.api import PATIENCE_S, Gallery, Token
from gateway.client.outcome import Outcome
from gateway.client.request import Paged, Request
from gateway.client.uploads import Wishes, limits, upload

T = TypeVar("T")
P = TypeVar("P", bound=Paged)


class SyncGallery:
    """One gallery, as `Gallery` describes it; its connections live in a thread of its own, and any thread may call."""

    def __init__(self, url: str, token: Token | None = None, *, patience_s: float = PATIENCE_S) -> None:
        self._gallery = Gallery(url, token, patience_s=patience_s)
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        """Start the thread; nothing is sent yet."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._gallery))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and end the thread."""
        self._stack.close()
        self._portal = None

    def ask(self, request: Request[T]) -> T:
        """Send one request and read its answer."""
        return self._in_thread.call(self._gallery.ask, request)

    def pages(self, request: Request[P]) -> Iterator[P]:
        """A list from the given page on, page by page."""
        page = self.ask(request)
        yield page
        while page.next_cursor:
            page = self.ask(request.after(page.next_cursor))
            yield page

    def query_image(self, data: bytes) -> str:
        """The id of a picture to search by for an hour."""
        return self._in_thread.call(self._gallery.query_image, data)

    def upload(self, paths: Iterable[Path], wishes: Wishes | None = None) -> list[Outcome]:
        """Send pictures and folders of pictures; how each file ended, in the order in which they did."""
        seen = _Seen()
        self._in_thread.call(self._upload, list(paths), wishes, seen)
        return seen.outcomes

    async def _upload(self, paths: list[Path], wishes: Wishes | None, seen: "_Seen") -> None:
        await upload(self._gallery, files.pictures(paths, await limits(self._gallery)), seen, wishes)

    @property
    def _in_thread(self) -> BlockingPortal:
        if self._portal is None:
            raise RuntimeError("a gallery is entered before it is asked")
        return self._portal


class _Seen:
    """Keeps how files ended."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def moved(self, many: int) -> None:
        """Nobody watches."""

    def done(self, outcome: Outcome) -> None:
        """A file has ended."""
        self.outcomes.append(outcome)
