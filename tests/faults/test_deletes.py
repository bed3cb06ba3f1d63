"""Processes die while people delete: at every point of every step, and a delete still leaves nothing."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from functions.core.errors import MiraVejaError
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken
from gateway.client.errors import Problem
from gateway.client.files import Limits, look
from gateway.client.outcome import Outcome
from gateway.client.requests import assets
from gateway.client.uploads import upload
from tests.support.galleries import Up, a_gallery, audit, wait_for
from tests.support.images import a_jpeg
from tests.support.ledger import Tally

STEPS = ("ingest", "thumbnail", "embed", "moderate", "index", "purge")
WHEN = ("after_claim", "after_work", "before_commit", "after_record")
POINTS = [
    *(f"{step}.{when}" for step in STEPS for when in WHEN),
    "objects.write",
    "objects.read",
    "objects.before_commit",
]
ROUNDS = 9


@dataclass(frozen=True)
class Armed:
    """A gallery whose processes die once at each point whose file somebody makes."""

    up: Up
    files: Path

    def arm(self, point: str) -> None:
        (self.files / point).touch()

    def fired(self, point: str) -> bool:
        return not (self.files / point).exists()


@pytest.fixture(scope="module")
def armed() -> Iterator[Armed]:
    with tempfile.TemporaryDirectory(prefix="mv-armed-") as name:
        plan = ",".join(f"{point}=kill9;armed={name}/{point}" for point in POINTS)
        with a_gallery({"TEST_LEASE_S": "3", "TEST_PAUSE_S": "0.5", "TEST_FAIL": plan}) as up:
            up.start()
            yield Armed(up, Path(name))


class Sent:
    """The ledger of one upload."""

    asset = ""

    def moved(self, many: int) -> None:
        """Nobody looks."""

    def done(self, outcome: Outcome) -> None:
        assert outcome.asset_id, outcome
        self.asset = outcome.asset_id


async def delete(gallery: Gallery, asset: str) -> None:
    """Away for good; asked again until it is answered, so that the second time it may be gone."""
    try:
        await gallery.ask(assets.delete(asset, permanent=True))
    except Problem as problem:
        if problem.status != 404:
            raise


def send_and_delete(armed: Armed, point: str, seed: int) -> str:
    """One picture on its way; a process dies at the point, and meanwhile its owner deletes it."""
    picture = armed.up.folder / f"{seed}.jpg"
    picture.write_bytes(a_jpeg(seed, (200, 150)))
    found = look(picture, Limits(1 << 20, frozenset({"image/jpeg"})))

    async def both() -> str:
        async with Gallery(armed.up.url, LocalToken(armed.up.data)) as gallery:
            sent = Sent()
            await upload(gallery, [found], sent)
            if not point.startswith("purge."):
                await asyncio.to_thread(wait_for, lambda: armed.fired(point))
            await delete(gallery, sent.asset)
            return sent.asset

    armed.arm(point)
    return asyncio.run(asyncio.wait_for(both(), 60))


def nothing_is_left(up: Up) -> bool:
    with suppress(MiraVejaError):  # from a process that is just being mended
        counts = audit(up)["counts"]
        return all(counts[kind] == 0 for kind in ("assets", "objects", "vectors", "deliveries", "outbox"))
    return False


def survived(armed: Armed, rounds: list[list[str]], tally: Tally) -> None:
    """Each round is several deaths at once, each with a picture of its own on its way."""
    for number, points in enumerate(rounds):
        with ThreadPoolExecutor() as pool:
            seeds = range(10 * number, 10 * number + len(points))
            list(pool.map(partial(send_and_delete, armed), points, seeds))
        began = time.monotonic()
        wait_for(lambda: nothing_is_left(armed.up))
        tally.recovered(time.monotonic() - began)
        assert [point for point in points if not armed.fired(point)] == []
        tally.add(loads=2 * len(points))
    assert audit(armed.up)["mismatches"] == 0


@pytest.mark.faults
@pytest.mark.promises("R22", "R1", "O4")
def test_a_delete_while_a_process_is_dead_leaves_nothing_at_any_point(armed: Armed, tally: Tally) -> None:
    survived(armed, [POINTS[first::ROUNDS] for first in range(ROUNDS)], tally)
