"""moderation: a person's word stands, the index and the store follow it, and what was decided can be appealed and undone."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from events.types import AssetUploaded
from functions.assets import handler as assets
from functions.assets.contract import ChangeAsset
from functions.core.catalog.read import Desk
from functions.core.errors import Conflict, Invalid, NotFound
from functions.core.ids import AssetId, UserId
from functions.core.postgres import upkeep
from functions.core.reasons import SENTENCES, Reason
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.core.visibility import Viewer
from functions.housekeeping import rows
from functions.housekeeping.audit import audit
from functions.housekeeping.sweep import Sweeper
from functions.moderation import blocklists, handler, requests
from functions.moderation.contract import Appeal, Block, Decide, Report
from tests.support.images import a_jpeg, a_plain, an_image, encoded
from tests.support.runs import arrived, count, keys, read, ready, row, rule, said_of, through, until, write
from tests.support.worlds import MEDIA, a_desk, a_user, an_upload, quiet, running


def a_judge(user: UserId) -> Desk:
    """A moderator at work."""
    return Desk(Viewer(user, moderator=True, judging=True), MEDIA, utcnow())


async def decided(world: World, judge: Desk, asset: AssetId, decision: str, **more: Any) -> str:
    """The verdict that a decision leads to."""
    reason = None if decision in ("approve", "undo") else "spam"
    wanted = Decide.model_validate({"decision": decision, "reason": reason, **more})
    return (await handler.decide(world, judge, asset, wanted)).asset.moderation


async def settled(world: World) -> None:
    async with running(world):
        await quiet(world)


async def swept(world: World) -> dict[str, int]:
    found = await Sweeper(world, grace=timedelta(seconds=-1)).sweep()
    assert found is not None
    return found.done


async def restricted(world: World, number: int = 1) -> list[AssetId]:
    """Pictures of somebody that the machine would not show."""
    rule(world, thresholds=(("a picture", 0.0),))
    made = await ready(world, await a_user(world), [a_jpeg(seed) for seed in range(number)])
    rule(world)
    return made


async def test_the_machine_tells_why_and_how_sure_it_is(world: World) -> None:
    [asset] = await restricted(world)
    judge = a_judge(await a_user(world))
    told = await handler.case(world, judge, asset)
    assert [(each.by, each.decision, each.reason) for each in told.history] == [
        ("machine", "restrict", "over_threshold")
    ]
    assert told.history[0].scores is not None
    assert 0 <= told.history[0].scores["a picture"] <= 1
    assert told.asset.reason_text == SENTENCES["over_threshold"]


async def test_what_the_machine_approves_leaves_no_history(world: World) -> None:
    await ready(world, await a_user(world), [a_jpeg(1)])
    assert await count(world, "SELECT count(*) FROM moderation_decisions") == 0


async def test_every_reason_has_a_sentence() -> None:
    assert set(Reason) <= SENTENCES.keys()


@pytest.mark.promises("S39")
@pytest.mark.parametrize("word", ["approve", "restrict", "reject"])
async def test_no_machine_writes_over_a_persons_verdict(world: World, word: str) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(1)])
    judge = a_judge(await a_user(world))
    said = await decided(world, judge, asset, word)
    rule(world, thresholds=(("a picture", 0.0),) if word == "approve" else ())
    async with world.database.transaction() as tx:
        await upkeep.redo(tx, asset)
    await settled(world)
    now = await row(world, asset)
    assert (now["moderation"], now["run"]) == (said, 1)
    assert len((await handler.case(world, judge, asset)).history) == 1


async def test_what_is_undone_is_the_machines_to_judge_again(world: World) -> None:
    [asset] = await restricted(world)
    judge = a_judge(await a_user(world))
    assert await decided(world, judge, asset, "approve") == "approved"
    assert await decided(world, judge, asset, "undo") == "restricted"
    assert (await row(world, asset))["reason"] == "over_threshold"
    with pytest.raises(Conflict, match="no decision to undo"):
        await decided(world, judge, asset, "undo")
    async with world.database.transaction() as tx:
        await upkeep.redo(tx, asset)
    await settled(world)
    assert (await row(world, asset))["moderation"] == "approved"
    with pytest.raises(Conflict, match="no decision to undo"):
        await decided(world, judge, asset, "undo")


async def test_a_decision_is_not_undone_once_somebody_has_answered_it(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(1)])
    judge = a_judge(await a_user(world))
    await decided(world, judge, asset, "reject")
    await requests.appeal(world, a_desk(owner), asset, Appeal(note="It is mine"))
    with pytest.raises(Conflict, match="something happened"):
        await decided(world, judge, asset, "undo")
    assert (await row(world, asset))["moderation"] == "rejected"


async def test_undoing_brings_back_what_people_asked(world: World) -> None:
    owner, other = await a_user(world), await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(1)])
    await assets.change(world, a_desk(owner), asset, ChangeAsset(visibility="public"), 1)
    await requests.report(world, a_desk(other), asset, Report(reason=Reason.SPAM))
    judge = a_judge(await a_user(world))
    assert len((await handler.queue(world, judge, 10)).items) == 1
    await decided(world, judge, asset, "approve")
    assert (await handler.queue(world, judge, 10)).items == []
    await decided(world, judge, asset, "undo")
    assert [len(item.reports or []) for item in (await handler.queue(world, judge, 10)).items] == [1]


async def test_moderators_never_get_the_same_picture_however_they_race(world: World) -> None:
    made = await restricted(world, 12)
    judges = [a_judge(await a_user(world)) for _ in range(4)]
    taken = await asyncio.gather(*[handler.queue(world, judge, 5) for judge in judges for _ in range(2)])
    whose: dict[object, set[object]] = {}
    for judge, queue in zip([judge for judge in judges for _ in range(2)], taken, strict=True):
        for item in queue.items:
            whose.setdefault(item.asset.id, set()).add(judge.viewer.user)
    assert all(len(people) == 1 for people in whose.values()), whose
    rest = await handler.queue(world, a_judge(await a_user(world)), 50)
    assert whose.keys() | {item.asset.id for item in rest.items} == set(made)


async def test_a_lease_is_renewed_by_asking_and_over_after_two_minutes(world: World) -> None:
    made = await restricted(world, 3)
    one, other = a_judge(await a_user(world)), a_judge(await a_user(world))
    first = await handler.queue(world, one, 2)
    assert [len((await handler.queue(world, each, 50)).items) for each in (other, one)] == [1, 2]
    with pytest.raises(Conflict, match="another moderator"):
        await decided(world, other, AssetId(first.items[0].asset.id), "approve")
    await write(world, "UPDATE moderation_leases SET until = now()")
    assert {item.asset.id for item in (await handler.queue(world, other, 50)).items} == set(made)
    assert (await handler.queue(world, one, 50)).items == []


@pytest.mark.promises("S39")
async def test_the_most_reported_comes_first_then_the_oldest(world: World) -> None:
    owner = await a_user(world)
    old, reported, twice = await ready(world, owner, [a_jpeg(seed) for seed in range(3)])
    await write(world, "UPDATE assets SET visibility = 'public'")
    for who, asset in ((1, reported), (1, twice), (2, twice)):
        person = await a_user(world, f"Reporter {who}")
        await requests.report(world, a_desk(person), asset, Report(reason=Reason.HATE, note="Look"))
    await write(world, "UPDATE assets SET moderation = 'pending' WHERE id = %s", old)
    queue = await handler.queue(world, a_judge(await a_user(world)), 10)
    assert [item.asset.id for item in queue.items] == [twice, reported, old]


async def test_what_its_owner_put_in_the_trash_waits_there(world: World) -> None:
    [asset] = await restricted(world)
    await write(world, "UPDATE assets SET trashed_at = now()")
    judge = a_judge(await a_user(world))
    assert (await handler.queue(world, judge, 10)).items == []
    await write(world, "UPDATE assets SET trashed_at = NULL")
    assert [item.asset.id for item in (await handler.queue(world, judge, 10)).items] == [asset]


@pytest.mark.promises("S40")
async def test_a_rejected_picture_leaves_the_index_at_once_and_comes_back_when_approved(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(1)])
    judge = a_judge(await a_user(world))

    async def found() -> bool:
        return asset in await world.ports.vectors.ids()

    async def lost() -> bool:
        return not await found()

    async with running(world):
        assert await found()
        await decided(world, judge, asset, "reject")
        await until(lost, within_s=10)
        await decided(world, judge, asset, "approve")
        await until(found, within_s=10)
        await quiet(world)


@pytest.mark.promises("S40")
async def test_what_shows_a_rejected_picture_goes_when_its_owner_can_appeal_no_more(world: World) -> None:
    owner = await a_user(world)
    asset, other = await ready(world, owner, [a_jpeg(1), a_jpeg(2)])
    judge = a_judge(await a_user(world))
    await decided(world, judge, asset, "reject")
    await settled(world)
    assert "stripped" not in await swept(world)
    await write(world, "UPDATE moderation_decisions SET created_at = now() - interval '29 days'")
    assert "stripped" not in await swept(world)
    await write(world, "UPDATE moderation_decisions SET created_at = now() - interval '31 days'")
    with pytest.raises(Conflict, match="nothing to appeal"):
        await requests.appeal(world, a_desk(owner), asset, Appeal(note="Too late"))
    assert await swept(world) == {"stripped": 1}
    assert await keys(world, asset) == {f"originals/{asset}/1"}
    assert len(await keys(world, other)) == 4
    now = await row(world, asset)
    assert (now["phash"], now["thumbhash"], now["state"]) == (None, None, "ready")
    assert await count(world, "SELECT count(*) FROM embeddings WHERE asset_id = %s", asset) == 0
    assert await swept(world) == {}
    assert (await audit(world))["details"] == []
    # Approved all the same: a new run makes everything again, and judges nothing.
    rule(world, review=True)
    assert await decided(world, judge, asset, "approve") == "approved"
    await settled(world)
    assert len(await keys(world, asset)) == 4
    assert {asset, other} == await world.ports.vectors.ids()
    assert (await row(world, asset))["moderation"] == "approved"
    assert (await audit(world))["details"] == []


async def test_nothing_goes_while_an_appeal_is_open(world: World) -> None:
    owner = await a_user(world)
    [asset] = await ready(world, owner, [a_jpeg(1)])
    await decided(world, a_judge(await a_user(world)), asset, "reject")
    await settled(world)
    await requests.appeal(world, a_desk(owner), asset, Appeal(note="No"))
    await write(world, "UPDATE moderation_decisions SET created_at = now() - interval '31 days'")
    assert await swept(world) == {}


async def test_what_was_decided_anew_since_it_was_listed_keeps_its_pictures(world: World) -> None:
    [asset] = await ready(world, await a_user(world), [a_jpeg(1)])
    judge = a_judge(await a_user(world))
    await decided(world, judge, asset, "reject")
    await decided(world, judge, asset, "approve")
    with pytest.raises(Conflict):
        async with world.database.transaction() as tx:
            await rows.still_condemned(tx, asset, 1)


async def test_bytes_that_are_blocked_are_rejected_wherever_they_are_and_stay_so(world: World) -> None:
    data = a_jpeg(1)
    [hers] = await ready(world, await a_user(world), [data])
    [his] = await ready(world, await a_user(world), [data])
    [other] = await ready(world, await a_user(world), [a_jpeg(2)])
    judge = a_judge(await a_user(world))
    await decided(world, judge, his, "approve")
    made = await blocklists.add(world, judge, Block(kind="sha256", asset_id=hers, note="No"))
    assert (made.applied, made.more, made.value) == (2, False, (await row(world, hers))["sha256"].hex())
    assert (await blocklists.add(world, judge, Block(kind="sha256", value=made.value))).applied == 0
    assert [(await row(world, each))["moderation"] for each in (hers, his, other)] == [
        "rejected",
        "rejected",
        "approved",
    ]
    await settled(world)
    assert await world.ports.vectors.ids() == {other}
    [newer] = await ready(world, await a_user(world), [data])
    assert (await row(world, newer))["reason"] == "blocked"
    await blocklists.remove(world, judge, "sha256", made.value)
    with pytest.raises(NotFound):
        await blocklists.remove(world, judge, "sha256", made.value)
    [newest] = await ready(world, await a_user(world), [data])
    assert (await row(world, newest))["state"] == "ready"


async def test_looks_that_are_blocked_are_rejected_but_for_what_a_person_judged(world: World) -> None:
    picture = an_image(7, (600, 400))
    [big] = await ready(world, await a_user(world), [encoded(picture, "PNG")])
    [small, kept] = await ready(
        world,
        await a_user(world),
        [encoded(picture.resize((450, 300)), "JPEG"), encoded(picture.resize((300, 200)), "JPEG")],
    )
    judge = a_judge(await a_user(world))
    await decided(world, judge, kept, "approve")
    made = await blocklists.add(world, judge, Block(kind="phash", asset_id=big))
    assert made.applied == 2
    verdicts = [(await row(world, each))["moderation"] for each in (big, small, kept)]
    assert verdicts == ["rejected", "rejected", "approved"]
    assert (int(made.value, 16) - (await row(world, big))["phash"]) % (1 << 64) == 0
    [newer] = await ready(world, await a_user(world), [encoded(picture.resize((500, 333)), "JPEG")])
    assert ((await row(world, newer))["moderation"], (await row(world, newer))["reason"]) == (
        "rejected",
        "looks_blocked",
    )
    await blocklists.remove(world, judge, "phash", made.value)


async def test_the_looks_of_a_plain_picture_cannot_be_blocked(world: World) -> None:
    [plain] = await ready(world, await a_user(world), [encoded(a_plain("white"), "PNG")])
    judge = a_judge(await a_user(world))
    with pytest.raises(Invalid, match="plain"):
        await blocklists.add(world, judge, Block(kind="phash", asset_id=plain))
    for value in ("0" * 16, "f" * 16):
        with pytest.raises(Invalid, match="plain"):
            await blocklists.add(world, judge, Block(kind="phash", value=value))


async def test_what_is_blocked_while_it_is_on_its_way_is_rejected_when_it_arrives(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(3))
    await arrived(world, asset)
    await through(world, "thumbnail", await said_of(world, AssetUploaded, asset))
    judge = a_judge(await a_user(world))
    made = await blocklists.add(world, judge, Block(kind="sha256", value=(await row(world, asset))["sha256"].hex()))
    assert made.applied == 0
    async with world.database.transaction() as tx:
        await upkeep.redo(tx, asset)
    await settled(world)
    assert (await row(world, asset))["moderation"] == "rejected"


@pytest.mark.promises("S70")
async def test_every_decision_is_in_the_audit_log(world: World) -> None:
    owner, judge = await a_user(world), a_judge(await a_user(world))
    [asset] = await ready(world, owner, [a_jpeg(1)])
    for word in ("restrict", "reject", "undo", "approve"):
        await decided(world, judge, asset, word)
    await blocklists.add(world, judge, Block(kind="sha256", asset_id=asset))
    noted = await read(world, "SELECT action FROM audit_log WHERE object LIKE %s ORDER BY seq", f"%{asset}%")
    assert [each["action"] for each in noted] == [
        "upload.begun", "moderation.restrict", "moderation.reject", "moderation.undo", "moderation.approve", "moderation.reject",
    ]  # fmt: skip
