"""Live updates of a gallery as people run it: what is heard while pictures come in, and how a stream ends."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import aiohttp
import psutil
import pytest

from tests.support.galleries import Up, a_gallery, wait_for
from tests.support.images import a_png


@pytest.fixture
def up() -> Iterator[Up]:
    with a_gallery() as running:
        running.start()
        yield running


async def states(answer: aiohttp.ClientResponse, last: str) -> list[str]:
    """The states that are told, up to the last one."""
    found: list[str] = []
    async with asyncio.timeout(30):
        while last not in found:
            told = await answer.content.readuntil(b"\n\n")
            assert told, "the stream ended too soon"
            found += [
                json.loads(line[6:])["state"] for line in told.decode().splitlines() if line.startswith("data: {")
            ]
    return found


def postgres(up: Up) -> psutil.Process:
    """The server's first process."""
    pid = int((up.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    return psutil.Process(pid)


async def test_an_upload_is_followed_to_its_end_and_a_stop_ends_the_stream(up: Up) -> None:
    headers = {"Authorization": f"Bearer {up.cli('token').stdout.strip()}"}
    picture = up.folder / "harbour.png"
    picture.write_bytes(a_png(1, (64, 48)))
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{up.url}/v1/events") as answer:
        assert answer.status == 200
        sending = asyncio.create_task(asyncio.to_thread(up.cli, "upload", str(picture)))
        told = await states(answer, "ready")
        assert told == sorted(told, key=["new", "uploaded", "processed", "ready"].index)
        assert {"new", "uploaded", "ready"} <= set(told)
        await sending
        stopped = await asyncio.to_thread(up.stop)
        assert await answer.content.read() in (b"", b":\n\n")
    assert stopped < 5
    assert "Traceback" not in up.output.read_text()


async def test_a_database_that_is_away_ends_the_stream_and_what_came_meanwhile_is_told_later(up: Up) -> None:
    headers: dict[str, Any] = {"Authorization": f"Bearer {up.cli('token').stdout.strip()}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{up.url}/v1/events") as answer:
            first = (await answer.content.readuntil(b"\n\n")).decode()
            os.kill(postgres(up).pid, signal.SIGKILL)
            async with asyncio.timeout(20):
                await answer.content.read()
        picture = up.folder / "harbour.png"
        picture.write_bytes(a_png(1, (64, 48)))
        await asyncio.to_thread(wait_for, lambda: up.cli("upload", str(picture)).returncode == 0)
        last = first.split("id: ")[1].strip()
        async with http.get(f"{up.url}/v1/events", headers={"Last-Event-ID": last}) as answer:
            assert (await states(answer, "ready"))[0] == "new"
