"""The same gallery for programs without an event loop: every call waits for its end."""

from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from gateway.client.api import PATIENCE_S, Gallery, Token
from gateway.client.errors import GalleryError
from gateway.client.live import Update
from gateway.client.outcome import Outcome
from gateway.client.request import Paged, Request
from gateway.client.uploads import Wishes
from gateway.contract import AboutOut

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
        self._portal = None
        self._stack.close()

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
        return self._in_thread.call(self._gallery.upload, list(paths), wishes)

    def about(self) -> AboutOut:
        """Limits, types, model."""
        return self._in_thread.call(self._gallery.about)

    def down(self) -> list[str]:
        """The parts that do not answer; raises Unreachable when none does."""
        return self._in_thread.call(self._gallery.down)

    def export(self, path: Path) -> None:
        """One's whole account as a zip in a new file; FileExistsError where there is one.

        gallery.export(Path("everything-of-mine.zip"))
        """
        self._in_thread.call(self._gallery.export, path)

    def updates(self, after: str = "") -> Iterator[Update]:
        """What happens to one's assets, until the gallery is closed, also by another thread.

        for update in gallery.updates():
            if update.asset and update.asset.state == "ready":
                print(update.asset.asset_id, "can be found")
        """
        portal, stream = self._in_thread, self._gallery.updates(after)
        try:
            while True:
                yield portal.call(anext, stream)
        except (GalleryError, RuntimeError, CancelledError):
            if self._portal is portal:
                raise
        finally:
            if self._portal is portal:
                portal.call(stream.aclose)

    @property
    def _in_thread(self) -> BlockingPortal:
        if self._portal is None:
            raise RuntimeError("a gallery is entered before it is asked")
        return self._portal
