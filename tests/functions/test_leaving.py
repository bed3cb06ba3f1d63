"""A person leaves: everything of theirs in one zip, and then nothing of them anywhere."""

import asyncio
import io
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psutil
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import Forbidden, Invalid
from functions.core.identity.callers import Caller, recognise
from functions.core.identity.principal import Principal
from functions.core.ids import AssetId, UserId, uuid7
from functions.core.postgres import audit_log, upkeep
from functions.core.runtime.run import World
from functions.core.tx import rows
from functions.leaving import handler, names, takeout
from functions.leaving.contract import EraseMe
from functions.leaving.farewell import erase_all, keep_erasing
from functions.leaving.held import PARTS, PARTS_LEFT_OUT, PASSING, PEOPLE
from functions.leaving.zipped import Zip
from tests.support.doors import until
from tests.support.images import a_jpeg, a_png
from tests.support.worlds import a_ready_asset, a_user, an_upload, running

AT = datetime(2026, 11, 24, 12, 30, 2, tzinfo=UTC)


async def a_caller(world: World, subject: str | None = None, issued_at: int = 0) -> Caller:
    principal = Principal("urn:test", subject or str(uuid7()), frozenset({"user"}), issued_at, 0, "miraveja-web", "Ann")
    async with world.database.transaction() as tx:
        return await recognise(tx, principal)


async def exported(world: World, user: UserId) -> zipfile.ZipFile:
    """The whole export, opened; every checksum in it holds."""
    packed = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in takeout.export(world, user)])))
    assert packed.testzip() is None
    return packed


async def every(world: World, sql: str, *values: object) -> list[dict[str, Any]]:
    async with world.database.transaction() as tx:
        return await (await tx.execute(sql.encode(), values)).fetchall()


@pytest.mark.promises("S71")
async def test_the_zip_holds_every_original_and_all_that_the_rows_say(world: World) -> None:
    ann, bob = await a_user(world), await a_user(world, "Bob")
    pictures = {await a_ready_asset(world, ann, data, name): data for name, data in (
        ("harbour.png", a_png(1)), ("harbour.png", a_png(2)), ("../../etc/passwd", a_jpeg(3)), ("CON.jpg.exe", a_jpeg(4)),
    )}  # fmt: skip
    await a_ready_asset(world, bob, a_png(9), "of somebody else.png")
    packed = await exported(world, ann)
    listed = orjson.loads(packed.read("assets.json"))
    assert {row["id"] for row in listed} == {str(asset) for asset in pictures}
    for row in listed:
        assert packed.read(row["file"]) == pictures[AssetId(UUID(row["id"]))]
        (kept,) = await every(world, "SELECT to_jsonb(a) - 'words' AS row FROM assets a WHERE id = %s", row["id"])
        assert kept["row"].items() <= row.items()
        for part, hidden in PARTS.items():
            found = await every(
                world,
                f"SELECT to_jsonb(p) - %s::text[] AS row FROM {part} p WHERE asset_id = %s",
                ["asset_id", *hidden],
                row["id"],
            )
            assert sorted(map(str, row[part])) == sorted(str(each["row"]) for each in found), part
    (profile,) = orjson.loads(packed.read("profile.json"))
    assert profile["id"] == str(ann)
    assert orjson.loads(packed.read("left_out.json")) == []
    originals = [name for name in packed.namelist() if name.startswith("originals/")]
    assert len({name.lower() for name in originals}) == len(pictures)
    assert all(".." not in name and name.endswith((".png", ".jpg")) for name in originals)
    assert {info.compress_type for info in packed.infolist() if info.filename in originals} == {zipfile.ZIP_STORED}


@pytest.mark.promises("S71")
async def test_what_cannot_come_along_is_told(world: World) -> None:
    ann = await a_user(world)
    blocked = await a_ready_asset(world, ann, a_png(1))
    gone = await a_ready_asset(world, ann, a_png(2))
    never = await an_upload(world, ann, a_png(3))
    refused = await a_ready_asset(world, ann, a_png(4))
    async with world.database.transaction() as tx:
        await tx.execute("INSERT INTO block_sha256 SELECT sha256 FROM assets WHERE id = %s", [blocked])
        await tx.execute("UPDATE assets SET moderation = 'rejected' WHERE id = %s", [refused])
    await world.ports.objects.delete(f"originals/{gone}/1")
    packed = await exported(world, ann)
    told = {row["id"]: row["why"] for row in orjson.loads(packed.read("left_out.json"))}
    assert told == {str(blocked): "blocked", str(gone): "gone", str(never): "not_kept"}
    assert sum(name.startswith("originals/") for name in packed.namelist()) == 1, "a verdict takes nobody's own picture"


