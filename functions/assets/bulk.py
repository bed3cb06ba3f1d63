"""One change to many assets of a person's, each told apart: what is not theirs is not there."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from functions.assets import rows
from functions.assets.contract import Change, ChangeAssets, ChangedAllOut, ChangedOut
from functions.core.catalog import order
from functions.core.catalog.order import Place
from functions.core.contract import MOST_TAGS
from functions.core.errors import Invalid, NotFound
from functions.core.ids import AssetId, UserId
from functions.core.postgres import audit_log, tags, upkeep
from functions.core.runtime.run import World
from functions.core.tx import Tx

MOST_NAMED: Final = 10


async def change_all(world: World, owner: UserId, wanted: ChangeAssets) -> ChangedAllOut:
    """Each asset is changed whole or left as it was, with the code of the reason.

    For a collection that is not theirs, or has no room, NotFound or TooMany; then nothing was changed.
    """
    async with world.database.transaction() as tx:
        mine = await rows.lock_all(tx, owner, wanted.ids)
        full = await _over_full(tx, mine, wanted.change)
        good = [asset for asset in mine if asset not in full]
        before = await rows.visibilities(tx, owner, good) if wanted.change.visibility else {}
        await rows.change_all(tx, good, wanted.change)
        await upkeep.changed(tx, *good)
        if wanted.change.collection:
            kept = set(good)
            in_order = [asset for asset in wanted.ids if asset in kept]
            await order.add(tx, owner, wanted.change.collection, in_order, Place())
        if good:
            await _note(tx, owner, good, wanted.change, before)
    codes: dict[UUID, str | None] = dict.fromkeys(wanted.ids, NotFound.code())
    codes |= dict.fromkeys(full, Invalid.code()) | dict.fromkeys(good)
    return ChangedAllOut(items=[ChangedOut(id=asset, ok=code is None, code=code) for asset, code in codes.items()])


async def _note(tx: Tx, owner: UserId, good: Sequence[AssetId], change: Change, before: Mapping[str, str]) -> None:
    """What of it the audit log is told."""
    things = _named(good)
    if any(each != change.visibility for each in before.values()):
        await audit_log.note(tx, owner, "asset.visibility_changed", things, before, change.visibility)
    if change.trash or change.restore:
        await audit_log.note(tx, owner, f"asset.{'trashed' if change.trash else 'restored'}", things)


def _named(assets: Sequence[AssetId]) -> str:
    """Few by name; many by their number and a digest of their sorted names, which proves a list and costs no room."""
    names = ",".join(sorted(map(str, assets)))
    if len(assets) <= MOST_NAMED:
        return f"assets:{names}"
    return f"assets:{len(assets)} sha256:{hashlib.sha256(names.encode()).hexdigest()}"


async def _over_full(tx: Tx, assets: Sequence[AssetId], change: Change) -> set[AssetId]:
    """Those that would have more tags than an asset may have."""
    if not change.add_tags:
        return set()
    said = await tags.of_people(tx, assets)
    wanted, gone = set(change.add_tags), set(change.remove_tags)
    return {asset for asset in assets if len((said[asset] - gone) | wanted) > MOST_TAGS}
