"""Clients that hold a connection for nothing are cut off; whoever asks beside them is answered."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest
from starlette.types import Message, Receive, Scope, Send

from functions.core.errors import TooSlow
from gateway.local import process, protocol
from gateway.local.protocol import Careful
from gateway.shell import patience
from gateway.shell.patience import patient
from tests.support.doors import Gallery, a_server

MEGABYTE = b"x" * (1 << 20)


class Hasty(Careful):
    """The protocol that ships, with less patience."""

    head_s = 0.3
    stalled_s = 0.3


async def big(scope: Scope, receive: Receive, send: Send) -> None:
    """More than any buffer between us holds."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(64):
        await send({"type": "http.response.body", "body": MEGABYTE, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def hasty() -> AsyncIterator[int]:
    """A server with little patience; its port."""
    server = process.server(big, http=Hasty, port=0)
    task = asyncio.create_task(server.serve())
    await server.up.wait()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def said(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other side ends it."""
    found = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(8):
            while piece := await reader.read(1 << 16):
                found += piece
    return found


@pytest.mark.promises("S74")
@pytest.mark.parametrize(("sent", "status"), [
    (b"GET / HTTP/1.1\r\nHost: a\r\n", b"408"), (b"GET / HTTP/1.1\r\nX: ", b"408"), (b"\r\n", b"408"), (b"", b""),
    (b"rubbish\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nX: " + b"x" * 400_000, b"431"),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 40_000, b"431"), (b"\r\n" * 40_000, b"431"),
])  # fmt: skip
async def test_a_head_that_does_not_end_is_ended(sent: bytes, status: bytes) -> None:
    async with hasty() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
        answer = await said(reader)
        writer.close()
    # A client that is still sending when we close may see a reset before it sees the answer.
    assert answer[9:12] == status or (status == b"431" and not answer)
    assert not answer or b"application/problem+json" in answer


@pytest.mark.promises("S20", "S74")
@pytest.mark.parametrize("start", [
    b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
])  # fmt: skip
async def test_an_endless_head_extension_or_trailer_costs_no_memory(gallery: Gallery, start: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(gallery.url.rsplit(":", 1)[1]))
    before = psutil.Process().memory_info().rss
    writer.write(start)
    with pytest.raises(ConnectionError):  # noqa: PT012 -- somewhere on the way it is cut
        for _ in range(200):
            writer.write(MEGABYTE)
            await writer.drain()
    writer.close()
    assert psutil.Process().memory_info().rss - before < 32 << 20


@pytest.mark.promises("S74")
async def test_who_does_not_read_is_cut_off_and_who_reads_slowly_is_not() -> None:
    async with hasty() as port:
        asked = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        slow, held = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 12) for _ in range(2)]
        for _, writer in (slow, held):
            writer.write(asked)
        got, until = 0, time.monotonic() + 1.5
        while time.monotonic() < until:
            got += len(await slow[0].read(1 << 18))
            await asyncio.sleep(0.01)
        assert got > 1 << 20
        whole = await said(held[0])
        assert len(whole) < 64 << 20
        assert len(await slow[0].read(1 << 16)) > 0
        for _, writer in (slow, held):
            writer.close()


@pytest.mark.promises("S74")
async def test_five_hundred_half_open_connections_keep_nobody_out(gallery: Gallery) -> None:
    port = int(gallery.url.rsplit(":", 1)[1])
    held = []
    for _ in range(500):
        pair = await asyncio.open_connection("127.0.0.1", port)
        pair[1].write(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-")
        held.append(pair)
    for _ in range(20):
        async with asyncio.timeout(2):
            assert (await gallery.get("/livez")).status == 200
    ended = 0
    for reader, writer in held:
        try:
            async with asyncio.timeout(0.001):
                await reader.read(1)
            ended += 1
        except TimeoutError:
            pass
        except ConnectionError:
            ended += 1
        writer.close()
    assert ended >= 500 - protocol.MOST_WAITING - 1


@asynccontextmanager
async def knocking(url: str, sent: bytes, times: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Connections that each have sent something, and wait."""
    held = [await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1])) for _ in range(times)]
    for _, writer in held:
        writer.write(sent)
    yield [reader for reader, _ in held]
    for _, writer in held:
        writer.close()


