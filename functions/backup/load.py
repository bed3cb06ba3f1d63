"""Brings a backup back into an empty data folder; every byte is held against what was written down about it."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from functions.backup import rows
from functions.backup.archive import FILE_MODE, Source, digest
from functions.backup.make import TELL_EVERY, Tell
from functions.backup.manifest import DUMP, LIST, SECRETS, Kept, Manifest, line
from functions.core.errors import Invalid
from functions.core.ids import AssetId
from functions.core.ports import Objects
from functions.core.postgres import upkeep
from functions.core.postgres.dump import load
from functions.core.postgres.migrate import migrations
from functions.core.postgres.server import EmbeddedPostgres
from functions.core.tx import Database


def check(source: Source, manifest: Manifest) -> None:
    """Raises Invalid for a backup of a later version, whose rows mean what we do not know, and for a damaged one."""
    known = {str(migration.number): migration.digest for migration in migrations()}
    strange = {number for number, digest in manifest.migrations.items() if known.get(number) != digest}
    if strange:
        raise Invalid(f"this backup was made by MiraVeja {manifest.version}, which is newer: install that one first")
    for name, said in manifest.sha256.items():
        with source.open(name) as file:
            if digest(file) != said:
                raise Invalid(f"the backup is damaged: {name} is not what was written down")


def secrets(source: Source, manifest: Manifest, folder: Path) -> None:
    """Keys and the owner, as private files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in manifest.sha256.keys() & SECRETS:
        with source.open(name) as file:
            data = file.read()
        path = folder / Path(name).name
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb") as kept:
            kept.write(data)


def database(source: Source, server: EmbeddedPostgres, draft: Path) -> None:
    """Every row, by way of a file that is gone afterwards."""
    with source.open(DUMP) as dumped, draft.open("xb") as file:
        shutil.copyfileobj(dumped, file)
    load(server, draft)
    draft.unlink()


async def objects(source: Source, manifest: Manifest, store: Objects, to: Database, tell: Tell) -> None:
    """Every object; raises Invalid for one that is not what the list, or the row of its asset, says."""
    for number, about in enumerate(_listed(source)):
        if number % TELL_EVERY == 0:
            tell(f"Bringing back the pictures: {number} of {manifest.objects} objects …")
        with source.open(f"objects/{about.key}") as file:
            data = await asyncio.to_thread(file.read)
        found = hashlib.sha256(data).hexdigest()
        if found != about.sha256 or (about.key.startswith("originals/") and found != await _said(to, about.key)):
            raise Invalid(f"the backup is damaged: {about.key} is not what was written down")
        await store.write(about.key, data, about.type)


async def finish_deletions(manifest: Manifest, to: Database) -> int:
    """What was deleted for good while the backup was made goes the ordinary way at the next start; how many."""
    for asset in manifest.gone:
        async with to.transaction() as tx:
            await upkeep.delete(tx, AssetId(asset))
    return len(manifest.gone)


def _listed(source: Source) -> Iterator[Kept]:
    with source.open(LIST) as file:
        for data in file:
            yield line(data)


async def _said(to: Database, key: str) -> str | None:
    """The checksum that the row of an original has."""
    try:
        asset = AssetId(UUID(key.split("/")[1]))
    except ValueError:
        return None
    async with to.transaction() as tx:
        return (await rows.checksums(tx, [asset])).get(asset)
