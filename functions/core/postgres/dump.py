"""The whole database into one file and back, by the embedded server's own tools."""

import os
import subprocess
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict

from functions.core.errors import Unavailable
from functions.core.postgres.server import OWNER, EmbeddedPostgres

LONGEST_TOLD: Final = 500


def dump(server: EmbeddedPostgres, file: Path, snapshot: str) -> None:
    """Write the database as it is in an exported snapshot; raises Unavailable with what pg_dump says."""
    _run(server, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}")


def load(server: EmbeddedPostgres, file: Path) -> None:
    """Fill an empty database, whole or not at all; raises Unavailable with what pg_restore says.

    A dump is a program that runs with every right: only one's own may be loaded.
    """
    _run(server, "pg_restore", "--exit-on-error", "--single-transaction", "--no-password", str(file))


def _run(server: EmbeddedPostgres, name: str, *arguments: str) -> None:
    said = conninfo_to_dict(server.url(OWNER))
    # The password goes by the environment: what a process is called with, everybody on the machine can read.
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "PGPASSWORD": str(said.pop("password"))}
    address = " ".join(f"{key}='{value}'" for key, value in said.items())
    done = subprocess.run(
        [server.binary(name), *arguments, f"--dbname={address}"], env=environment, cwd="/", capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"{name} failed: {done.stderr.strip()[-LONGEST_TOLD:]}", part="database")
