"""A proxy that makes a network bad on demand: late, slow, silent, cut in the middle, or gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]
CHUNK_BYTES = 16 * 1024


@dataclass
class Weather:
    """What befalls connections from now on; a change reaches those that are open."""

    latency_s: float = 0.0
    """Before each piece goes on."""
    bytes_a_second: float = 0.0
    """0 is as fast as it goes."""
    silent: bool = False
    """Pieces are swallowed, and nobody is told."""
    cut_after: int = 0
    """Both ends are reset after so many bytes of an answer; 0 is never."""
    cut_requests_after: int = 0
    """The same for what a client has sent on one connection."""
    cuts: int = 0
    """How many connections were cut so far."""
    down: bool = False
    """Nobody is let in, and who was in is reset."""


@dataclass
class FaultProxy:
    """Stands before one server; `weather` is what it does to those who come through."""

    connect: Connect
    weather: Weather = field(default_factory=Weather)
    connections: int = 0
    """How many have come so far."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def fall(self) -> None:
        """The server is gone from here on: open connections are reset."""
        self.weather.down = True
        for writer in list(self._open):
            writer.transport.abort()

    def rise(self) -> None:
        """Fair weather again."""
        self.weather = Weather()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end has had enough."""
        self.connections += 1
        if self.weather.down:
            writer.transport.abort()
            return
        try:
            other_reader, other_writer = await self.connect()
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, other_writer}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, other_writer, ends))
                group.create_task(self._carry(other_reader, writer, ends, answer=True))
        finally:
            self._open -= ends
            for end in ends:
                end.close()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        ends: set[asyncio.StreamWriter],
        *,
        answer: bool = False,
    ) -> None:
        carried = 0
        with suppress(OSError):
            while piece := await source.read(CHUNK_BYTES):
                most = self.weather.cut_after if answer else self.weather.cut_requests_after
                if most and carried + len(piece) >= most:
                    sink.write(piece[: max(0, most - carried)])
                    self._cut(ends)
                    return
                carried += len(piece)
                await self._pass(piece, sink)
        with suppress(OSError, RuntimeError):
            sink.write_eof()

    def _cut(self, ends: set[asyncio.StreamWriter]) -> None:
        self.weather.cuts += 1
        for end in ends:
            end.transport.abort()

    async def _pass(self, piece: bytes, sink: asyncio.StreamWriter) -> None:
        weather = self.weather
        if weather.silent:
            return
        slow_s = len(piece) / weather.bytes_a_second if weather.bytes_a_second else 0.0
        await asyncio.sleep(weather.latency_s + slow_s)
        sink.write(piece)
        await sink.drain()


@asynccontextmanager
async def on_a_port(connect: Connect) -> AsyncIterator[tuple[FaultProxy, int]]:
    """The proxy and the local port it listens on."""
    proxy = FaultProxy(connect)
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    async with server:
        yield proxy, server.sockets[0].getsockname()[1]
        proxy.fall()


@asynccontextmanager
async def on_a_socket(connect: Connect, path: str) -> AsyncIterator[FaultProxy]:
    """The same on a Unix socket, as a database of ours has."""
    proxy = FaultProxy(connect)
    server = await asyncio.start_unix_server(proxy, path)
    async with server:
        yield proxy
        proxy.fall()
