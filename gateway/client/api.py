"""A gallery as a client sees it: requests in, things out, refusals as exceptions, patience where it asks for some."""

import asyncio
import json
import os
import random
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import aiohttp

from functions.upload_presign.contract import FormOut
from gateway.client import live
from gateway.client.download import receive
from gateway.client.errors import Problem, Unreachable
from gateway.client.form import CHUNK_BYTES, Form
from gateway.client.live import Update
from gateway.client.outcome import Outcome, Outcomes
from gateway.client.request import Answer, Paged, Request, nothing, same
from gateway.client.requests import meta
from gateway.contract import AboutOut

if TYPE_CHECKING:
    from gateway.client.uploads import Wishes

ANSWER_S: Final = 60.0
CONNECT_S: Final = 10.0
SLOWEST_BYTES_A_SECOND: Final = 32 * 1024
PATIENCE_S: Final = 60.0
MOST_CONNECTIONS: Final = 16
MOST_TOLD: Final = 4_096
PARTS_OF_S3: Final = re.compile(r"<(Code|Message)>([^<]{0,1000})</")

Token = Callable[[], str]
T = TypeVar("T")
P = TypeVar("P", bound=Paged)


class Gallery:
    """One gallery; `token` gives a bearer that is good now. Every method may raise Problem or Unreachable.

    429, 503 and lost connections are tried again for `patience_s` seconds.
    """

    def __init__(self, url: str, token: Token | None = None, *, patience_s: float = PATIENCE_S) -> None:
        self.url = url.rstrip("/")
        self._token, self._patience_s = token, patience_s
        self._open: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Make ready; nothing is sent yet."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=ANSWER_S)
        connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS)
        self._open = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        if self._open:
            await self._open.close()

    async def ask(self, request: Request[T]) -> T:
        """Send one request and read its answer."""
        sent = request.keyed()
        return request.read(await self._patiently(lambda: self._once(sent), again=request.again))

    async def pages(self, request: Request[P]) -> AsyncIterator[P]:
        """A list from the given page on, page by page."""
        page = await self.ask(request)
        yield page
        while page.next_cursor:
            page = await self.ask(request.after(page.next_cursor))
            yield page

    async def about(self) -> AboutOut:
        """Limits, types, model; asked once, so that a wrong address is told at once."""
        request = meta.about()
        return request.read(await self._once(request))

    async def down(self) -> list[str]:
        """The parts that do not answer; raises Unreachable when none does."""
        async with self._asked("GET", f"{self.url}/readyz") as answer:
            said = Answer(await answer.read()).json()
        return [str(part) for part in said["down"]]

    async def updates(self, after: str = "") -> AsyncGenerator[Update, None]:
        """What happens to one's assets, for as long as somebody listens; `after` is the id of the last update seen.

        A connection that ends is made again from there; Problem or Unreachable when that is no use.

            async for update in gallery.updates():
                if update.asset and update.asset.state == "ready":
                    print(update.asset.asset_id, "can be found")
        """
        while True:
            async with self._patient(live.following(after)) as body:
                with suppress(aiohttp.ClientError, TimeoutError):  # cut off in the middle: made again from there
                    async for update in live.updates(body):
                        after = update.id
                        if update.asset or update.reset:
                            yield update
            await asyncio.sleep(live.PAUSE_S)

    async def export(self, path: Path) -> None:
        """One's whole account as a zip in a new file; FileExistsError where there is one, and nothing of one cut short.

        await gallery.export(Path("everything-of-mine.zip"))
        """
        async with self._patient(Request("GET", "/v1/me/export", nothing)) as body:
            await receive(body.iter_chunked(CHUNK_BYTES), path)

    async def upload(self, paths: Iterable[Path], wishes: "Wishes | None" = None) -> list[Outcome]:
        """Send pictures and folders of pictures; how each file ended, in the order in which they did."""
        from gateway.client import files
        from gateway.client.uploads import limits, upload

        seen = Outcomes()
        await upload(self, files.pictures(list(paths), await limits(self)), seen, wishes)
        return seen.all

    async def query_image(self, data: bytes) -> str:
        """The id of a picture to search by for an hour."""

        async def send() -> Answer:
            form = aiohttp.FormData()
            form.add_field("image", data, filename="query", content_type="application/octet-stream")
            return await self._once(Request("POST", "/v1/query-images", same), data=form)

        return str((await self._patiently(send)).json()["queryImageId"])

    async def post_form(
        self, upload: FormOut, path: Path, size: int, moved: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send a file by its form; any 2xx is good. Raises Problem with the store's code, FileChanged, OSError."""
        sent = 0

        def count(many: int) -> None:
            nonlocal sent
            sent += many
            moved(many)

        async def send() -> None:
            nonlocal sent
            moved(-sent)
            sent = 0
            with closing(Form(upload.fields, path, size, count)) as form:
                await self._send_form(upload.url, form)

        await self._patiently(send)

    async def _send_form(self, url: str, form: Form) -> None:
        total_s = ANSWER_S + form.size / SLOWEST_BYTES_A_SECOND
        timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_S, sock_read=ANSWER_S)
        try:
            async with self._asked("POST", url, data=form.body(), headers=form.headers, timeout=timeout) as answer:
                await _refuse(answer)
        except Unreachable as error:
            raise form.error or error from None

    async def _once(self, request: Request[Any], **options: Any) -> Answer:
        async with self._sent(request, json=request.json, **options) as answer:
            return Answer(await answer.read(), answer.headers.get("ETag", ""))

    @asynccontextmanager
    async def _patient(self, request: Request[Any]) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of a good answer as it comes; what happens to it on its way becomes Unreachable."""
        async with AsyncExitStack() as stack:
            answer = await self._patiently(lambda: stack.enter_async_context(self._sent(request)))
            yield answer.content

    @asynccontextmanager
    async def _sent(self, request: Request[Any], **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer; any other raises Problem."""
        headers = dict(request.headers)
        if self._token and not request.bare:
            headers["Authorization"] = f"Bearer {self._token()}"
        asked = self._asked(
            request.method, self.url + request.path, headers=headers, params=list(request.query), **options
        )
        async with asked as answer:
            await _refuse(answer)
            yield answer

    @asynccontextmanager
    async def _asked(self, method: str, url: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to one request; whatever the network does becomes Unreachable."""
        if self._open is None:
            raise RuntimeError("a Gallery is entered before it is asked")
        try:
            async with self._open.request(method, url, allow_redirects=False, **options) as answer:
                yield answer
        except TimeoutError:
            raise Unreachable(_origin(url), "no answer in time") from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise Unreachable(url, "that is not an address") from None
        except aiohttp.ClientError as error:
            raise Unreachable(_origin(url), _why(error)) from error

    async def _patiently(self, send: Callable[[], Awaitable[T]], *, again: bool = True) -> T:
        """Once more after what passes by itself, as long as patience lasts; a lost answer only where `again` allows it."""
        deadline = time.monotonic() + self._patience_s
        tries = 0
        while True:
            try:
                return await send()
            except (Problem, Unreachable) as error:
                pause_s = _pause_s(error, tries)
                lost = isinstance(error, Unreachable) and not again
                if lost or pause_s is None or time.monotonic() + pause_s > deadline:
                    raise
            tries += 1
            await asyncio.sleep(pause_s)


def _pause_s(error: Problem | Unreachable, tries: int) -> float | None:
    """How long to wait before the next try; None when trying again is no use."""
    if isinstance(error, Problem):
        if error.status not in (429, 503):
            return None
        return float(str(error.facts.get("retry_after", 5)))
    return min(0.2 * (1 << tries), 5.0) * random.uniform(0.5, 1.5)  # noqa: S311 -- spreads load, hides nothing


async def _refuse(answer: aiohttp.ClientResponse) -> None:
    if not 200 <= answer.status < 300:
        raise _problem(answer.status, (await answer.content.read(MOST_TOLD * 16)), answer.headers)


def _problem(status: int, body: bytes, headers: Mapping[str, str]) -> Problem:
    """Problem details, S3's XML, or at least the status."""
    text = body.decode(errors="replace")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        parts = dict(PARTS_OF_S3.findall(text))
        said = {
            "code": parts.get("Code", "http_error"),
            "detail": parts.get("Message", f"the answer was HTTP {status}"),
        }
    facts = {name: fact for name, fact in said.items() if name not in ("code", "detail", "status", "title", "type")}
    seconds = headers.get("Retry-After", "")
    if seconds.isascii() and seconds.isdigit():
        facts["retry_after"] = int(seconds)
    return Problem(status, str(said.get("code", "http_error")), str(said.get("detail", ""))[:MOST_TOLD], facts)


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _why(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.os_error.errno) if error.os_error.errno else "no connection"
    return "the connection was lost"
