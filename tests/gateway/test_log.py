"""`miraveja log` beside a running gallery: what was done, and whether anybody changed the record of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from functions.core.postgres import audit_log
from functions.core.postgres.server import OWNER, EmbeddedPostgres
from gateway.cli import log
from gateway.cli.main import parser
from gateway.local import operator, process, wires
from tests.support.doors import Gallery
from tests.support.quick_disk import quick_folder

pytestmark = pytest.mark.promises("S70")


@pytest.fixture
async def folder(gallery: Gallery) -> AsyncIterator[Path]:
    """The data folder of a gallery that hears its operator."""
    with quick_folder() as made:
        settings = gallery.door.settings.model_copy(update={"data_dir": made})
        server = process.server(operator.application(gallery.door), uds=str(wires.operator(settings)))
        serving = asyncio.create_task(server.serve())
        await server.up.wait()
        yield made
        server.should_exit = True
        await serving


async def run(folder: Path, *arguments: str) -> int:
    given = parser(["log"]).parse_args(["log", *arguments, "--data", str(folder)])
    return await asyncio.to_thread(log.run, given)


async def note(gallery: Gallery, *things: str) -> None:
    async with gallery.world.database.transaction() as tx:
        for thing in things:
            await audit_log.note(tx, None, "asset.deleted", thing)


async def test_an_untouched_log_is_said_to_be_ok(
    gallery: Gallery, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await note(gallery, "asset:1", "asset:2")
    assert await run(folder, "verify") == 0
    assert capsys.readouterr().out == "OK: 2 entries\n"


async def test_the_newest_entries_are_shown_as_plain_lines(
    gallery: Gallery, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await note(gallery, "asset:older", "asset:\x1b[31mred")
    assert await run(folder, "show", "--limit", "1") == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["NO", "AT", "ACTION", "OBJECT", "ACTOR", "NETWORK"]
    assert line.split()[2:] == ["asset.deleted", "asset:[31mred", "-", "-"]
    assert await run(folder, "show", "--json") == 0
    assert json.loads(capsys.readouterr().out)["entries"][-1]["action"] == "asset.deleted"
    with pytest.raises(SystemExit):
        await run(folder, "show", "--limit", "0")


async def test_a_changed_and_a_missing_entry_are_named(
    gallery: Gallery, folder: Path, cluster: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    await note(gallery, "asset:3", "asset:4", "asset:5")
    row = await gallery.row("SELECT current_database() AS name, max(seq) AS last FROM audit_log")
    with psycopg.connect(cluster.url(OWNER, row["name"]), autocommit=True) as owner:
        owner.execute("UPDATE audit_log SET object = 'asset:other' WHERE seq = %s", [row["last"] - 2])
        owner.execute("DELETE FROM audit_log WHERE seq = %s", [row["last"] - 1])
    assert await run(folder, "verify") == 1
    said = capsys.readouterr()
    assert said.out == f"broken at {row['last'] - 2}\nbroken at {row['last']}\n"
    assert "changed these entries" in said.err
    assert await run(folder, "verify", "--json") == 1
    assert json.loads(capsys.readouterr().out)["broken"] == [row["last"] - 2, row["last"]]
