"""Everything of a person in one zip, made while it is sent."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from functions.core.errors import NotFound
from functions.core.ids import UserId
from functions.core.model import original_key
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.leaving import names, rows
from functions.leaving.held import PARTS, PEOPLE
from functions.leaving.zipped import Zip

BATCH: Final = 200
READABLE: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
README: Final = b"""This is everything that the gallery keeps of you.

originals/       your pictures, byte for byte as you sent them, a folder for each month
assets.json      each picture with all that is known of it; `file` is its place in this zip
profile.json     your account
left_out.json    pictures of the list whose original is not in here, and why: `not_kept` (it never arrived, or was
                 refused), `gone` (deleted while this was made), `blocked` (this gallery may not hand it out)
The other files are named after what they list. Proofs such as hashes of keys are nobody's to read, and are not in here.
"""


async def export(world: World, user: UserId) -> AsyncGenerator[bytes]:
    """Everything of a person as a zip, made while it is sent; no connection is held while the client takes its time.

    Assets that are sent in after it began are left for another export.
    """
    began, packed = utcnow(), Zip()
    try:
        for name, data in _documents(world, user, began):
            async for piece in packed.add(name, began, data, small=True):
                yield piece
        left_out: list[dict[str, str]] = []
        async for row in _assets(world, user, began):
            async with aclosing(_original(world, packed, row, left_out)) as pieces:
                async for piece in pieces:
                    yield piece
        async for piece in packed.add(
            "left_out.json", began, _just(orjson.dumps(left_out, option=READABLE)), small=True
        ):
            yield piece
        for piece in packed.end():
            yield piece
    finally:
        packed.close()


def _documents(world: World, user: UserId, began: datetime) -> list[tuple[str, AsyncIterator[bytes]]]:
    tables = [(held.file, _table(world, user, held.file)) for held in PEOPLE if held.file and held.table != "assets"]
    return [("README.txt", _just(README)), *tables, ("assets.json", _listed(world, user, began))]


async def _just(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _table(world: World, user: UserId, file: str) -> AsyncIterator[bytes]:
    """The rows of every table that is told in one file."""
    found: list[Any] = []
    async with world.database.transaction() as tx:
        for held in PEOPLE:
            found += await rows.told(tx, held, user) if held.file == file else []
    yield orjson.dumps(found, option=READABLE)


async def _listed(world: World, user: UserId, began: datetime) -> AsyncIterator[bytes]:
    """A list of assets, one on each line."""
    before = b"[\n"
    async for row in _assets(world, user, began):
        yield before + orjson.dumps(row["row"] | {part: row[part] for part in PARTS} | {"file": _place(row)})
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


async def _assets(world: World, user: UserId, began: datetime) -> AsyncIterator[DictRow]:
    """A person's assets by id, read some at a time."""
    after: UUID | None = None
    while True:
        async with world.database.transaction() as tx:
            found = await rows.some(tx, user, began, after, BATCH)
        for row in found:
            yield row
        if len(found) < BATCH:
            return
        after = found[-1]["id"]


def _place(row: DictRow) -> str | None:
    """Where the original lies in the zip; None where there is none to hand out."""
    if row["content_type"] is None or row["blocked"]:
        return None
    return names.original(row["id"], row["name"], row["content_type"], row["created_at"])


async def _original(world: World, packed: Zip, row: DictRow, left_out: list[dict[str, str]]) -> AsyncGenerator[bytes]:
    objects, place = world.ports.objects, _place(row)
    key = original_key(row["id"], row["generation"])
    chunks = objects.chunks(key)
    try:
        first = await anext(chunks, b"") if place else None  # an entry that has begun cannot be taken back
    except NotFound:
        first = None
    if place is None or first is None:
        why = "blocked" if row["blocked"] else "gone" if row["content_type"] else "not_kept"
        left_out.append({"id": str(row["id"]), "why": why})
        return
    try:
        async for piece in packed.add(place, row["created_at"], _from(first, chunks), small=False):
            yield piece
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()  # at once, and not when somebody collects it


async def _from(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece
