"""Old and new run side by side: migrations under live data, events with more fields than we know, events of a later major."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from events.envelope import to_json
from events.types import AssetUploaded
from functions.core.errors import Unavailable
from functions.core.postgres import log, migrate
from functions.core.postgres.server import APP, OWNER, EmbeddedPostgres
from functions.core.runtime.run import World
from functions.core.tx import WORTH_REPEATING
from functions.upload_presign import handler as uploads
from tests.support.images import a_jpeg
from tests.support.ledger import Tally
from tests.support.runs import arrived, event, read, said_of, write
from tests.support.worlds import a_user, an_upload, ended, quiet, running, state_of

FIRST = 3
LONGEST_WAIT_S = 2.0
LATEST = len(migrate.migrations())
OLD = """
INSERT INTO users (id, issuer, subject, handle, name) VALUES (%(user)s, 'urn:t', %(user)s::text, %(user)s::text, 'A');
INSERT INTO assets (id, owner, state, name, declared_type, size, sha256, form_expires_at)
    VALUES (%(asset)s, %(user)s, 'new', 'a', 'image/png', 1, sha256(%(asset)s::text::bytea), now());
UPDATE assets SET state = 'uploaded', content_type = 'image/png' WHERE id = %(asset)s;
INSERT INTO renditions VALUES (%(asset)s, 1, '256', 8, 6, 'image/webp', 4);
INSERT INTO metadata VALUES (%(asset)s, '{}', '{}');
INSERT INTO tags (asset_id, name, source) VALUES (%(asset)s, 'harbour', 'user');
INSERT INTO embeddings (asset_id, model, generation, vector) VALUES (%(asset)s, 'm', 1, 'vector');
INSERT INTO inbox (step, asset_id, generation, mark, state, token, lease_until)
    VALUES ('embed', %(asset)s, 1, 'run:0', 'done', %(asset)s, now());
INSERT INTO outbox (topic, key, event) VALUES ('assets.changed', %(asset)s::text, '{}');
INSERT INTO deliveries (topic, "group", key, message) VALUES ('assets.changed', 'reindex', %(asset)s::text, '{}');
UPDATE assets SET state = 'ready', words = asset_words(id), change = change + 1 WHERE id = %(asset)s;
DELETE FROM deliveries WHERE key = %(asset)s::text
"""
"""What the first version says to its database while it takes in a picture."""


@contextmanager
def an_empty_database(cluster: EmbeddedPostgres) -> Iterator[str]:
    """Its name."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(cluster.url(OWNER, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def up_to(patch: pytest.MonkeyPatch, number: int, known: list[migrate.Migration]) -> None:
    """What ships is an earlier version."""
    patch.setattr(migrate, "migrations", lambda: [each for each in known if each.number <= number])


def a_picture(connection: psycopg.Connection[Any]) -> None:
    """As the first version takes one in."""
    ids = {"user": uuid.uuid4(), "asset": uuid.uuid4()}
    for statement in OLD.split(";"):
        connection.execute(statement.encode(), ids)


