"""index: the point shows what the row says, however changes and processing cross each other."""

from dataclasses import replace

import pytest

from events.types import AssetChanged, AssetProcessed, AssetRejected
from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset
from functions.core.filters import All, Clause, Is
from functions.core.ids import AssetId
from functions.core.model import Asset
from functions.core.postgres import upkeep
from functions.core.runtime.answer import Outcome
from functions.core.runtime.run import World, answer
from functions.core.runtime.step import Ports
from functions.index.handler import STEP
from functions.index.rows import Shown
from functions.upload_presign import handler as uploads
from tests.support.images import a_jpeg
from tests.support.runs import arrived, event, ready, row, said_of, through, write
from tests.support.worlds import a_desk, a_user, an_upload, ended, quiet, running


async def shows(world: World, asset: AssetId, clause: Clause) -> bool:
    """Whether the asset's point satisfies a condition."""
    vector = (await world.ports.vectors.fetch([asset]))[asset]
    return asset in [near.id for near in await world.ports.vectors.nearest(vector, clause, 10)]


async def test_the_point_follows_what_people_change(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(1, (400, 300))])
    assert await shows(world, asset, All((Is("visibility", ("private",)), Is("orientation", ("landscape",)))))
    async with running(world):
        await assets.change(world, a_desk(owner), asset, ChangeAsset(visibility="public", tags=["Sea"]), 1)
        await quiet(world)
        assert await shows(world, asset, All((Is("visibility", ("public",)), Is("tags", ("sea",)))))
        await assets.delete(world, a_desk(owner), asset, permanent=False)
        await quiet(world)
        assert await shows(world, asset, Is("trashed", (True,)))


async def test_a_change_before_processing_is_acknowledged_and_shown_at_the_end(world: World) -> None:
    owner = await a_user(world)
    asset = await an_upload(world, owner, a_jpeg(2))
    await arrived(world, asset)
    await assets.change(world, a_desk(owner), asset, ChangeAsset(visibility="public"), 1)
    assert (await through(world, "index", await said_of(world, AssetChanged, asset))).status == 204
    await write(world, "UPDATE assets SET state = 'new' WHERE id = %s", asset)
    await world.ports.objects.write(f"incoming/{asset}", a_jpeg(2), "image/jpeg")
    await write(world, "DELETE FROM inbox")
    await uploads.complete(world, owner, asset)
    async with running(world):
        assert await ended(world, asset) == ["ready"]
    assert await shows(world, asset, Is("visibility", ("public",)))


async def test_a_change_while_it_works_is_read_again(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(3)])
    changes = iter(["public", "unlisted"])

    async def work_while_people_change(seen: Asset, ports: Ports, shown: Shown) -> int:
        if (visibility := next(changes, None)) is not None:
            async with world.database.transaction() as tx:
                await tx.execute("UPDATE assets SET visibility = %s WHERE id = %s", [visibility, asset])
                await upkeep.changed(tx, asset)
        done: int = await STEP.work(seen, ports, shown)
        return done

    async with world.database.transaction() as tx:
        await upkeep.changed(tx, asset)
    fact = await said_of(world, AssetChanged, asset)
    moving = replace(STEP, work=work_while_people_change)
    assert (await answer(moving, event(fact), world)).outcome is Outcome.DONE
    assert await shows(world, asset, Is("visibility", ("unlisted",)))


@pytest.mark.parametrize("change", ["moderation = 'rejected'", "state = 'failed'", "state = 'rejected'"])
async def test_what_may_not_be_found_has_no_point(world: World, change: str) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(4)])
    async with world.database.transaction() as tx:
        await tx.execute(f"UPDATE assets SET {change} WHERE id = %s".encode(), [asset])
        await upkeep.changed(tx, asset)
    told = await through(world, "index", await said_of(world, AssetChanged, asset))
    assert (told.status, told.reply) == (204, None), "nobody is told that it can be found"
    assert await world.ports.vectors.ids() == set()


async def test_word_of_a_rejection_removes_the_point(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(5)])
    await write(world, "UPDATE assets SET state = 'rejected', run = run + 1 WHERE id = %s", asset)
    rejected = await said_of(world, AssetRejected, asset, reason="blocked")
    assert (await through(world, "index", rejected)).status == 204
    assert await world.ports.vectors.ids() == set()


async def test_a_repair_puts_a_lost_point_back(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(6)])
    await world.ports.vectors.delete([asset])
    async with world.database.transaction() as tx:
        await upkeep.reindex(tx, asset)
    assert (await through(world, "index", await said_of(world, AssetProcessed, asset))).status == 200
    assert await world.ports.vectors.ids() == {asset}
    assert (await row(world, asset))["state"] == "ready"
