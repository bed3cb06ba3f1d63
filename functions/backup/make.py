"""Makes a backup beside a gallery that goes on: rows of one moment first, then the objects that they name."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from functions.backup import rows
from functions.backup.archive import Target, digest, put_bytes
from functions.backup.manifest import DUMP, FORMAT, LIST, MANIFEST, SECRETS, Kept, Manifest
from functions.core.errors import NotFound
from functions.core.ids import AssetId
from functions.core.model import State, derived_key, incoming_key, original_key
from functions.core.ports import Objects
from functions.core.postgres.dump import dump
from functions.core.postgres.server import OWNER, EmbeddedPostgres
from functions.core.times import utcnow

TELL_EVERY: Final = 500
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Gallery:
    """What is kept: its server, its objects, and the folder of its secrets."""

    server: EmbeddedPostgres
    objects: Objects
    secrets: Path


@dataclass(slots=True)
class Copied:
    """What became of the objects; `gone` are assets that were deleted for good meanwhile, `missing` keys of living ones."""

    count: int = 0
    size: int = 0
    gone: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)


async def make(gallery: Gallery, target: Target, folder: Path, tell: Tell) -> Copied:
    """Everything a restore needs; the manifest comes last, and without it a backup is none.

    `folder` is for files that are being made. Raises Unavailable when the database or the store does not answer.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".miraveja-backup-") as drafts:
        tell("Writing down the database …")
        async with rows.snapshot(gallery.server.url(OWNER)) as (tx, name):
            done, named = await rows.migrations(tx), await rows.named(tx)
            await asyncio.to_thread(dump, gallery.server, Path(drafts) / DUMP, name)
        dumped = _put_file(target, DUMP, Path(drafts) / DUMP)
        with (Path(drafts) / LIST).open("w+b") as listed:
            copied = await _copy(gallery, named, target, listed, tell)
        objects = _put_file(target, LIST, Path(drafts) / LIST)
    manifest = Manifest(
        format=FORMAT, version=version("miraveja"), made_at=utcnow(), migrations=done,
        sha256={DUMP: dumped, LIST: objects} | dict(_put_secrets(target, gallery.secrets)), objects=copied.count,
        size=copied.size, gone=[UUID(asset) for asset in sorted(copied.gone)], missing=copied.missing,
    )  # fmt: skip
    put_bytes(target, MANIFEST, manifest.model_dump_json(by_alias=True, indent=2).encode() + b"\n")
    return copied


def _put_file(target: Target, name: str, path: Path) -> str:
    """Its SHA-256."""
    with path.open("rb") as file:
        target.put(name, file, path.stat().st_size)
        file.seek(0)
        return digest(file)


def _put_secrets(target: Target, folder: Path) -> Iterator[tuple[str, str]]:
    """The name and the SHA-256 of each that is there."""
    for name in SECRETS:
        path = folder / Path(name).name
        if path.is_file():
            data = path.read_bytes()
            put_bytes(target, name, data)
            yield name, hashlib.sha256(data).hexdigest()


async def _copy(gallery: Gallery, named: list[DictRow], target: Target, listed: IO[bytes], tell: Tell) -> Copied:
    copied, number, total = Copied(), 0, sum(1 for row in named for _ in _keys(row))
    for row in named:
        for key, places, needed in _keys(row):
            if number % TELL_EVERY == 0:
                tell(f"Copying the pictures: {number} of {total} objects …")
            number += 1
            data, kind = await _found(gallery.objects, places)
            if data is not None:
                await asyncio.to_thread(put_bytes, target, f"objects/{key}", data)
                about = Kept(key=key, type=kind, size=len(data), sha256=hashlib.sha256(data).hexdigest())
                listed.write(about.model_dump_json(by_alias=True).encode() + b"\n")
                copied.count, copied.size = copied.count + 1, copied.size + len(data)
            elif needed and await _lives(gallery, row):
                copied.missing.append(key)
            elif needed:
                copied.gone.add(str(row["id"]))
    return copied


def _keys(row: DictRow) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Each object of an asset, where its bytes may lie, and whether they must be there."""
    asset, generation = AssetId(row["id"]), row["generation"]
    kept = original_key(asset, generation)
    if row["kept"]:
        yield kept, (kept,), True
    elif row["state"] in (State.NEW, State.FAILED):
        # What was in quarantine at that moment may have been taken in since: the bytes are the same.
        yield incoming_key(asset), (incoming_key(asset), kept), False
    for variant, kind in row["renditions"]:
        key = derived_key(asset, generation, variant, kind)
        yield key, (key,), True


async def _found(objects: Objects, places: tuple[str, ...]) -> tuple[bytes | None, str]:
    for key in places:
        try:
            return await objects.read(key), (await objects.stat(key)).content_type
        except NotFound:
            continue
    return None, ""


async def _lives(gallery: Gallery, row: DictRow) -> bool:
    """Whether the asset is there now: the moment of the snapshot is past."""
    connection: psycopg.AsyncConnection[dict[str, Any]]
    async with await psycopg.AsyncConnection.connect(gallery.server.url(OWNER), row_factory=dict_row) as connection:
        return await rows.lives(connection, AssetId(row["id"]), row["generation"])
