"""The database dies under load, fast and without a word: what was acknowledged is there, and nobody starts anything by hand."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import psutil
import psycopg
import pytest

from functions.core.postgres.server import OWNER, EmbeddedPostgres
from tests.support.galleries import Up, a_gallery, audit, nothing_lies, wait_for
from tests.support.ledger import Ledger, Tally
from tests.support.loads import Load, at_work, rude

LONGEST_S = 10.0
"""How long people are told to come back later at most, from the moment the database died."""


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with a_gallery({"TEST_LEASE_S": "3"}) as started:
        started.start()
        yield started


def immediately(up: Up) -> None:
    """What `pg_ctl -m immediate` does."""
    server = up.postgres()
    assert server
    server.send_signal(signal.SIGQUIT)


def all_at_once(up: Up) -> None:
    """The power is gone for every process of it."""
    server = up.postgres()
    assert server
    server.suspend()
    for process in [*server.children(recursive=True), server]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def is_another(up: Up, before: int) -> bool:
    server = up.postgres()
    return server is not None and server.pid != before and answers(up)


def answers(up: Up) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(up.database()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)
    return False


def dies(up: Up, load: Load, how: int) -> float:
    """The seconds until people are served again."""
    server = up.postgres()
    assert server
    before, began = server.pid, time.monotonic()
    (immediately if how else all_at_once)(up)
    wait_for(partial(is_another, up, before))
    wait_for(lambda: any(look.status == 200 and look.at > began + 0.2 for look in load.seen[-3:]))
    return time.monotonic() - began


def agrees(up: Up, ledger: Ledger, tally: Tally) -> None:
    began = time.monotonic()
    wait_for(lambda: nothing_lies(up))
    tally.recovered(time.monotonic() - began)
    ledger.weigh(tally, up.database(), up.store)
    report = audit(up)
    assert report["mismatches"] == 0, report["details"]


def a_full_read(url: str) -> None:
    """Every row of every table, and every index held against its table."""
    with psycopg.connect(url, autocommit=True) as admin:
        tables = [
            row[0] for row in admin.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'").fetchall()
        ]
        for table in tables:
            admin.execute(f"SELECT count(*), sum(hashtext(t::text)) FROM {table} t".encode())
        indexes = admin.execute(
            "SELECT i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid, 1, true), pg_get_expr(i.indpred, i.indrelid)"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam"
            " JOIN pg_class t ON t.oid = i.indrelid WHERE m.amname = 'btree' AND t.relkind = 'r'"
        ).fetchall()
        for table, column, condition in indexes:
            where = f"WHERE {condition}" if condition else ""
            assert counted(admin, table, column, where, scan="seq") == counted(
                admin, table, column, where, scan="index"
            )


def counted(admin: psycopg.Connection, table: str, column: str, where: str, scan: str) -> int:
    """Rows in the order of an index, by reading the table or by following the index."""
    with admin.transaction():
        other = {"seq": ("indexscan", "indexonlyscan", "bitmapscan"), "index": ("seqscan", "sort", "bitmapscan")}[scan]
        for way in other:
            admin.execute(f"SET LOCAL enable_{way} = off".encode())
        row = admin.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} {where} ORDER BY {column}) t".encode()
        ).fetchone()
    assert row
    return int(row[0])


@pytest.mark.faults
@pytest.mark.promises("R7")
def test_a_database_that_is_stopped_at_once_costs_nothing_and_little_time(up: Up, tally: Tally) -> None:
    ledger = Ledger(up.folder / "stopped")
    with at_work(up, ledger) as load:
        wait_for(lambda: len(ledger) > 5)
        for _ in range(5):
            took = dies(up, load, how=1)
            tally.recovered(took)
            assert took < LONGEST_S
        answering = {process.pid for name in ("answer", "work") for process in up.named(f"gateway.local.{name}")}
    assert rude(load.seen) == []
    assert {each.pid for each in up.family()} >= answering, "pools recover without a restart"
    agrees(up, ledger, tally)


@pytest.mark.faults
@pytest.mark.promises("R8", "R9")
def test_a_database_that_is_killed_fifteen_times_loses_nothing(up: Up, tally: Tally) -> None:
    ledger = Ledger(up.folder / "killed")
    with psycopg.connect(up.database(OWNER)) as connection:
        for setting in ("synchronous_commit", "fsync", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {setting}".encode()).fetchone() == ("on",)
    with at_work(up, ledger) as load:
        wait_for(lambda: len(ledger) > 5)
        for _ in range(15):
            tally.recovered(dies(up, load, how=0))
    assert rude(load.seen) == []
    agrees(up, ledger, tally)
    a_full_read(up.database(OWNER))
    up.stop()
    server = EmbeddedPostgres(up.data)
    check = [server.binary("pg_checksums"), "--check", "-D", str(server.cluster)]
    done = subprocess.run(
        check, capture_output=True, text=True, check=False, user=(server.cluster.stat().st_uid), cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert "Bad checksums:  0" in done.stdout
