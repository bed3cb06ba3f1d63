"""A gallery as a client sees it: one method per request, refusals as exceptions, patience where it asks for some."""

import asyncio
import json
import os
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiohttp

from gateway.client.errors import GalleryError, Problem, Unreachable
from gateway.client.form import Form

ANSWER_S: Final = 60.0
CONNECT_S: Final = 10.0
SLOWEST_BYTES_A_SECOND: Final = 32 * 1024
PATIENCE_S: Final = 60.0
MOST_CONNECTIONS: Final = 16
MOST_TOLD: Final = 4_096
PARTS_OF_S3: Final = re.compile(r"<(Code|Message)>([^<]{0,1000})</")

Json = dict[str, Any]
Token = Callable[[], str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body as it was sent, and the asset's revision where there is one."""

    body: bytes
    etag: str = ""

    def json(self) -> Json:
        """The body, which every route of ours sends as an object."""
        try:
            said = json.loads(self.body)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise GalleryError("the answer is not one of a gallery: is --url right?")
        return said


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

    async def about(self) -> Json:
        """Limits, types, model; asked once, so that a wrong address is told at once."""
        return (await self._once("GET", "/.well-known/miraveja", bare=True)).json()

    async def down(self) -> list[str]:
        """The parts that do not answer; raises Unreachable when none does."""
        async with self._asked("GET", f"{self.url}/readyz") as answer:
            said = Answer(await answer.read()).json()
        return [str(part) for part in said["down"]]

    async def me(self) -> Json:
        """Who the token belongs to."""
        return (await self._ask("GET", "/v1/me")).json()

    async def check(self, digests: Iterable[str]) -> dict[str, str]:
        """Which of at most 500 sha256 (hex) are here: sha256 -> asset id."""
        said = (await self._ask("POST", "/v1/uploads/check", json={"sha256": list(digests)})).json()
        return dict(said["known"])

    async def presign(self, name: str, size: int, content_type: str, sha256: str) -> Json:
        """An asset with a form for exactly these bytes, or the asset that has them."""
        wanted = {"name": name, "size": size, "contentType": content_type, "sha256": sha256}
        return (await self._ask("POST", "/v1/uploads", json=wanted)).json()

    async def complete(self, asset: str) -> Json:
        """Say that the bytes are there."""
        return (await self._ask("POST", f"/v1/uploads/{asset}/complete")).json()

    async def asset(self, asset: str) -> tuple[Json, str]:
        """One asset and its ETag."""
        answer = await self._ask("GET", f"/v1/assets/{asset}")
        return answer.json(), answer.etag

    async def change(self, asset: str, change: Mapping[str, object], etag: str) -> Json:
        """Change an asset's editable fields from the revision `etag`; Problem 412 when it is another by now."""
        return (await self._ask("PATCH", f"/v1/assets/{asset}", json=dict(change), headers={"If-Match": etag})).json()

    async def assets(self, ids: Iterable[str] = (), **filters: str) -> Json:
        """A page of assets, `{items, nextCursor}`; at most 100 ids."""
        query = [("id", asset) for asset in ids] + list(filters.items())
        return (await self._ask("GET", "/v1/assets", params=query)).json()

    async def search(self, words: str, unwanted: Iterable[str] = (), limit: int = 50) -> Answer:
        """Hits for words, away from others."""
        query = [("q", words), *(("not", other) for other in unwanted), ("limit", str(limit))]
        return await self._ask("GET", "/v1/search", params=query)

    async def search_body(self, wanted: Mapping[str, object]) -> Answer:
        """Hits for weighted words and examples."""
        return await self._ask("POST", "/v1/search", json=dict(wanted))

    async def query_image(self, data: bytes) -> str:
        """The id of a picture to search by for an hour."""

        async def send() -> Answer:
            form = aiohttp.FormData()
            form.add_field("image", data, filename="query", content_type="application/octet-stream")
            return await self._once("POST", "/v1/query-images", data=form)

        return str((await self._patiently(send)).json()["queryImageId"])

    async def post_form(
        self, upload: Mapping[str, Any], path: Path, size: int, moved: Callable[[int], None] = lambda _: None
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
            await self._send_form(str(upload["url"]), Form(upload["fields"], path, size, count))

        await self._patiently(send)

    async def _send_form(self, url: str, form: Form) -> None:
        total_s = ANSWER_S + form.size / SLOWEST_BYTES_A_SECOND
        timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_S, sock_read=ANSWER_S)
        try:
            async with self._asked("POST", url, data=form.body(), headers=form.headers, timeout=timeout) as answer:
                await _refuse(answer)
        except Unreachable as error:
            raise form.error or error from None

    async def _ask(self, method: str, path: str, **options: Any) -> Answer:
        return await self._patiently(lambda: self._once(method, path, **options))

    async def _once(self, method: str, path: str, *, bare: bool = False, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if self._token and not bare:
            headers["Authorization"] = f"Bearer {self._token()}"
        async with self._asked(method, self.url + path, headers=headers, **options) as answer:
            await _refuse(answer)
            return Answer(await answer.read(), answer.headers.get("ETag", ""))

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

    async def _patiently(self, send: Callable[[], Awaitable[T]]) -> T:
        """Once more after what passes by itself, as long as patience lasts."""
        deadline = time.monotonic() + self._patience_s
        tries = 0
        while True:
            try:
                return await send()
            except (Problem, Unreachable) as error:
                pause_s = _pause_s(error, tries)
                if pause_s is None or time.monotonic() + pause_s > deadline:
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
