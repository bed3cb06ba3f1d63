"""Backup and restore of the embedded gallery, beside a running one or with a server of their own."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from functions.backup import load
from functions.backup.archive import Source, Target, reading, writing
from functions.backup.make import Copied, Gallery, Tell, make
from functions.backup.manifest import Manifest
from functions.core.adapters.edge_build import build
from functions.core.adapters.vectors_edge import EdgeVectors
from functions.core.errors import Conflict, Invalid, Unavailable
from functions.core.postgres import audit_log
from functions.core.postgres.migrate import migrate
from functions.core.postgres.server import APP, OWNER, EmbeddedPostgres
from functions.core.settings import Settings
from functions.core.tx import Database
from functions.core.wire import Wired, check, open_world
from functions.housekeeping.audit import audit
from functions.index.rows import every_point
from gateway.local.supervisor import alone

STOP_S: Final = 60.0


def backup(settings: Settings, path: Path, tell: Tell) -> Copied:
    """A whole backup at `path`, a folder or NAME.tar; raises Conflict where there is one, Unavailable without a gallery."""
    check(settings)
    _embedded(settings)
    if not (settings.data_dir / "postgres" / "PG_VERSION").exists():
        raise Unavailable(f"there is no gallery in {settings.data_dir}: name its folder by --data")
    with _server(settings) as server, writing(path.absolute()) as target:
        kept = Gallery(server, Wired(settings).objects, settings.data_dir / "secrets")
        return asyncio.run(_made(kept, target, path.absolute().parent, tell))


async def _made(kept: Gallery, target: Target, folder: Path, tell: Tell) -> Copied:
    """The backup, with a word of it in the gallery's audit log."""
    copied = await make(kept, target, folder, tell)
    database = Database(kept.server.url(), size=1)
    await database.open()
    try:
        async with database.transaction() as tx:
            await audit_log.note(tx, None, "backup.made", f"objects:{copied.count}")
    finally:
        await database.close()
    return copied


@contextmanager
def _server(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """The running gallery's server; one of our own, for as long as it takes, where the gallery is stopped."""
    server = EmbeddedPostgres(settings.data_dir)
    with ExitStack() as until_done:
        with suppress(Conflict):  # a gallery runs, and so does its server
            until_done.enter_context(alone(settings.data_dir))
            until_done.callback(server.stop, wait_s=STOP_S)
            server.start()
        yield server


def restore(settings: Settings, path: Path, tell: Tell) -> dict[str, Any]:
    """The gallery of a backup in an empty data folder; returns what the audit says of it.

    Raises Invalid for a backup that is not whole, damaged or newer. What was begun is removed again: the folder is there
    only when everything in it is.
    """
    _embedded(settings)
    folder = settings.data_dir.absolute()
    draft = folder.with_name(f"{folder.name}.restoring")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is not empty: a backup is restored into a new folder (--data)")
    if draft.exists():
        raise Conflict(f"{draft} is left of an earlier restore: remove it")
    with reading(path) as (source, manifest):
        load.check(source, manifest)
        draft.mkdir(parents=True)
        draft.chmod(0o711 if os.geteuid() == 0 else 0o700)
        try:
            found = _restored(settings.model_copy(update={"data_dir": draft}), source, manifest, tell)
            if folder.exists():
                folder.rmdir()
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return found


def _restored(settings: Settings, source: Source, manifest: Manifest, tell: Tell) -> dict[str, Any]:
    draft = settings.data_dir
    server = EmbeddedPostgres(draft)
    load.secrets(source, manifest, draft / "secrets")
    tell("Bringing back the database …")
    server.start()
    try:
        load.database(source, server, draft / "database.dump")
        migrate(server.url(OWNER), APP)
        return asyncio.run(_filled(settings, server.url(), source, manifest, tell))
    finally:
        server.stop(wait_s=STOP_S)


async def _filled(settings: Settings, url: str, source: Source, manifest: Manifest, tell: Tell) -> dict[str, Any]:
    """Objects and index from what the rows say, and the audit over all of it."""
    world = await open_world(settings, url)
    try:
        await load.objects(source, manifest, world.ports.objects, world.database, tell)
        await load.finish_deletions(manifest, world.database)
        tell("Building the index …")
        vectors, model = world.ports.vectors, world.ports.embedding.model
        if isinstance(vectors, EdgeVectors):
            await vectors.rebuild(partial(_index, url, model.dim, model.model_id))
        return await audit(world)
    finally:
        if isinstance(world.ports, Wired):
            await world.ports.close()
        await world.database.close()


async def _index(url: str, dim: int, model: str, folder: Path) -> None:
    await asyncio.to_thread(lambda: build(folder, dim, every_point(url, model)))


def _embedded(settings: Settings) -> None:
    if not settings.embedded_database:
        raise Invalid("this is for the embedded gallery: keep a database of your own by its own tools")