async def test_an_export_that_nobody_reads_on_lets_go_of_everything(world: World) -> None:
    ann = await a_user(world)
    await a_ready_asset(world, ann, a_png(1, (900, 700)))
    pieces = takeout.export(world, ann)
    async for piece in pieces:
        if b"originals/" in piece:
            break
    await pieces.aclose()
    assert [file for file in psutil.Process().open_files() if "originals" in file.path] == []


async def pieces_of(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def zipped(*entries: tuple[str, bytes, bool]) -> bytes:
    packed = Zip()
    made = [
        piece for name, data, small in entries async for piece in packed.add(name, AT, pieces_of(data), small=small)
    ]
    made += packed.end()
    packed.close()
    return b"".join(made)


async def test_a_zip_opens_in_programs_of_others(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(
        await zipped(("ä/picture.png", b"x" * 100_000, False), ("b.json", b"y" * 100_000, True), ("c", b"", False))
    )
    with zipfile.ZipFile(file) as opened:
        assert opened.testzip() is None
        assert opened.getinfo("b.json").compress_size < 1_000
        assert opened.getinfo("c").date_time == (2026, 11, 24, 12, 30, 2)
    if unzip := shutil.which("unzip"):
        await asyncio.to_thread(lambda: subprocess.run([unzip, "-tqq", file], check=True))


async def test_a_zip_that_was_cut_is_no_zip() -> None:
    whole = await zipped(("a", b"x" * 1_000, False))
    for end in (len(whole) - 1, len(whole) - 30, len(whole) // 2):
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(whole[:end]))


@given(st.text(max_size=300))
def test_a_file_name_is_safe_whatever_it_was(name: str) -> None:
    made = names.original(uuid7(), name, "image/png", AT)
    folder, month, file = made.split("/")
    assert (folder, month) == ("originals", "2026-11")
    assert not set(file) & set('<>:"\\|?*\0\n')
    assert not file.startswith((".", "-", " "))
    assert file.endswith(".png")
    assert len(file) <= 100


SCHEMA = """
SELECT c.relname AS table, a.attname AS column, coalesce(f.confrelid::regclass::text, '') AS leads_to
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND a.attnum = ANY(f.conkey)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  AND (a.atttypid = 'uuid'::regtype OR f.oid IS NOT NULL)
"""


@pytest.mark.promises("S71")
async def test_every_table_that_knows_of_a_person_says_what_becomes_of_it(world: World) -> None:
    """A column of ids that leads to people or their assets, and is not in held.py, was forgotten."""
    found = await every(world, SCHEMA)
    people = {(held.table, held.column) for held in PEOPLE}
    to_people = {(row["table"], row["column"]) for row in found if row["leads_to"] == "users"}
    assert to_people <= people, f"say in held.py what becomes of {to_people - people}"
    parts = {row["table"] for row in found if row["leads_to"] == "assets"}
    known = {held.table for held in PEOPLE} | {*PARTS, *PARTS_LEFT_OUT}
    assert parts - known == set(), "say in held.py whether this is told of each asset"
    loose = {f"{row['table']}.{row['column']}" for row in found if not row["leads_to"] and row["table"] not in known}
    assert loose - PASSING.keys() == set(), "an id that is no reference: does it lead to a person?"
    assert all(bool(held.file) != bool(held.left_out) for held in PEOPLE), "a file, or the reason why there is none"


TABLES = "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


async def mentions(world: World, *words: object) -> dict[str, int]:
    """How many rows of each table hold one of these words, in any column, read as text."""
    wanted, found = [f"%{word}%" for word in words], dict[str, int]()
    for table in await every(world, TABLES):
        count = await every(world, f"SELECT count(*) AS n FROM {table['name']} t WHERE t::text LIKE ANY(%s)", wanted)
        found |= {table["name"]: count[0]["n"]} if count[0]["n"] else {}
    return found


@pytest.mark.promises("S71")
async def test_who_leaves_is_nowhere_a_minute_later(world: World) -> None:
    who, bob = await a_caller(world), await a_user(world, "Bob")
    ours = [await a_ready_asset(world, who.user, a_png(number)) for number in range(3)]
    ours.append(await an_upload(world, who.user, a_png(7)))
    stays = await a_ready_asset(world, bob, a_png(1))
    async with world.database.transaction() as tx:
        await upkeep.trash(tx, ours[0])
        await tx.execute("INSERT INTO recent_searches (user_id, said) VALUES (%s, 'harbour')", [who.user])
        await audit_log.note(tx, who.user, "asset.deleted", "asset")
    assert (await mentions(world, who.user, *ours))["assets"] == 4
    async with running(world):
        await handler.erase(world, who, EraseMe(confirm=who.handle))
        erasing = asyncio.create_task(keep_erasing(world, every_s=0.05))

        async def gone() -> bool:
            return not await every(world, "SELECT 1 FROM users WHERE id = %s", who.user)

        await until(gone, within_s=60)
        erasing.cancel()
    assert await mentions(world, who.user, who.handle, who.principal.subject) == {}
    left = await mentions(world, *ours)
    assert left.keys() <= {"tombstones", "audit_log"}, "ids that lead to nobody, in a log that nobody can change"
    assert [found.key async for found in world.ports.objects.list("") if str(stays) not in found.key] == []
    assert await world.ports.vectors.ids() == {stays}
    assert await every(world, "SELECT 1 FROM actor_salts WHERE user_id = %s", who.user) == []
    async with world.database.transaction() as tx:
        assert await audit_log.broken(tx) == []
        assert len(await rows(tx, "SELECT 1 FROM audit_log WHERE action = 'account.erased' AND actor IS NOT NULL")) == 1


@pytest.mark.promises("S71")
async def test_an_erasure_takes_what_was_being_written_and_comes_to_its_end_after_any_crash(world: World) -> None:
    who = await a_caller(world)
    first = await a_ready_asset(world, who.user, a_png(1))
    await handler.erase(world, who, EraseMe(confirm=who.handle))
    late = await an_upload(world, who.user, a_png(2))  # its request was past the door
    await erase_all(world)
    async with world.database.transaction() as tx:  # the events were lost, and with them the purge
        await tx.execute("DELETE FROM outbox")
        await tx.execute("DELETE FROM deliveries")
    assert await erase_all(world) == 0
    async with running(world):

        async def at_its_end() -> bool:
            return await erase_all(world) == 1

        await until(at_its_end, within_s=30)
    assert (await mentions(world, who.user, first, late)).keys() <= {"tombstones", "audit_log"}
    assert await erase_all(world) == 0


@pytest.mark.promises("S71")
async def test_who_leaves_waits_for_no_step_of_the_pipeline_nor_it_for_them_in_a_circle(world: World) -> None:
    who = await a_caller(world)
    first, second = [await a_ready_asset(world, who.user, a_png(number)) for number in range(2)]
    async with asyncio.timeout(20), world.database.transaction() as step:
        await upkeep.trash(step, first)  # a step holds an asset …
        await handler.erase(world, who, EraseMe(confirm=who.handle))
        assert await erase_all(world) == 0, "and erasing goes on around it"
        told = await every(world, "SELECT id FROM assets WHERE state = 'deleting'")
        assert [row["id"] for row in told] == [second]
        await step.execute("SELECT 1 FROM users WHERE id = %s FOR KEY SHARE", [who.user])  # … and asks for its owner
    await erase_all(world)
    assert await every(world, "SELECT 1 FROM assets WHERE state <> 'deleting'") == []


async def test_a_token_from_before_the_end_makes_no_new_account(world: World) -> None:
    who = await a_caller(world)
    await handler.erase(world, who, EraseMe(confirm=who.handle))
    assert await erase_all(world) == 1
    with pytest.raises(Forbidden):
        await a_caller(world, who.principal.subject, issued_at=int(datetime.now(UTC).timestamp()) - 1)
    back = await a_caller(world, who.principal.subject, issued_at=int(datetime.now(UTC).timestamp()) + 60)
    assert back.user != who.user, "who signs in anew begins anew"


async def test_nobody_leaves_by_accident(world: World) -> None:
    who = await a_caller(world)
    for word in ("", "yes", who.handle.upper(), f" {who.handle}"):
        with pytest.raises(Invalid):
            await handler.erase(world, who, EraseMe(confirm=word))
    assert await every(world, "SELECT 1 FROM users WHERE id = %s AND erased_at IS NULL", who.user)


async def test_without_the_salt_no_entry_tells_whose_it_was(world: World) -> None:
    who = await a_caller(world)
    async with world.database.transaction() as tx:
        await audit_log.note(tx, who.user, "asset.deleted", "asset")
    await handler.erase(world, who, EraseMe(confirm=who.handle))
    assert await every(world, "SELECT 1 FROM actor_salts") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await every(world, "DELETE FROM audit_log")
