"""`miraveja up`: starts Postgres and the two processes, mends what dies, and stops everything when asked."""

import fcntl
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from functions.core.errors import Conflict, Unavailable
from functions.core.postgres.migrate import migrate
from functions.core.postgres.server import APP, OWNER, EmbeddedPostgres
from functions.core.settings import PREFIX, Settings
from gateway.local.guard import refuse_unsafe

STOP_S: Final = 3.0
DATABASE_STOP_S: Final = 1.5
LOG_BYTES: Final = 10 << 20
LONGEST_PAUSE_S: Final = 10.0


@dataclass(slots=True)
class Child:
    """One process of ours; its standard input is a line that tells it when we are gone."""

    name: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = 0.2
    started: float = 0.0

    def start(self) -> None:
        """Run it, its log beside the others."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"gateway.local.{self.name}"], env=self.environment, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.started = time.monotonic()

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def await_ready(self, wait_s: float) -> None:
        """Until it says so; raises Unavailable when it dies or keeps silent."""
        assert self.process  # noqa: S101 -- started before
        assert self.process.stdout  # noqa: S101 -- a pipe
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(wait_s) or self.process.stdout.readline() != b"ready\n":
                raise Unavailable(f"the process {self.name!r} did not start; see {self.log}")

    def mend(self) -> None:
        """Start it again when it died, after a pause that grows while it keeps dying."""
        if self.alive():
            return
        if time.monotonic() - self.started > LONGEST_PAUSE_S:
            self.pause_s = 0.2
        time.sleep(self.pause_s)
        self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
        self.start()


@dataclass(slots=True)
class Gallery:
    """Everything embedded, below one data folder, with one supervisor."""

    settings: Settings
    children: list[Child] = field(default_factory=list)
    postgres: EmbeddedPostgres | None = None
    _stopping: bool = False

    def start(self) -> None:
        """Bring everything up; raises Invalid, Conflict or Unavailable with what to do about it."""
        said = self.settings
        refuse_unsafe(said.host, said.env, [said.identity_url, said.objects_url])
        _check_port(said.host, said.port)
        environment = dict(os.environ) | _told(said) | {f"{PREFIX}DATABASE_URL": self._database()}
        logs = said.data_dir / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.children = [Child(name, environment, logs / f"{name}.log") for name in ("work", "answer")]
        for child in self.children:
            child.start()
        for child in self.children:
            child.await_ready(60)

    def _database(self) -> str:
        """The address for the processes; ours is started and brought up to date first."""
        if not self.settings.embedded_database:
            owner = self.settings.database_owner_url
            migrate(owner.get_secret_value() if owner else self.settings.database_url, APP)
            return self.settings.database_url
        self.postgres = EmbeddedPostgres(self.settings.data_dir)
        self.postgres.start()
        migrate(self.postgres.url(OWNER), APP)
        return self.postgres.url()

    def watch(self) -> None:
        """Mend until told to stop."""
        for told in (signal.SIGINT, signal.SIGTERM):
            signal.signal(told, self._stop_soon)
        while not self._stopping:
            if self.postgres and not self.postgres.running():
                self.postgres.start()
            for child in self.children:
                if not self._stopping:
                    child.mend()
            time.sleep(0.2)

    def _stop_soon(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def stop(self) -> None:
        """Stop everything, the database last; nothing is left running."""
        running = [child.process for child in self.children if child.process and child.alive()]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.postgres:
            self.postgres.stop(wait_s=max(0.5, deadline + DATABASE_STOP_S - time.monotonic()))


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold a data folder for this supervisor; raises Conflict while another has it."""
    data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"a gallery is running on {data_dir} already") from None
        yield


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise Conflict(f"cannot listen on {host}:{port} ({error.strerror}): choose another with --port") from None


def _told(settings: Settings) -> dict[str, str]:
    """What the command line may have changed, for the processes."""
    said = {"DATA_DIR": settings.data_dir.resolve(), "HOST": settings.host, "PORT": settings.port}
    return {f"{PREFIX}{name}": str(value) for name, value in said.items()} | {"OMP_NUM_THREADS": "1"}