@pytest.mark.promises("S74")
async def test_requests_ahead_of_their_answers_are_few(caplog: pytest.LogCaptureFixture) -> None:
    begun = 0

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal begun
        begun += 1
        await big(scope, receive, send)

    async with a_server(slow) as url, knocking(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5_000, 3) as readers:
        assert [len(await said(reader)) < 64 << 20 for reader in readers] == [True] * 3
    assert begun <= 3
    assert caplog.records == [], "who closes with requests on the way has hung up: that is no fault of ours"


@pytest.mark.promises("S74")
async def test_small_bodies_that_do_not_come_keep_nobody_out(gallery: Gallery) -> None:
    head = f"POST /v1/search HTTP/1.1\r\nHost: {gallery.url.removeprefix('http://')}\r\nContent-Length: 9\r\n\r\n"
    async with knocking(gallery.url, head.encode(), 300) as readers:
        for _ in range(20):
            async with asyncio.timeout(2):
                assert (await gallery.get("/livez")).status == 200
        assert sum(reader.at_eof() or reader.exception() is not None for reader in readers) >= 300 - 129


@pytest.mark.promises("S74")
async def test_who_sends_quickly_at_first_may_not_drip_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_SAVED_S", 0.2)
    receive = patient(messages([b"x" * 900_000] + [b"x"] * 20, 0.02).__anext__)
    with pytest.raises(TooSlow):  # noqa: PT012 -- somewhere on the way
        while (await receive())["more_body"]:
            pass


@pytest.mark.promises("S74")
async def test_rubbish_and_wishes_for_other_protocols_are_answered_in_silence(
    gallery: Gallery, caplog: pytest.LogCaptureFixture
) -> None:
    host = gallery.url.removeprefix("http://").encode()
    upgrade = b"GET /livez HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" % host
    port = int(host.rsplit(b":", 1)[1])
    for sent, status in ((b"rubbish\r\n\r\n", b"400"), (upgrade, b"200"), (upgrade + b"\x81\x05hello", b"200")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await said(reader)
        writer.close()
        assert answer[9:12] == status, sent
        assert b"nosniff" in answer
    assert caplog.records == []


async def messages(pieces: list[bytes], every_s: float) -> AsyncIterator[Message]:
    """A body, a piece at a time."""
    for body in pieces:
        await asyncio.sleep(every_s)
        yield {"type": "http.request", "body": body, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.promises("S74")
@pytest.mark.parametrize(("pieces", "every_s", "grace_s", "whole"), [
    ([b"x", b"y"], 0.0, 9.0, True), ([b"x"], 0.5, 9.0, False), ([b"x"] * 20, 0.02, 0.1, False),
    ([b"x"] * 20, 0.02, 9.0, True), ([b"x" * 9_000] * 20, 0.02, 0.1, True),
])  # fmt: skip
async def test_silence_and_drops_end_a_body_and_a_slow_line_does_not(
    pieces: list[bytes], every_s: float, grace_s: float, whole: bool
) -> None:
    receive = patient(messages(pieces, every_s).__anext__, silence_s=0.3, grace_s=grace_s)
    try:
        while (await receive())["more_body"]:
            pass
    except TooSlow:
        assert not whole
    else:
        assert whole


@pytest.mark.promises("S20", "S74")
@pytest.mark.parametrize("path", ["/v1/search", "/v1/query-images", "/store/miraveja"])
async def test_a_body_that_stops_coming_is_a_problem(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(patient, "__defaults__", (0.3, 0.3))
    person = await gallery.a_person()
    host = gallery.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rsplit(":", 1)[1]))
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {person.token}\r\nConnection: close\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 99\r\n\r\n--b"
    writer.write(head.encode())
    answer = await said(reader)
    writer.close()
    assert (answer[9:12], b"RequestTimeout" in answer) == ((b"400", True) if "store" in path else (b"408", False))


async def test_a_connection_may_be_used_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        headers = [(b"content-length", str(len(message["body"])).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": message["body"]})

    async with a_server(echo) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        for number in range(50):
            text = b"%d" % number
            request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
            writer.write(request[: number % 30])
            await writer.drain()
            writer.write(request[number % 30 :])
            assert b"200" in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(text)) == text
        writer.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
