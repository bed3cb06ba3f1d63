"""Numbered, forward-only SQL migrations, applied once each by the owner's role."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg

from functions.core.errors import Invalid, Unavailable

LOCK = 7_155_001
LOCK_WAIT_S = 10
"""Whoever works on a table is not held up for longer behind a change of it; the start is refused, and tries again."""
GRANTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON migrations, audit_head FROM {role};
REVOKE UPDATE, DELETE ON audit_log FROM {role};
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `0001_the_ground.sql`."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """What the file said when it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Every migration that ships, in order."""
    folder = files("functions.core.postgres") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name[5:-4], (folder / name).read_text(encoding="utf-8")) for name in names]


def migrate(owner_url: str, role: str) -> list[str]:
    """Apply what is missing and grant `role` its rights; returns the names applied.

    Raises Invalid when an applied file has changed since, Unavailable when the server does not answer.
    """
    try:
        with psycopg.connect(owner_url) as connection:
            return _apply(connection, role)
    except psycopg.OperationalError as error:
        raise Unavailable("the database does not answer", part="database") from error


def _apply(connection: psycopg.Connection[Any], role: str) -> list[str]:
    connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'".encode())
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
        " digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    done = dict(connection.execute("SELECT number, digest FROM migrations").fetchall())
    applied = [migration.name for migration in migrations() if _step(connection, migration, done)]
    connection.execute(GRANTS.format(role=psycopg.sql.Identifier(role).as_string(connection)).encode())
    return applied


def _step(connection: psycopg.Connection[Any], migration: Migration, done: dict[int, str]) -> bool:
    if migration.number in done:
        if done[migration.number] != migration.digest:
            raise Invalid(f"migration {migration.number:04} was changed after it was applied")
        return False
    connection.execute(migration.sql.encode())
    connection.execute(
        "INSERT INTO migrations (number, name, digest) VALUES (%s, %s, %s)",
        [migration.number, migration.name, migration.digest],
    )
    return True
