"""Processes are restarted, hang, are killed by one picture, and are asked for ten times what they can do."""

import asyncio
import hashlib
import json
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import psycopg
import pytest

from gateway.client.credentials import LocalToken
from tests.support.galleries import Up, a_gallery, audit, nothing_lies, wait_for
from tests.support.images import a_jpeg, a_png
from tests.support.ledger import Ledger, Tally
from tests.support.loads import at_work, rude

LONGEST_STOP_S = 20.0
MOST_MORE_BYTES = 200 << 20
SMALL = (64, 48)


@dataclass(frozen=True)
class Rigged:
    """A gallery with one picture that kills whoever works on it, and one at which work hangs."""

    up: Up
    files: Path

    def send(self, seed: int) -> str:
        """One picture, its asset."""
        path = self.files / f"{seed}.jpg"
        path.write_bytes(a_jpeg(seed, SMALL))
        told = self.up.cli("upload", str(path), "--json")
        return str(json.loads(told.stdout.splitlines()[0])["assetId"])

    def name(self, what: str, asset: str) -> None:
        (self.files / what).write_text(asset)

    def row(self, sql: str, *values: object) -> Any:
        with psycopg.connect(self.up.database()) as connection:
            return connection.execute(sql.encode(), values).fetchone()

    def state(self, asset: str) -> tuple[str, str | None]:
        found = self.row("SELECT state, reason FROM assets WHERE id = %s", asset)
        return found[0], found[1]


@pytest.fixture(scope="module")
def rigged() -> Iterator[Rigged]:
    with tempfile.TemporaryDirectory(prefix="mv-rigged-") as name:
        plan = f"thumbnail.after_work=kill9;only={name}/deadly,embed.after_work=sleep:3600;only={name}/endless"
        with a_gallery({"TEST_LEASE_S": "3", "TEST_WALL_S": "4", "TEST_PAUSE_S": "0.5", "TEST_FAIL": plan}) as up:
            up.start()
            yield Rigged(up, Path(name))


def restarts(up: Up, name: str) -> float:
    """SIGTERM, and another takes its place; the seconds until the first was gone."""
    [old] = up.named(name)
    began = time.monotonic()
    old.send_signal(signal.SIGTERM)
    with suppress(psutil.NoSuchProcess):
        old.wait(LONGEST_STOP_S)
    took = time.monotonic() - began
    wait_for(lambda: [process.pid for process in up.named(name)] not in ([], [old.pid]))
    return took


@pytest.mark.faults
@pytest.mark.promises("R24", "O7")
def test_processes_that_are_restarted_one_by_one_under_load_refuse_nobody_rudely(rigged: Rigged, tally: Tally) -> None:
    up, ledger = rigged.up, Ledger(rigged.files / "restarted")
    with at_work(up, ledger) as load:
        for _ in range(3):
            for name in ("gateway.local.work", "gateway.local.answer"):
                assert restarts(up, name) < LONGEST_STOP_S
                before, began = len(ledger), time.monotonic()
                wait_for(partial(lambda known: len(ledger) > known + 3, before))
                tally.recovered(time.monotonic() - began)
    assert rude(load.seen) == []
    wait_for(lambda: nothing_lies(up))
    ledger.weigh(tally, up.database(), up.store)
    assert rigged.row("SELECT count(*) FROM inbox WHERE lost > 0 OR attempts > 1") == (0,), (
        "to be stopped costs no attempt"
    )


@pytest.mark.faults
@pytest.mark.promises("R17", "O6")
def test_a_picture_that_kills_its_process_is_set_aside_after_three(rigged: Rigged, tally: Tally) -> None:
    up, ledger = rigged.up, Ledger(rigged.files / "killed")
    deadly = upload_rigged(rigged, "deadly", 1)
    good = [rigged.send(seed) for seed in (2, 3)]
    began = time.monotonic()
    wait_for(lambda: rigged.state(deadly) == ("failed", "worker_lost"))
    wait_for(lambda: {rigged.state(asset)[0] for asset in good} == {"ready"})
    tally.recovered(time.monotonic() - began)
    for asset, seed in zip(good, (2, 3), strict=True):
        ledger.note("uploaded", asset, sha256=hashlib.sha256(a_jpeg(seed, SMALL)).hexdigest())
    claims = rigged.row("SELECT attempts, lost, state FROM inbox WHERE asset_id = %s AND step = 'thumbnail'", deadly)
    assert claims == (4, 3, "dead"), "three claims were lost, the fourth was told so"
    wait_for(lambda: nothing_lies(up))
    ledger.weigh(tally, up.database(), up.store)


def upload_rigged(rigged: Rigged, what: str, seed: int) -> str:
    """A picture that is named to the failpoint before its work begins: the work process waits meanwhile."""
    [work] = rigged.up.named("gateway.local.work")
    work.suspend()
    try:
        asset = rigged.send(seed)
        rigged.name(what, asset)
    finally:
        work.resume()
    return asset


@pytest.mark.faults
@pytest.mark.promises("R25", "O1")
def test_work_that_hangs_is_given_up_in_time_and_holds_up_nobody(rigged: Rigged, tally: Tally) -> None:
    up, ledger = rigged.up, Ledger(rigged.files / "hung")
    endless = upload_rigged(rigged, "endless", 11)
    others = [rigged.send(seed) for seed in (12, 13)]
    wait_for(lambda: {rigged.state(asset)[0] for asset in others} == {"ready"})
    assert rigged.state(endless)[0] == "uploaded"
    tried = "SELECT attempts FROM inbox WHERE asset_id = %s AND step = 'embed'"
    wait_for(lambda: rigged.row(tried, endless)[0] > 1)
    rigged.name("endless", "")
    began = time.monotonic()
    wait_for(lambda: rigged.state(endless)[0] == "ready")
    tally.recovered(time.monotonic() - began)
    for asset, seed in zip([endless, *others], (11, 12, 13), strict=True):
        ledger.note("uploaded", asset, sha256=hashlib.sha256(a_jpeg(seed, SMALL)).hexdigest())
    wait_for(lambda: nothing_lies(up))
    ledger.weigh(tally, up.database(), up.store)


# R28


@dataclass
class Crowd:
    """Some hundred at once, each again and again: forms, examples, searches, lists."""

    url: str
    token: LocalToken
    session: aiohttp.ClientSession
    ledger: Ledger
    over: float
    answers: Counter[int] = field(default_factory=Counter)
    """What was answered, by status."""

    async def insists(self, number: int) -> None:
        act = (self.sends, self.searches, self.shows, self.lists)[number % 4]
        for turn in count(number * 1_000):
            if time.monotonic() > self.over:
                return
            with suppress(aiohttp.ClientConnectionError):
                await act(turn)

    async def ask(self, method: str, path: str, **what: Any) -> tuple[int, bytes]:
        bearer = {} if path.startswith("http") else {"Authorization": f"Bearer {self.token()}"}
        path = path if path.startswith("http") else self.url + path
        async with self.session.request(method, path, headers=bearer, **what) as answer:
            self.answers[answer.status] += 1
            if answer.status in (429, 503):
                assert answer.headers["Retry-After"].isdigit()
            return answer.status, await answer.read()

    async def sends(self, turn: int) -> None:
        data = a_png(70_000 + turn, (8, 6))
        wanted = {
            "name": "a.png",
            "size": len(data),
            "contentType": "image/png",
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        status, body = await self.ask("POST", "/v1/uploads", json=wanted)
        if status not in (200, 201):
            return
        said = json.loads(body)
        form = a_form("file", data, "image/png", said["upload"]["fields"])
        status, _ = await self.ask("POST", said["upload"]["url"], data=form)
        if status == 201:
            self.ledger.note("uploaded", said["assetId"], sha256=str(wanted["sha256"]))

    async def searches(self, turn: int) -> None:
        await self.ask("POST", "/v1/search", json={"texts": [{"q": f"a harbour {turn}"}]})

    async def shows(self, turn: int) -> None:
        form = a_form("image", a_jpeg(turn % 20, (640, 480)), "image/jpeg")
        await self.ask("POST", "/v1/query-images", data=form)

    async def lists(self, _turn: int) -> None:
        await self.ask("GET", "/v1/assets?limit=100&owner=me")


def a_form(name: str, data: bytes, kind: str, fields: Mapping[str, str] | None = None) -> aiohttp.FormData:
    form = aiohttp.FormData(dict(fields or {}))
    form.add_field(name, data, content_type=kind, filename="a")
    return form


async def crowded(up: Up, ledger: Ledger, people: int, seconds: float) -> Counter[int]:
    """What so many were answered, by status."""
    patient = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=patient) as session:
        crowd = Crowd(up.url, LocalToken(up.data), session, ledger, time.monotonic() + seconds)
        await asyncio.gather(*(crowd.insists(number) for number in range(people)))
    return crowd.answers


def resident(up: Up) -> int:
    """Bytes that our two processes hold, and their children."""
    return sum(
        process.memory_info().rss for name in ("answer", "work") for process in up.named(f"gateway.local.{name}")
    )


@pytest.mark.faults
@pytest.mark.promises("R28", "O8")
def test_ten_times_too_much_is_refused_politely_and_what_was_taken_on_is_finished(rigged: Rigged, tally: Tally) -> None:
    up, ledger = rigged.up, Ledger(rigged.files / "crowded")
    before = resident(up)
    answers = asyncio.run(crowded(up, ledger, 300, 8.0))
    began = time.monotonic()
    assert resident(up) < before + MOST_MORE_BYTES
    assert answers.keys() <= {200, 201, 429, 503}
    assert answers[429] + answers[503] > 0
    assert len(ledger) > 0
    wait_for(lambda: nothing_lies(up))
    tally.recovered(time.monotonic() - began)
    ledger.weigh(tally, up.database(), up.store)
    assert audit(up)["mismatches"] == 0
