"""`miraveja up`: starts Postgres and the two processes, mends what dies, and stops everything when asked."""

import errno
import fcntl
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from functions.core import wire
from functions.core.errors import Conflict, Unavailable
from functions.core.postgres.migrate import migrate
from functions.core.postgres.server import APP, OWNER, EmbeddedPostgres
from functions.core.settings import PREFIX, Settings
from gateway.local.folder import fit
from gateway.local.guard import refuse_unsafe

STOP_S: Final = 3.0
DATABASE_STOP_S: Final = 1.5
LOG_BYTES: Final = 10 << 20
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
LOOK_S: Final = 0.2
PORT_WAIT_S: Final = 5.0
"""A gallery that was killed a moment ago may hold its port that long."""


@dataclass(slots=True)
class Child:
    """One process of ours; its standard input is a line that tells it when we are gone."""

    name: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = 0.1
    started: float = 0.0
    due: float | None = None
    """When it is started again, in monotonic seconds."""

    def start(self) -> None:
        """Run it, its log beside the others."""
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

    def mend(self) -> str | None:
        """Start it again when it died, after a pause that grows while it keeps dying; says what happened when it died."""
        if self.alive():
            return None
        now = time.monotonic()
        if self.due is None:
            longest_s = longest_pause_s()
            self.pause_s = FIRST_PAUSE_S if now - self.started > longest_s else min(self.pause_s * 2, longest_s)
            self.due = now + self.pause_s
            return (
                f"the process {self.name!r} ended ({_how(self.process)}); it is started again in {self.pause_s:.1f} s"
            )
        if now >= self.due:
            self.due = None
            self.start()
        return None


def longest_pause_s() -> float:
    """How long a process that keeps dying rests at most; tests shorten it."""
    return float(os.environ.get("TEST_PAUSE_S", LONGEST_PAUSE_S))


def _how(process: subprocess.Popen[bytes] | None) -> str:
    code = process.returncode if process else None
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


@dataclass(slots=True)
class Gallery:
    """Everything embedded, below one data folder, with one supervisor."""

    settings: Settings
    children: list[Child] = field(default_factory=list)
    postgres: EmbeddedPostgres | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    def allowed(self) -> None:
        """Raises Invalid for settings that cannot be served, before anything is made."""
        said = self.settings
        wire.check(said)
        refuse_unsafe(said.host, said.env, [said.identity_url, said.objects_url])

    def start(self) -> None:
        """Bring everything up; raises Invalid, Conflict or Unavailable with what to do about it."""
        said = self.settings
        os.umask(0o077)  # whatever is made below the data folder is ours alone
        self.allowed()
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

    def watch(self, tell: Callable[[str], None]) -> None:
        """Mend until told to stop, and tell what was mended."""
        for told in (signal.SIGINT, signal.SIGTERM):
            signal.signal(told, self._stop_soon)
        while not self._stopping.wait(LOOK_S):
            if self.postgres and not self.postgres.running():
                self._mend_postgres(self.postgres, tell)
            for child in self.children:
                if happened := child.mend():
                    tell(happened)
            self._trim_logs()

    def _mend_postgres(self, postgres: EmbeddedPostgres, tell: Callable[[str], None]) -> None:
        tell("Postgres ended; it is started again")
        try:
            postgres.start(give_up=self._stopping.is_set)
        except Unavailable as error:
            tell(error.detail)

    def _trim_logs(self) -> None:
        """A log that has grown large begins anew, with what it said beside it; who writes only ever appends."""
        for log in (self.settings.data_dir / "logs").glob("*.log"):
            if log.stat().st_size > LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def _stop_soon(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

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
    fit(data_dir)
    with os.fdopen(os.open(data_dir / "lock", os.O_CREAT | os.O_RDWR, 0o600), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"a gallery is running on {data_dir} already") from None
        yield


def await_port(host: str, port: int) -> None:
    """Until the port is free; raises Conflict when somebody else keeps it."""
    deadline = time.monotonic() + PORT_WAIT_S
    while (trouble := _port_trouble(host, port)) is not None:
        if trouble.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            said = f"cannot listen on {host}:{port} ({trouble.strerror}): choose another with --port"
            raise Conflict(said) from None
        time.sleep(LOOK_S)


def _port_trouble(host: str, port: int) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return error
    return None


def _told(settings: Settings) -> dict[str, str]:
    """What the command line may have changed, for the processes."""
    said = {"DATA_DIR": settings.data_dir.resolve(), "HOST": settings.host, "PORT": settings.port}
    return {f"{PREFIX}{name}": str(value) for name, value in said.items()} | {"OMP_NUM_THREADS": "1"}