class OldVersion(threading.Thread):
    """A process of the version before, which goes on while the schema changes below it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.over = url, threading.Event()
        self.pictures, self.longest_s = 0, 0.0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self.url) as connection:
                while not self.over.is_set():
                    began = time.monotonic()
                    with suppress(*WORTH_REPEATING), connection.transaction():  # as every transaction of ours is
                        a_picture(connection)
                        self.pictures += 1
                    self.longest_s = max(self.longest_s, time.monotonic() - began)
        except BaseException as error:  # noqa: BLE001 -- told in the thread that waits for it
            self.trouble = error


def applied(owner: str) -> None:
    """The next migration; a start that had to give way is tried again."""
    for _ in range(5):
        with suppress(Unavailable):
            assert len(migrate.migrate(owner, APP)) == 1
            return
    raise AssertionError("it never had its turn")


@pytest.mark.promises("R32")
def test_each_migration_meets_live_data_and_the_version_before_goes_on_writing(
    cluster: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    known = migrate.migrations()
    with an_empty_database(cluster) as name:
        owner = cluster.url(OWNER, name)
        up_to(monkeypatch, FIRST - 1, known)
        with monkeypatch.context() as patch:  # the rights on tables that are to come are given with them
            patch.setattr(migrate, "GRANTS", migrate.GRANTS.split("REVOKE")[0])
            migrate.migrate(owner, APP)
        with psycopg.connect(owner) as connection:
            for _ in range(50):
                a_picture(connection)
        old = OldVersion(cluster.url(database=name))
        old.start()
        for number in range(FIRST, LATEST + 1):
            up_to(monkeypatch, number, known)
            before = old.pictures
            applied(owner)
            deadline = time.monotonic() + 10
            while old.pictures < before + 3 and old.is_alive() and time.monotonic() < deadline:
                old.over.wait(0.01)
            assert old.trouble is None, number
        old.over.set()
        old.join()
        with psycopg.connect(owner) as connection:
            counted = connection.execute("SELECT (SELECT count(*) FROM assets), (SELECT count(*) FROM tags)").fetchone()
        assert counted == (50 + old.pictures, 50 + old.pictures)
        assert old.longest_s < LONGEST_WAIT_S
    tally.add(loads=50 + old.pictures, lost=0)
    tally.recovered(old.longest_s)


@pytest.mark.promises("R32")
def test_a_migration_that_would_hold_everybody_up_gives_way_and_leaves_nothing(
    cluster: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrate.migrations()
    monkeypatch.setattr(migrate, "LOCK_WAIT_S", 1)
    with an_empty_database(cluster) as name:
        owner = cluster.url(OWNER, name)
        up_to(monkeypatch, FIRST, known)
        migrate.migrate(owner, APP)
        up_to(monkeypatch, LATEST, known)
        with psycopg.connect(owner) as reading:
            reading.execute("SELECT count(*) FROM users, assets")
            with pytest.raises(Unavailable):
                migrate.migrate(owner, APP)
            done = reading.execute("SELECT max(number) FROM migrations").fetchone()
            assert done == (FIRST,)
        assert len(migrate.migrate(owner, APP)) == LATEST - FIRST


@pytest.mark.promises("R38")
async def test_an_event_with_fields_that_we_do_not_know_is_worked_on(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(1, (64, 48)))
    await arrived(world, asset)
    document = to_json(event(await said_of(world, AssetUploaded, asset)))
    document["data"] |= {"priority": "high", "parts": [{"bytes": 1}]}
    document |= {"tenant": "one", "sequence": "7"}
    async with world.database.transaction() as tx:
        await log.append(tx, "assets.uploaded", str(asset), document)
    async with running(world):
        assert await ended(world, asset) == ["ready"]
        await quiet(world)
    assert await read(world, "SELECT 1 FROM dead_letters") == []


@pytest.mark.promises("R38")
async def test_an_event_of_a_later_major_is_set_aside_and_does_no_harm(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, a_jpeg(2, (64, 48)))
    await arrived(world, asset)
    document = to_json(event(await said_of(world, AssetUploaded, asset)))
    document["type"] = document["type"].replace(".v1", ".v2")
    await write(world, "UPDATE outbox SET published_at = now()")
    async with world.database.transaction() as tx:
        await log.append(tx, "assets.uploaded", str(asset), document)
    other = await an_upload(world, owner, a_jpeg(3, (64, 48)))
    await uploads.complete(world, owner, other)
    async with running(world):
        assert await ended(world, other) == ["ready"]
        await quiet(world)
    [letter] = await read(world, 'SELECT "group", error FROM dead_letters')
    assert letter["group"] == "process"
    assert letter["error"].startswith("malformed: type is not accepted here")
    assert await state_of(world, asset) == "uploaded", "a version that knows it can still take it up"
