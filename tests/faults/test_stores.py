"""The store fails, is cut off in the middle, and is full; clients die while they send: nothing half is ever there."""

import asyncio
import hashlib
import resource
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest

from functions.core.errors import NotFound, Unavailable
from functions.core.ids import AssetId
from functions.core.model import incoming_key
from functions.core.postgres.server import OWNER, EmbeddedPostgres
from functions.core.runtime import runner
from functions.core.runtime.run import World
from functions.core.tx import Database
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper
from functions.upload_presign import handler as uploads
from functions.upload_presign.contract import PresignUpload
from gateway.client.api import Gallery
from gateway.client.credentials import LocalToken
from gateway.client.errors import Problem, Unreachable
from gateway.client.files import Found, Limits, look
from gateway.client.fingerprint import read as fingerprint
from gateway.client.outcome import Outcome
from gateway.client.requests import uploads as asking
from gateway.client.uploads import Wishes, upload
from tests.support.failing import failing
from tests.support.fault_proxy import FaultProxy, Streams, Weather, on_a_port
from tests.support.gallery_server import Served, served
from tests.support.images import a_jpeg, a_png
from tests.support.ledger import Ledger, Tally
from tests.support.quick_disk import quick_folder
from tests.support.runs import count, keys, rule, until, write
from tests.support.worlds import a_user, an_upload, ended, quiet, running, state_of

LIMITS = Limits(50 << 20, frozenset({"image/jpeg", "image/png"}))
SMALL = (64, 48)
FULL = "objects.write=raise:ENOSPC,objects.before_commit=raise:ENOSPC"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outages of a test are short, and so are the rests that they cause."""
    monkeypatch.setattr(runner, "LONGEST_PAUSE_S", 0.3)


@asynccontextmanager
async def behind_a_proxy(database: Database, folder: Path) -> AsyncIterator[tuple[Served, FaultProxy]]:
    """A gallery whose people all come through bad weather, to its routes and to its store."""
    here: list[Served] = []

    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", here[0].port)

    async with on_a_port(connect) as (proxy, port), served(database, folder, port) as gallery:
        here.append(gallery)
        yield gallery, proxy


class Noted:
    """An observer that writes down what is told to be there."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.states = ledger, dict[str, str]()

    def moved(self, many: int) -> None:
        """Nobody looks."""

    def done(self, outcome: Outcome) -> None:
        self.states[outcome.path.name] = outcome.state
        if outcome.asset_id and outcome.state in ("sent", "ready"):
            self.ledger.note("uploaded", outcome.asset_id, sha256=fingerprint(outcome.path, "image/jpeg").sha256)


def pictures(folder: Path, pieces: Iterable[bytes]) -> list[Found]:
    folder.mkdir()
    for number, data in enumerate(pieces):
        (folder / f"{number}.jpg").write_bytes(data)
    return [look(path, LIMITS) for path in sorted(folder.iterdir())]


async def settle(here: Served, ledger: Ledger, tally: Tally, database_url: str) -> None:
    """Nothing is under way, everything that was told is there, and nothing else."""
    await quiet(here.world)
    await asyncio.to_thread(ledger.weigh, tally, database_url, here.folder / "objects")
    report = await audit(here.world)
    assert report["mismatches"] == 0, report["details"]


def half_written(folder: Path) -> list[Path]:
    return list((folder / "objects" / "temp").iterdir())


async def nothing_half_written(folder: Path) -> bool:
    """Those that were given up meanwhile may need a moment to clear up."""
    return half_written(folder) == []


# R14


@pytest.mark.faults
@pytest.mark.promises("R14")
async def test_a_store_that_fails_three_times_in_ten_takes_everything_in_the_end(
    database: Database, database_url: str, tmp_path: Path, tally: Tally
) -> None:
    plan = "objects.before_commit=error:p=.3,objects.write=error:p=.3,objects.read=error:p=.3"
    ledger = Ledger(tmp_path / "ledger")
    found = pictures(tmp_path / "in", (a_jpeg(seed, SMALL) for seed in range(8)))
    with quick_folder() as folder:
        async with served(database, folder) as here:
            with failing(plan):
                async with Gallery(here.url, LocalToken(folder)) as gallery:
                    await upload(gallery, found, noted := Noted(ledger), Wishes(wait=True))
            assert set(noted.states.values()) == {"ready"}
            await settle(here, ledger, tally, database_url)
    assert len(ledger) == 8


