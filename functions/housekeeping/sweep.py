"""What was left half done, found and brought to its end: every five minutes, by one leader, with a fuse on deletions."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from events.types import ObjectArrived
from functions.core.errors import Conflict, MiraVejaError, NotFound
from functions.core.failpoints import reach
from functions.core.ids import AssetId
from functions.core.model import incoming_key
from functions.core.postgres import outbox, standing, upkeep
from functions.core.runtime.run import World
from functions.core.stopping import told_to_stop
from functions.core.times import utcnow
from functions.core.tx import Tx, one
from functions.housekeeping import rows

logger = logging.getLogger(__name__)
EVERY_S: Final = 300.0
FIRST_S: Final = 60.0
GRACE: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=7)
"""As long as the quarantine holds anything."""
PREFIXES: Final = ("incoming/", "derived/", "originals/")
LOCK: Final = 7_155_004
FUSE_COUNT: Final = 1_000
FUSE_SHARE: Final = 0.05
FUSE_LEAST: Final = 50


@dataclass(slots=True)
class Swept:
    """What one sweep did, or would do."""

    done: dict[str, int] = field(default_factory=dict)
    originals: set[str] = field(default_factory=set)
    pictured: Counter[str] = field(default_factory=Counter)
    """How many objects the store has below each folder, such as `derived/{asset}/{generation}`."""

    def count(self, what: str, number: int = 1) -> None:
        """Add to one kind of repair."""
        if number:
            self.done[what] = self.done.get(what, 0) + number


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One sweep over one world; a dry run only counts."""

    world: World
    dry_run: bool = False
    force: bool = False
    grace: timedelta = GRACE
    trash_days: int = 30

    async def sweep(self) -> Swept | None:
        """Everything in turn; None when another is the leader now.

        A fuse that blows stops its own part; Conflict is raised for the first when all others are through.
        """
        swept, blown = Swept(), list[Conflict]()
        # Idle between its two statements, this transaction holds a connection and the lock, but no snapshot.
        async with self.world.database.transaction() as leader:
            if not (await one(leader, "SELECT pg_try_advisory_xact_lock(%s) AS mine", LOCK) or {"mine": False})["mine"]:
                return None
            for part in (
                self._arrivals, self._strays, self._missing, self._ghosts, self._unburied, self._trash, self._rejected,
                self._bans, self._forget,
            ):  # fmt: skip
                try:
                    await reach(f"sweep{part.__name__}")
                    await part(swept)
                except Conflict as fuse:
                    blown.append(fuse)
        if blown:
            logger.info("swept all the same: %s", swept.done)
            raise blown[0]
        return swept

    async def _arrivals(self, swept: Swept) -> None:
        """Uploads whose word never came: the object is there, or its time is over."""
        for asset, overdue in await self._read(rows.pending):
            if await self._is_there(incoming_key(asset)):
                await self._do(swept, "arrived", outbox.put, "storage.events", ObjectArrived(asset_id=asset))
            elif overdue:
                await self._do(swept, "expired", rows.expire, asset)

    async def _strays(self, swept: Swept) -> None:
        """Objects that no row accounts for; fresh ones may still get their row."""
        old, overdue, known = list[str](), set[str](), 0
        now = utcnow()
        for prefix in PREFIXES:
            async for found in self.world.ports.objects.list(prefix):
                known += 1
                swept.pictured[found.key.rpartition("/")[0]] += 1
                swept.originals |= {found.key} if prefix == "originals/" else set()
                old += [found.key] if found.modified < now - self.grace else []
                overdue |= {found.key} if prefix == "incoming/" and found.modified < now - KEPT else set()
        stray = sorted(overdue.union(await self._read(rows.unaccounted, old)))
        await self._fuse(len(stray), known)
        swept.count("objects_deleted", len(stray))
        if stray and not self.dry_run:  # first, so that nothing is removed that is not written down
            await self._read(rows.note_removed, "objects", stray)
        for key in [] if self.dry_run else stray:
            await self.world.ports.objects.delete(key)
            await reach("sweep_after_delete")
        if not self.dry_run:
            swept.count("temp_deleted", await self.world.ports.objects.sweep_temp(self.grace.total_seconds()))

    async def _missing(self, swept: Swept) -> None:
        """Effects that a row promises and that are not there: through the pipeline once more."""
        ports = self.world.ports
        points = None if ports.vectors.needs_rebuild else await ports.vectors.ids()
        effects = rows.Effects(swept.originals, swept.pictured, points)
        for asset, repair in await self._read(rows.incomplete, effects, ports.embedding.model.model_id, self.grace):
            await self._do(swept, repair, {"redone": upkeep.redo, "reindexed": upkeep.reindex}[repair], asset)

    async def _ghosts(self, swept: Swept) -> None:
        """Points of the index without a row that wants them."""
        points = await self.world.ports.vectors.ids()
        ghosts = await self._read(rows.ghosts, points)
        await self._fuse(len(ghosts), len(points))
        swept.count("points_deleted", len(ghosts))
        if ghosts and not self.dry_run:
            await self._read(rows.note_removed, "points", [str(ghost) for ghost in ghosts])
            await self.world.ports.vectors.delete(ghosts)

    async def _unburied(self, swept: Swept) -> None:
        """Purges that were given up: once more."""
        for asset in await self._read(rows.unburied, self.grace):
            await self._do(swept, "purged_again", upkeep.purge_again, asset)

    async def _trash(self, swept: Swept) -> None:
        """What has been in the trash for its time."""
        for asset in await self._read(rows.trashed, self.trash_days):
            await self._do(swept, "purged", rows.empty, asset, self.trash_days)

    async def _rejected(self, swept: Swept) -> None:
        """Whatever shows a rejected picture, once its owner can appeal no more."""
        days = self.world.ports.rules.appeal_days
        for asset in await self._read(rows.condemned, days):
            await self._do(swept, "stripped", self._strip, asset, days)

    async def _strip(self, tx: Tx, asset: AssetId, days: int) -> None:
        """The objects first, under the row's lock: a crash between leaves rows by which the next sweep begins again."""
        await rows.still_condemned(tx, asset, days)
        async for found in self.world.ports.objects.list(f"derived/{asset}/"):
            await self.world.ports.objects.delete(found.key)
        await rows.strip(tx, asset)

    async def _bans(self, swept: Swept) -> None:
        """What the index was not told of a ban, since its teller died."""
        if not self.dry_run:
            swept.count("bans_told", await standing.tell_all(self.world.database))

    async def _forget(self, swept: Swept) -> None:
        """Rows that have served their time."""
        if not self.dry_run:
            async with self.world.database.transaction() as tx:
                swept.count("rows_forgotten", await rows.forget(tx))

    async def _fuse(self, deletions: int, of: int) -> None:
        """Stop before a mistake becomes a loss: too many at once, or a database that is empty by accident."""
        empty = deletions and not await self._read(rows.any_assets)
        many = deletions > FUSE_COUNT or deletions > max(FUSE_LEAST, FUSE_SHARE * of)
        if (empty or many) and not (self.force or self.dry_run):
            raise Conflict(
                f"{deletions} of {of} would be deleted: look at --dry-run, then use --force", deletions=deletions
            )

    async def _is_there(self, key: str) -> bool:
        try:
            await self.world.ports.objects.stat(key)
        except NotFound:
            return False
        return True

    async def _read(self, query: Callable[..., Awaitable[Any]], *values: object) -> Any:
        async with self.world.database.transaction() as tx:
            return await query(tx, *values)

    async def _do(self, swept: Swept, what: str, change: Callable[..., Awaitable[Any]], *values: object) -> None:
        """One repair in a transaction of its own; an asset that moved on meanwhile, or is gone, needs none."""
        with suppress(NotFound, Conflict):
            if not self.dry_run:
                async with self.world.database.transaction() as tx:
                    await change(tx, *values)
                    await reach("sweep_before_commit")
                await reach("sweep_after_commit")
            swept.count(what)


async def keep_sweeping(world: World, trash_days: int, first_s: float = FIRST_S, every_s: float = EVERY_S) -> None:
    """Sweep until cancelled, the first time after a start's own work; trouble is logged, and the next sweep tries again."""
    await asyncio.sleep(first_s)
    while not told_to_stop():
        try:
            swept = await Sweeper(world, trash_days=trash_days).sweep()
            if swept and swept.done:
                logger.info("swept: %s", swept.done)
        except MiraVejaError as error:
            logger.warning("sweep stopped: %s", error.detail)
        except Exception:  # housekeeping must not end the process that answers
            logger.exception("sweep failed")
        await asyncio.sleep(every_s)
