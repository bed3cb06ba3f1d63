"""Databases for tests: each a migrated copy of its own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from functions.core.postgres.server import OWNER, EmbeddedPostgres


@contextmanager
def a_database(cluster: EmbeddedPostgres) -> Iterator[str]:
    """The address of a new database, as the role without DDL; it is gone afterwards."""
    name = f"t{uuid.uuid4().hex}"
    admin = cluster.url(OWNER, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE miraveja".encode())
        yield cluster.url(database=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
