"""What clients were told is done, on disk before they go on; and what of it a gallery has lost, doubled or left lying."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

from functions.core.adapters.object_files import ObjectFiles
from functions.core.ids import AssetId
from functions.core.model import original_key

OPEN = ("uploaded", "processed", "deleting")
"""An upload that is `new` is its client's turn; where that was told that all is done, it is lost."""
MINE = "SELECT id, state, generation, content_type, visibility, encode(sha256, 'hex') AS sha256 FROM assets"
DOUBLED = (
    "SELECT (SELECT count(*) FROM (SELECT FROM assets WHERE state NOT IN ('expired', 'deleting')"
    " GROUP BY owner, sha256 HAVING count(*) > 1) twice)"
    " + (SELECT count(*) FROM (SELECT FROM outbox GROUP BY event ->> 'id', event ->> 'type' HAVING count(*) > 1"
    " AND event ->> 'type' LIKE '%.changed.v1') said) AS n"
)


@dataclass
class Tally:
    """What came of one load; `recovery_s` is the longest time from a fault's end until nothing lay about any more."""

    loads: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    recovery_s: float | None = None
    written: bool = False
    """Whether a client wrote each operation down before it went on."""

    def add(self, *, loads: int, lost: int = 0, doubled: int = 0, stuck: int = 0) -> None:
        """Acknowledged operations, and what became of them."""
        self.loads += loads
        self.lost += lost
        self.doubled += doubled
        self.stuck += stuck

    def recovered(self, seconds: float) -> None:
        """A fault was made good in this time."""
        self.recovery_s = max(seconds, self.recovery_s or 0.0)


@dataclass
class Ledger:
    """Every acknowledged operation, appended and synced before the client does the next one."""

    path: Path
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, asset: str, **facts: str) -> None:
        entry = {"what": what, "asset": asset, **facts}
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._entries.append(entry)

    def told(self, what: str) -> dict[str, dict[str, Any]]:
        """The acknowledged operations of a kind by their asset."""
        return {entry["asset"]: entry for entry in list(self._entries) if entry["what"] == what}

    def __len__(self) -> int:
        return len(self._entries)

    def weigh(self, tally: Tally, database_url: str, store: Path) -> None:
        """Hold rows and bytes against it, and let the tally know; anything that is not as it was told is named."""
        with psycopg.connect(database_url, row_factory=dict_row) as connection:
            rows = {str(row["id"]): row for row in connection.execute(MINE).fetchall()}
            doubled = _number(connection, DOUBLED)
            lying = _number(
                connection,
                "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS n",
            )
        lost = self._lost(rows, ObjectFiles(store))
        stuck = lying + sum(row["state"] in OPEN for row in rows.values())
        tally.add(loads=len(self), lost=len(lost), doubled=doubled, stuck=stuck)
        tally.written = True
        assert (lost, doubled, stuck) == ([], 0, 0)

    def _lost(self, rows: dict[str, DictRow], files: ObjectFiles) -> list[str]:
        deleted = self.told("deleted")
        kept = {asset: entry for asset, entry in self.told("uploaded").items() if asset not in deleted}
        lost = [f"{asset} lives" for asset in deleted if asset in rows]
        lost += [f"{asset} is not whole" for asset in kept if not _whole(rows.get(asset), kept[asset], files)]
        changed = [asset for asset in self.told("changed") if asset in kept]
        return lost + [f"{asset} is unchanged" for asset in changed if rows[asset]["visibility"] != "unlisted"]


def _whole(row: DictRow | None, entry: dict[str, Any], files: ObjectFiles) -> bool:
    """Ready, with exactly the bytes that were sent."""
    if row is None or row["state"] != "ready" or row["sha256"] != entry["sha256"]:
        return False
    with files.open(original_key(AssetId(row["id"]), row["generation"])) as found:
        return hashlib.sha256(found.read(found.about.size)).hexdigest() == str(entry["sha256"])


def _number(connection: psycopg.Connection[DictRow], sql: LiteralString) -> int:
    row = connection.execute(sql).fetchone()
    assert row
    return int(row["n"])
