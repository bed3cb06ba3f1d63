"""Real parts for every test: a Postgres of our own, a store in a folder, the index, the model; no doubles."""

from collections.abc import AsyncIterator, Iterator

import pytest

from functions.core.postgres.migrate import migrate
from functions.core.postgres.server import APP, OWNER, EmbeddedPostgres
from functions.core.runtime.run import World
from functions.core.tx import Database
from tests.support.databases import a_database
from tests.support.doors import Gallery, a_gallery
from tests.support.quick_disk import quick_folder
from tests.support.worlds import Parts


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """One Postgres for the whole run, started as the embedded gallery starts it."""
    with quick_folder() as folder:
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder)
        server.start()
        migrate(server.url(OWNER), APP)
        yield server
        server.stop()


@pytest.fixture
def database_url(cluster: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database of this test's own, as the role without DDL."""
    with a_database(cluster) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on that database."""
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """Rows, objects, pictures, vectors and the built-in model, in one process."""
    with quick_folder() as folder:
        parts = Parts(folder)
        yield World(database, parts, lease_s=5.0)
        await parts.close()


@pytest.fixture(scope="module")
async def gallery(cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gallery]:
    """The gateway itself, for all tests of one module: they keep apart by the people that they bring."""
    with a_database(cluster) as url:
        async with a_gallery(url, tmp_path_factory.mktemp("gallery")) as opened:
            yield opened
