"""Processes die at every point that matters, and at random: nothing is lost, doubled or stuck."""

import json
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.galleries import Up, a_gallery, audit, wait_for
from tests.support.images import a_jpeg, a_png, a_webp
from tests.support.ledger import Tally

STEPS = ("ingest", "thumbnail", "embed", "moderate", "index")
POINTS = ("after_claim", "after_work", "before_commit", "after_record")
KINDS = (a_jpeg, a_png, a_webp)
ENDS = ("assets_ready", "assets_rejected", "assets_failed", "assets_expired")
SHORT = {"TEST_LEASE_S": "3", "TEST_PAUSE_S": "0.5"}


def pictures(folder: Path, count: int, poison: int = 0) -> Path:
    folder.mkdir()
    for number in range(count):
        make = KINDS[number % len(KINDS)]
        (folder / f"{number}.{make.__name__[2:]}").write_bytes(make(number, (320, 240)))
    for number in range(poison):
        (folder / f"broken-{number}.jpg").write_bytes(a_jpeg(1_000 + number)[: 2_000 + number])
    return folder


def sent(up: Up, folder: Path) -> set[str]:
    """The ledger: ids of every upload that was acknowledged; sends again until all are."""
    done = up.cli("upload", str(folder), "--json")
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    return {outcome["assetId"] for outcome in outcomes if outcome["assetId"]}


def settled(up: Up, count: int, tally: Tally) -> dict[str, Any]:
    """The audit once nothing is under way any more."""
    report: dict[str, Any] = {}
    began = time.monotonic()

    def still() -> bool:
        nonlocal report
        try:
            report = audit(up)
        except Exception:  # noqa: BLE001 -- a process that is just being mended
            return False
        counts = report["counts"]
        ended = sum(counts.get(state, 0) for state in ENDS)
        return bool(ended >= count and counts["deliveries"] == counts["outbox"] == 0)

    wait_for(still)
    tally.recovered(time.monotonic() - began)
    return report


def holds(report: dict[str, Any], tally: Tally, ready: int, rejected: int = 0) -> None:
    """The gate: lost, doubled and stuck are nothing, and everything agrees."""
    counts = report["counts"]
    ended = sum(counts.get(state, 0) for state in ("assets_ready", "assets_rejected"))
    all_told = ready + rejected
    tally.add(
        loads=all_told, lost=max(0, all_told - ended), doubled=max(0, counts["assets"] - all_told),
        stuck=counts["assets"] - ended,
    )  # fmt: skip
    assert counts["assets"] == ready + rejected
    assert counts.get("assets_ready", 0) == counts["vectors"] == ready, report
    assert counts.get("assets_rejected", 0) == rejected, report
    assert report["mismatches"] == 0, report["details"]


@pytest.fixture
def crashing(request: pytest.FixtureRequest) -> Iterator[Up]:
    """A gallery whose processes die once at each of the given points."""
    with tempfile.TemporaryDirectory(prefix="mv-armed-") as name:
        armed = {point: Path(name) / point for point in request.param}
        plan = ",".join(f"{point}=kill9;armed={file}" for point, file in armed.items())
        for file in armed.values():
            file.touch()
        with a_gallery(SHORT | {"TEST_FAIL": plan}) as up:
            up.start()
            yield up
        assert not any(file.exists() for file in armed.values()), "a point was never reached"


SMOKE = ("ingest.after_work", "thumbnail.before_commit", "embed.after_claim", "index.after_work", "index.after_record")


@pytest.mark.promises("R1", "R16", "O1")
@pytest.mark.parametrize("crashing", [SMOKE], indirect=True)
def test_a_process_may_die_at_any_point_among_poison(crashing: Up, tally: Tally) -> None:
    folder = pictures(crashing.folder / "in", 6, poison=2)
    ledger = sent(crashing, folder)
    report = settled(crashing, 8, tally)
    holds(report, tally, ready=6, rejected=2)
    assert len(ledger) == 8


@pytest.mark.faults
@pytest.mark.promises("R1")
@pytest.mark.parametrize("crashing", [[f"{step}.{point}" for step in STEPS] for point in POINTS], indirect=True)
def test_each_failpoint_of_each_step_is_survived(crashing: Up, tally: Tally) -> None:
    sent(crashing, pictures(crashing.folder / "in", 4))
    holds(settled(crashing, 4, tally), tally, ready=4)


def kill_now_and_then(up: Up, kills: int, seed: int) -> None:
    """SIGKILL one of the two processes, each time after it had a while to work."""
    dice = random.Random(seed)
    for _ in range(kills):
        name = dice.choice(("gateway.local.work", "gateway.local.answer"))
        wait_for(partial(up.named, name))
        time.sleep(dice.uniform(1.0, 3.0))  # the fault's rhythm, not a wait for a result
        for process in up.named(name):
            process.send_signal(signal.SIGKILL)


@pytest.mark.faults
@pytest.mark.promises("R2")
def test_thirty_random_kills_lose_nothing(tally: Tally) -> None:
    with a_gallery(SHORT) as up:
        up.start()
        folder = pictures(up.folder / "in", 200)
        sender = up.cli_started("upload", str(folder), "--json")
        kill_now_and_then(up, 30, seed=1)
        sender.wait(120)
        wait_for(lambda: up.cli("upload", str(folder), "--json").returncode == 0)
        holds(settled(up, 200, tally), tally, ready=200)


@pytest.mark.faults
@pytest.mark.promises("R1", "R8")
@pytest.mark.parametrize("victim", ["postgres", "up"])
def test_a_kill_in_the_middle_of_many_uploads_is_made_good_by_the_next_start(victim: str, tally: Tally) -> None:
    with a_gallery(SHORT) as up:
        up.start()
        folder = pictures(up.folder / "in", 80)
        sender = up.cli_started("upload", str(folder), "--json")
        wait_for(lambda: audit(up)["counts"].get("assets_ready", 0) > 20)
        for process in up.family():
            if victim in " ".join(process.cmdline()):
                process.send_signal(signal.SIGKILL)
        sender.wait(120)
        assert up.process
        up.process.kill()
        up.process.wait()
        wait_for(lambda: not up.family())
        up.start()
        wait_for(lambda: up.cli("upload", str(folder), "--json").returncode == 0)
        holds(settled(up, 80, tally), tally, ready=80)
