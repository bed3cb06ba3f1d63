"""What the embedded processes have in common: when they end, where they log, how they say that they are ready."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop

from functions.core import logs
from functions.core.redact import Redactor
from functions.core.settings import Settings
from functions.core.sockets import socket_folder
from functions.core.wire import confidential
from gateway.local.protocol import Careful

GRACE_S: Final = 2
LEASE_S: Final = 30.0
WALL_S: Final = 120.0


class Server(uvicorn.Server):
    """uvicorn without its own ideas about signals: the process decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.up.set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until cancelled; then nobody new is let in, and whoever is under way is answered, within the grace."""
        try:
            await super().serve(sockets)
        except asyncio.CancelledError:
            if self.started:
                await self.shutdown(sockets)
            raise

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def server(app: Any, **options: Any) -> Server:
    """A server with limits on what slow or greedy clients may hold; who asks from where is judged by the application."""
    options.setdefault("http", Careful)
    return Server(uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=True, proxy_headers=False,
        lifespan="off", ws="none", timeout_keep_alive=15, timeout_graceful_shutdown=GRACE_S, backlog=512, **options,
    ))  # fmt: skip


def lease_s() -> float:
    """How long a claim holds; tests shorten it."""
    return float(os.environ.get("TEST_LEASE_S", LEASE_S))


def wall_s() -> float:
    """How long one try of a step may take; tests shorten it."""
    return float(os.environ.get("TEST_WALL_S", WALL_S))


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run until done, or until the supervisor asks or is gone."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(main))


async def _until_told(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, task.cancel)
    # The supervisor holds the other end of our standard input: when it dies, this reads as its end.
    loop.add_reader(sys.stdin.fileno(), _if_orphaned, task)
    try:
        await task
    except asyncio.CancelledError:
        return


def _if_orphaned(task: "asyncio.Future[None]") -> None:
    if not os.read(sys.stdin.fileno(), 1):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        task.cancel()


def say_ready() -> None:
    """Tell the supervisor that this process answers."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def start_log(settings: Settings, name: str) -> Redactor:
    """Log to standard error as the settings say, cleaned of every secret."""
    redactor = logs.start(settings, name, confidential(settings))
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return redactor


def sockets(settings: Settings) -> Path:
    """Private sockets between our own processes."""
    return socket_folder(settings.data_dir.resolve() / "sockets")
