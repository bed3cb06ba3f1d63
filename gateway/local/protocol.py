"""HTTP connections that nobody can hold for nothing: heads, waiting and slow readers have limits, refusals are problems."""

import asyncio
import json
from typing import Any, ClassVar, Final, cast
from uuid import uuid4

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from functions.core.problem import MEDIA_TYPE
from gateway.shell.address import network
from gateway.shell.limits import MOST_BODY_BYTES, SAFE

MOST_LOOSE_BYTES: Final = 32 * 1024
"""Of a head, or of chunk sizes, extensions and trailers: twice what the application takes, which answers in words."""
MOST_CONNECTIONS: Final = 640
MOST_WAITING: Final = 128
"""Connections of one network with no request under way, or a small one that has not come wholly."""
MOST_AHEAD: Final = 16
"""Requests sent before the answer to the first; browsers send none."""
TITLES: Final = {
    400: ("malformed", "This is not an HTTP request"),
    408: ("too_slow", "The request took too long to arrive"),
    431: ("headers_too_large", "The headers are too large"),
}


class Careful(HttpToolsProtocol):
    """uvicorn's protocol with an eye on what a client holds; times in seconds."""

    head_s: ClassVar[float] = 10.0
    stalled_s: ClassVar[float] = 20.0

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        self._head_due: asyncio.TimerHandle | None = None
        self._read_due: asyncio.TimerHandle | None = None
        self._loose = 0
        self._body = 0
        self._deaf = False
        self._answered: RequestResponseCycle | None = None
        self.network = ""
        self.since = self.loop.time()
        """When it began to wait."""

    @property
    def waiting(self) -> bool:
        """Whether no request is under way: the next one has not come, or not wholly."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    @property
    def arriving(self) -> bool:
        """Whether a request is under way of which nothing is known yet but the beginning of a small body."""
        cycle = self._answered
        return cycle is not None and cycle.more_body and not cycle.response_started and self._body <= MOST_BODY_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make room for it by ending what waited longest, of its own network first."""
        super().connection_made(cast("asyncio.Transport", transport))
        self.network = network(self.client[0]) if self.client else ""
        self._arm()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer outlives its connection."""
        for due in (self._head_due, self._read_due):
            if due:
                due.cancel()
        self._hang_up()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what is no body; a request to change the protocol is answered as any other."""
        self._unset_keepalive_if_required()
        if self._deaf or self.transport.is_closing():
            return
        self._loose += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self._end(400)  # nothing in the log: anybody may send rubbish
            return
        if self._loose > MOST_LOOSE_BYTES:
            self._end(431)
        elif self.waiting:
            self._arm()

    def on_headers_complete(self) -> None:
        """The head is whole; who sends many before the first is answered is heard no further."""
        if len(self.pipeline) >= MOST_AHEAD:
            raise httptools.HttpParserError("too many requests ahead of their answers")
        super().on_headers_complete()
        self._loose = self._body = 0
        if self._head_due:
            self._head_due.cancel()
            self._head_due = None

    def on_body(self, body: bytes) -> None:
        """Honest chunks bring more body than framing; a byte at a time is still let through."""
        self._loose = max(0, self._loose - 16 * len(body))
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """What follows is another head."""
        self._loose = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It waits from now on."""
        self.since = self.loop.time()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """An idle connection ends; what its client has not read by now it never will."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write: look whether it reads at all."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._read_due:
            self._read_due.cancel()
            self._read_due = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Remember which of several is answered."""
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _arm(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(self.head_s, self._no_head)

    def _no_head(self) -> None:
        self._head_due = None
        if self.waiting and self._loose:
            self._end(408)
        elif self.waiting:
            self.transport.close()

    def _watch(self, left: int) -> None:
        if self._read_due:
            self._read_due.cancel()
        self._read_due = self.loop.call_later(self.stalled_s, self._not_read, left)

    def _not_read(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left >= before:
            self.transport.abort()
        else:
            self._watch(left)

    def _make_room(self) -> None:
        waiting = [held for held in self.connections if isinstance(held, Careful) and (held.waiting or held.arriving)]
        own = [held for held in waiting if held.network == self.network]
        if len(own) > MOST_WAITING:
            self._oldest(own).transport.abort()
        elif len(self.connections) > MOST_CONNECTIONS:
            self._oldest(waiting).transport.abort()

    def _oldest(self, held: list["Careful"]) -> "Careful":
        """Whoever began to wait first; the new one itself when nobody else waits."""
        return min(held, key=lambda one: one.since)

    def _hang_up(self) -> None:
        """Tell the request that is answered, where uvicorn tells the one that came last, and begin no other."""
        self.pipeline.clear()
        if self._answered and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _end(self, status: int) -> None:
        """Say why, where no answer is under way, and close; who does not read even that is cut off."""
        if self.waiting:
            self.transport.write(_answer(status, self.server_state.default_headers))
        self._hang_up()
        self.transport.close()
        self._watch(0)


def _answer(status: int, more: list[tuple[bytes, bytes]]) -> bytes:
    code, title = TITLES[status]
    told = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": title,
        "requestId": uuid4().hex,
    }
    body = json.dumps(told).encode()
    headers = SAFE | {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [*more, *((name.lower().encode(), value.encode()) for name, value in headers.items())]
    return b"".join([STATUS_LINE[status], *(b"%s: %s\r\n" % line for line in lines), b"\r\n", body])