@pytest.mark.faults
@pytest.mark.promises("R14")
async def test_a_connection_that_is_reset_in_the_middle_leaves_no_half_object(
    database: Database, database_url: str, tmp_path: Path, tally: Tally
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    pieces = [a_jpeg(seed, (900, 700)) for seed in range(3)]
    found = pictures(tmp_path / "in", pieces)
    with quick_folder() as folder:
        async with behind_a_proxy(database, folder) as (here, proxy):
            async with Gallery(here.url, LocalToken(folder)) as gallery:
                for part, data, picture in zip((0.25, 0.5, 0.75), pieces, found, strict=True):
                    proxy.weather = bad = Weather(cut_requests_after=int(part * len(data)))
                    sending = asyncio.create_task(upload(gallery, [picture], noted := Noted(ledger), Wishes(wait=True)))
                    await until(partial(_cut, bad))
                    assert await whole_objects(here.world) == []
                    proxy.rise()
                    await sending
                    assert set(noted.states.values()) == {"ready"}
                    await quiet(here.world)
            assert half_written(folder) == []
            await settle(here, ledger, tally, database_url)


async def _cut(weather: Weather) -> bool:
    return weather.cuts >= 2


async def whole_objects(world: World) -> list[str]:
    """What can be read in quarantine now."""
    return [found.key async for found in world.ports.objects.list("incoming/")]


# R15


@pytest.mark.promises("R15")
async def test_a_full_store_says_so_and_takes_everything_once_there_is_room(
    database: Database, database_url: str, tmp_path: Path, tally: Tally
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    found = pictures(tmp_path / "in", (a_jpeg(seed, SMALL) for seed in range(3)))
    with quick_folder() as folder:
        async with served(database, folder) as here:
            async with Gallery(here.url, LocalToken(folder), patience_s=0.5) as hasty:
                with failing(FULL):
                    with pytest.raises(Problem) as refused:
                        await upload(hasty, found, Noted(ledger))
                    assert (refused.value.status, refused.value.facts["retry_after"]) == (503, 1)
                    assert len(ledger) == 0
                    await until(partial(nothing_half_written, folder))
                await upload(hasty, found, Noted(ledger))
            await ended(here.world, *[AssetId(each) for each in await ids(here.world)])
            await settle(here, ledger, tally, database_url)
    assert len(ledger) == 3


async def ids(world: World) -> list[AssetId]:
    async with world.database.transaction() as tx:
        found = await (await tx.execute("SELECT id FROM assets")).fetchall()
    return [row["id"] for row in found]


@pytest.mark.promises("R15")
async def test_a_store_that_is_full_while_pictures_are_made_rests_and_goes_on(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, a_jpeg(1, SMALL))
    await uploads.complete(world, owner, asset)
    async with running(world):
        with failing("objects.write=raise:ENOSPC"):
            await until(lambda: _is(world, asset, "uploaded"))
            await until(lambda: _has_rested(world))
        assert await ended(world, asset) == ["ready"]
    assert await count(world, "SELECT max(attempts) FROM pipeline_steps") == 1, "what is full is nobody's fault"


async def _is(world: World, asset: AssetId, state: str) -> bool:
    return await state_of(world, asset) == state


async def _has_rested(world: World) -> bool:
    """The work was let go, and nobody has it now."""
    return await count(world, "SELECT count(*) FROM inbox WHERE lease_until = '-infinity' AND error <> ''") > 0


@pytest.mark.promises("R15")
async def test_a_full_database_refuses_what_it_cannot_keep_and_keeps_the_rest(
    cluster: EmbeddedPostgres, world: World, database_url: str
) -> None:
    """`could not extend file: No space left on device` is one error code, wherever it comes from."""
    owner = await a_user(world)
    admin = cluster.url(OWNER, database_url.split("@/")[1].split("?", maxsplit=1)[0])
    before = await an_upload(world, owner, a_jpeg(1, SMALL))
    full = (
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
        " 'could not extend file' USING ERRCODE = 'disk_full'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(full.format("assets").encode())
        with pytest.raises(Unavailable):
            await an_upload(world, owner, a_jpeg(2, SMALL))
        connection.execute(
            b"CREATE TRIGGER full_disk BEFORE INSERT ON renditions FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
        await uploads.complete(world, owner, before)
        async with running(world):
            await until(lambda: _is(world, before, "uploaded"))
            await until(lambda: _has_rested(world))
            assert await count(world, "SELECT count(*) FROM assets") == 1
            connection.execute(b"DROP FUNCTION full_disk CASCADE")
            assert await ended(world, before) == ["ready"]
    assert (await audit(world))["details"] == []


@pytest.mark.promises("R15")
async def test_a_file_system_without_room_is_met_for_real(world: World) -> None:
    """A limit on the size of files is a full disk that needs nobody's permission."""
    owner = await a_user(world)
    asset = AssetId((await uploads.presign(world, owner, wanted(a_png(1)))).upload.asset_id)
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(Unavailable) as full:
            await world.ports.objects.write(incoming_key(asset), bytes(1 << 20), "image/png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert full.value.facts["why"] == "disk full"
    with pytest.raises(NotFound):
        await world.ports.objects.stat(incoming_key(asset))
    await world.ports.objects.write(incoming_key(asset), a_png(1), "image/png")
    assert await world.ports.objects.read(incoming_key(asset)) == a_png(1)


def wanted(data: bytes) -> PresignUpload:
    return PresignUpload.model_validate({
        "name": "a.png", "size": len(data), "content_type": "image/png", "sha256": hashlib.sha256(data).hexdigest(),
    })  # fmt: skip


# R21


@pytest.mark.promises("R21")
async def test_a_client_that_dies_while_it_sends_leaves_no_bytes_and_gets_its_quota_back(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data := a_png(1, (400, 300)))
    with quick_folder() as folder:
        async with behind_a_proxy(database, folder) as (here, proxy):
            rule(here.world, quota_bytes=len(data) + 100)
            async with Gallery(here.url, LocalToken(folder), patience_s=0.2) as dying:
                said = await dying.ask(asking.presign(wanted(data)))
                assert said.upload
                proxy.weather = Weather(cut_requests_after=len(data) // 2)
                with pytest.raises(Unreachable):
                    await dying.post_form(said.upload, path, len(data))
            proxy.rise()
            asset = AssetId(said.asset_id)
            await until(partial(nothing_half_written, folder))
            assert await keys(here.world, asset) == set()
            async with Gallery(here.url, LocalToken(folder)) as alive:
                with pytest.raises(Problem, match="quota"):
                    await alive.ask(asking.presign(wanted(a_png(2, (400, 300)))))
                await write(here.world, "UPDATE assets SET updated_at = now() - interval '2 minutes'")
                await write(here.world, "UPDATE assets SET form_expires_at = now() - interval '61 minutes'")
                swept = await Sweeper(here.world, grace=timedelta(seconds=-1)).sweep()
                assert swept
                assert swept.done["expired"] == 1
                assert await state_of(here.world, asset) == "expired"
                assert (await alive.ask(asking.presign(wanted(a_png(3, (300, 300)))))).upload
