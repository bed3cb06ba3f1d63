"""A real gallery in processes of its own: `miraveja up` on a folder, the command line beside it, and its end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from functions.core.postgres.server import APP, EmbeddedPostgres
from functions.core.settings import Settings
from gateway.local import wires
from tests.support.quick_disk import quick_folder

PATIENCE_S = 60.0


class Up:
    """`miraveja up` on a folder of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self.data = folder / "my data"
        """With a space, as the usual folder has on some systems."""
        self.environment = os.environ | dict(environment or {})
        self.url = f"http://localhost:{self.port}"
        self.output = folder / "up.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "gateway.cli.main",
            "up",
            "--no-samples",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
        ]
        with self.output.open("wb") as output:
            started = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=self.environment
            )
        self.process = started
        wait_for(lambda: "/start/" in self.output.read_text() or started.poll() is not None)
        assert started.poll() is None, self.output.read_text()

    def family(self) -> list[psutil.Process]:
        """Our processes, told by the data folder that their environment or command names."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            said = " ".join([*process.cmdline(), process.environ().get("MIRAVEJA_DATA_DIR", "")])
        except psutil.Error:
            return False
        return process.pid != os.getpid() and str(self.data) in said and process.status() != psutil.STATUS_ZOMBIE

    def named(self, name: str) -> list[psutil.Process]:
        """Those of our processes whose command has a part that is this, such as `gateway.local.work`."""
        return [process for process in self.family() if name in process.cmdline()]

    def postgres(self) -> psutil.Process | None:
        """The server's first process."""
        with suppress(OSError, ValueError, psutil.Error):
            lock = self.data / "postgres" / "postmaster.pid"
            process = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
            return process if process.name() == "postgres" else None
        return None

    def database(self, role: str = APP) -> str:
        """The address of its rows."""
        return EmbeddedPostgres(self.data).url(role)

    @property
    def store(self) -> Path:
        """The folder of its objects."""
        return self.data / "objects"

    def stop(self) -> float:
        """Ctrl-C; the seconds it took."""
        assert self.process
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - started

    def cli_started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command that goes on beside the test."""
        command = [sys.executable, "-m", "gateway.cli.main", *arguments]
        return subprocess.Popen(command, env=self._beside(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _beside(self) -> dict[str, str]:
        return os.environ | {"MIRAVEJA_URL": self.url, "MIRAVEJA_DATA_DIR": str(self.data)}

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gateway.cli.main", *arguments]
        return subprocess.run(command, env=self._beside(), capture_output=True, text=True, timeout=120, check=False)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)  # a poll of another process, bounded by the deadline


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


@contextmanager
def a_gallery(environment: Mapping[str, str] | None = None) -> Iterator[Up]:
    """One that is not started yet; whatever is left of it at the end is killed."""
    with quick_folder() as folder:
        folder.chmod(0o755)
        running = Up(folder, environment)
        yield running
        for process in running.family():
            process.kill()
        if running.process:
            running.process.wait()
        wait_for(lambda: not running.family())


def nothing_lies(up: Up) -> bool:
    """Whether everything has come to its end: nothing waits, nothing is under way."""
    with suppress(psycopg.OperationalError), psycopg.connect(up.database()) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM outbox WHERE published_at IS NULL)"
            " + (SELECT count(*) FROM assets WHERE state IN ('uploaded', 'processed', 'deleting'))"
        ).fetchone()
        return found == (0,)
    return False


def audit(up: Up) -> dict[str, Any]:
    """What the running gallery says of itself."""
    settings = Settings.load({"MIRAVEJA_DATA_DIR": str(up.data)})
    return asyncio.run(wires.call(wires.operator(settings), "/audit", timeout_s=30))
