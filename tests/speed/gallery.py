"""A whole embedded gallery as its users start it, watched from outside: what it costs, and when pictures are there."""

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import psycopg

from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials
from functions.core.ids import AssetId, UserId
from functions.core.model import incoming_key
from functions.core.postgres.server import EmbeddedPostgres
from functions.core.settings import PREFIX, Settings
from functions.upload_presign.contract import PresignUpload
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken
from gateway.client.requests import people, uploads

LOOK_S: Final = 0.05
GONE: Final = (psutil.NoSuchProcess, psutil.AccessDenied)


@dataclass(frozen=True, slots=True)
class Running:
    """A gallery of its own processes, its owner, and a client of theirs."""

    settings: Settings
    process: psutil.Process
    client: Gallery
    owner: UserId

    @property
    def database_url(self) -> str:
        """For looking in from outside."""
        return EmbeddedPostgres(self.settings.data_dir).url()

    def tree(self) -> list[psutil.Process]:
        """Every process of the gallery, the supervisor first."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu_s(self) -> float:
        """Seconds of computing so far, of processes that have ended as well."""
        spent = 0.0
        for process in self.tree():
            with suppress(*GONE):
                times = process.cpu_times()
                spent += times.user + times.system + times.children_user + times.children_system
        return spent

    def memory_mb(self) -> dict[str, float]:
        """Memory by kind of process, what they share counted once (PSS); their RSS where the system does not tell."""
        held: dict[str, float] = {}
        for process in self.tree():
            with suppress(*GONE):
                kind = _kind(process)
                held[kind] = held.get(kind, 0.0) + _memory(process) / 1e6
        return held

    async def expect(self, files: Sequence[bytes]) -> list[str]:
        """Bring bytes into the store without a word to the pipeline; the ids of their assets."""
        store = FolderObjects(
            self.settings.data_dir / "objects", Credentials("bench", "b" * 40), self.settings.store_url
        )
        ids = []
        for number, data in enumerate(files):
            digest = hashlib.sha256(data).hexdigest()
            wanted = PresignUpload(name=f"bench {number}.jpg", size=len(data), content_type="image/jpeg", sha256=digest)
            told = await self.client.ask(uploads.presign(wanted))
            await store.write(incoming_key(AssetId(told.asset_id)), data, "image/jpeg")
            ids.append(str(told.asset_id))
        return ids

    async def told(self, ids: Sequence[str]) -> None:
        """Say of each that its bytes are there."""
        await asyncio.gather(*[self.client.ask(uploads.complete(asset)) for asset in ids])

    async def searchable(self, ids: Sequence[str], within_s: float = 240.0) -> None:
        """Until all of them can be found; RuntimeError when one ends otherwise."""
        async with asyncio.timeout(within_s), await psycopg.AsyncConnection.connect(self.database_url) as database:
            await database.set_autocommit(True)
            states = {""}
            while states != {"ready"}:
                await asyncio.sleep(LOOK_S)
                found = await database.execute(
                    "SELECT DISTINCT state FROM assets WHERE id = ANY(%s::uuid[])", [list(ids)]
                )
                states = {row[0] for row in await found.fetchall()}
                if states & {"rejected", "failed", "expired"}:
                    raise RuntimeError(f"a picture of the bench ended otherwise: {states}")


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """`miraveja up` on an empty folder, until the body ends."""
    folder = _new_folder()
    settings = Settings.load({}, data_dir=folder, port=_free_port())
    try:
        with _up(settings) as process:
            async with Gallery(settings.address, LocalToken(folder)) as client:
                owner = UserId((await client.ask(people.me())).id)
                yield Running(settings, process, client, owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_folder() -> Path:
    """Postgres runs as somebody else where we are root, and has to get through."""
    folder = Path(tempfile.mkdtemp(prefix="miraveja-bench-"))
    folder.chmod(0o711)
    return folder


@contextmanager
def _up(settings: Settings) -> Iterator[psutil.Process]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    arguments = ["up", "--no-samples", "--data", str(settings.data_dir), "--port", str(settings.port)]
    with subprocess.Popen(
        [sys.executable, "-m", "gateway.cli.main", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, env=ours,
    ) as started:  # fmt: skip
        try:
            # Its address, then a sign-in link: with that the owner is there.
            if started.stdout is None or not (started.stdout.readline() and started.stdout.readline()):
                raise RuntimeError("the gallery did not start")
            yield psutil.Process(started.pid)
        finally:
            started.terminate()


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def _kind(process: psutil.Process) -> str:
    if process.name().startswith("postgres"):
        return "postgres"
    named = (
        argument.rpartition(".")[2] for argument in process.cmdline() if argument.startswith(("gateway.", "functions."))
    )
    kind = next(named, process.name())
    return {"main": "supervisor", "parent": "decoder"}.get(kind, kind)


def _memory(process: psutil.Process) -> int:
    """In bytes; 0 for a process that has just ended."""
    with suppress(OSError):
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
    with suppress(*GONE):
        rss: int = process.memory_info().rss
        return rss
    return 0
