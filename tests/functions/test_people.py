"""people: handles that nobody mistakes, settings that are known, counts that tell no more than one may see, bans."""

import asyncio
import uuid
from collections.abc import Iterable

import numpy as np
import pytest
from pydantic import ValidationError

from functions.core.errors import HandleTaken, NotFound
from functions.core.filters import Is
from functions.core.identity.callers import recognise
from functions.core.identity.principal import Principal
from functions.core.ids import AssetId, UserId
from functions.core.postgres import standing
from functions.core.runtime.run import World
from functions.core.visibility import Viewer
from functions.housekeeping.sweep import Sweeper
from functions.people import handler as people
from functions.people import rows
from functions.people.contract import ChangeMe
from tests.support.images import a_png
from tests.support.runs import outbox, read, ready, write
from tests.support.worlds import MODEL, a_user, an_upload, quiet, running


async def change(world: World, user: UserId, **wanted: object) -> str:
    """Somebody's handle after a change."""
    [row] = await read(world, "SELECT issuer, subject FROM users WHERE id = %s", user)
    principal = Principal(row["issuer"], row["subject"], frozenset({"user"}), 0, 0, "miraveja-web", None)
    async with world.database.transaction() as tx:
        who = await recognise(tx, principal)
    return (await people.change(world, who, ChangeMe.model_validate(wanted))).handle


@pytest.mark.parametrize(
    "handle", ["ann", "Ann.Lee", "a1", "x" * 32, "ann_lee-2", "007", "ann-team", "boss", "meg", "userly"]
)
async def test_a_handle_is_kept_in_small_letters(world: World, handle: str) -> None:
    user = await a_user(world)
    assert await change(world, user, handle=handle) == handle.lower()
    assert await change(world, user, handle=handle.upper()) == handle.lower(), "one's own may be said again"
    assert (await people.profile(world, Viewer(), handle.upper())).id == user


@pytest.mark.parametrize("handle", [
    "", "a", "x" * 33, ".ann", "ann.", "an..n", "an n", "ann@x", "ann/x", "ånn", "аnn", "ann\n", "ann\x00", "../me", "@ann", 7,
])  # fmt: skip
def test_other_texts_are_no_handles(handle: object) -> None:
    with pytest.raises(ValidationError):
        ChangeMe.model_validate({"handle": handle})


@pytest.mark.parametrize("handle", [
    "me", "Admin", "adm1n", "a.d.m.i.n", "m0derator", "rniraveja", "user-0123456789ab", "root", "support", "admins",
    "admin1", "adm1ns", "owner1", "moderators", "gallery-owner", "gallery-1", "mira.team2", "user_0123", "u5er.ann", "admin.00",
])  # fmt: skip
async def test_nobody_speaks_for_the_gallery(world: World, handle: str) -> None:
    user = await a_user(world)
    with pytest.raises(HandleTaken):
        await change(world, user, handle=handle)


@pytest.mark.parametrize("handle", ["ann.lee", "ANN.LEE", "ann_lee", "annlee", "ann1ee", "ann-iee"])
async def test_what_looks_like_somebodys_handle_is_taken_and_nothing_else_is_changed(world: World, handle: str) -> None:
    ann, eve = await a_user(world, "Ann"), await a_user(world, "Eve")
    await change(world, ann, handle="ann.lee")
    with pytest.raises(HandleTaken):
        await change(world, eve, handle=handle, name="Ann Lee")
    [row] = await read(world, "SELECT name, handle FROM users WHERE id = %s", eve)
    assert row["name"] == "Eve"
    await change(world, ann, handle="harbour")
    with pytest.raises(HandleTaken):
        await change(world, eve, handle=handle)
    assert await change(world, ann, handle="ann.lee") == "ann.lee", "hers to come back to"
    await change(world, ann, handle="harbour")
    await write(world, "UPDATE former_handles SET at = at - interval '31 days'")
    assert await change(world, eve, handle=handle) == handle.lower(), "free again"


async def test_nobody_hoards_handles_and_none_slips_by_while_it_is_given_up(world: World) -> None:
    ann, eve = await a_user(world, "Ann"), await a_user(world, "Eve")
    for number in range(9):
        await change(world, ann, handle=f"harbour.{'x' * (number + 1)}")
    assert len(await read(world, "SELECT 1 FROM former_handles")) == 5
    async with world.database.transaction() as tx:
        await rows.change(tx, ann, ChangeMe(handle="sea"))
        waiting = asyncio.create_task(change(world, eve, handle="harbour.xxxxxxxxx"))
        await asyncio.wait([waiting], timeout=0.2)
    with pytest.raises(HandleTaken):
        await waiting


async def test_of_many_who_want_a_handle_at_once_one_has_it(world: World) -> None:
    users = [await a_user(world) for _ in range(6)]
    ended = await asyncio.gather(*(change(world, user, handle="harbour") for user in users), return_exceptions=True)
    assert sorted(str(each) for each in ended if isinstance(each, str)) == ["harbour"]
    assert sum(isinstance(each, HandleTaken) for each in ended) == 5


@pytest.mark.parametrize("odd", [
    {"settings": {"theme": "pink"}}, {"settings": {"admin": True}}, {"settings": {"defaultVisibility": "all"}}, {"settings": []},
    {"name": ""}, {"name": "x" * 65}, {"roles": ["admin"]}, {"bannedAt": None}, {"id": "x"},
])  # fmt: skip
def test_only_what_people_may_change_can_be_said(odd: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChangeMe.model_validate(odd)


async def test_settings_that_are_not_said_stay(world: World) -> None:
    user = await a_user(world)
    await change(world, user, settings={"theme": "dark"})
    await change(world, user, settings={"defaultVisibility": "public"})
    [row] = await read(world, "SELECT settings FROM users WHERE id = %s", user)
    assert row["settings"] == {"theme": "dark", "defaultVisibility": "public"}


@pytest.mark.promises("S39")
async def test_new_uploads_have_the_visibility_of_the_settings(world: World) -> None:
    ann = await a_user(world, "Ann")
    await an_upload(world, ann, b"before")
    await change(world, ann, settings={"defaultVisibility": "public"})
    await an_upload(world, ann, b"after")
    found = await read(world, "SELECT visibility FROM assets ORDER BY created_at")
    assert [row["visibility"] for row in found] == ["private", "public"]


@pytest.mark.promises("S10")
async def test_the_same_name_and_subject_elsewhere_is_somebody_else(world: World) -> None:
    subject = str(uuid.uuid4())
    async with world.database.transaction() as tx:
        found = [
            await recognise(
                tx, Principal(issuer, subject, frozenset({"user"}), 0, 0, "miraveja-web", "ann@example.org")
            )
            for issuer in ("https://id.example", "https://other.example", "https://id.example")
        ]
    assert found[0].user == found[2].user != found[1].user
    assert found[0].handle != found[1].handle


async def shown(world: World, viewer: Viewer, user: UserId) -> int:
    [row] = await read(world, "SELECT handle FROM users WHERE id = %s", user)
    return (await people.profile(world, viewer, row["handle"])).counts.assets


@pytest.mark.promises("S39", "S46")
async def test_a_profile_counts_what_its_viewer_may_see(world: World) -> None:
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    pictures = await ready(world, ann, [a_png(number, (16, 16)) for number in range(5)])
    await an_upload(world, ann, b"to come")
    await write(world, "UPDATE assets SET visibility = 'public' WHERE id = ANY(%s)", pictures[:3])
    await write(world, "UPDATE assets SET visibility = 'unlisted' WHERE id = %s", pictures[3])
    await write(world, "UPDATE assets SET moderation = 'restricted' WHERE id = %s", pictures[1])
    await write(world, "UPDATE assets SET trashed_at = now() WHERE id = %s", pictures[2])
    assert [await shown(world, viewer, ann) for viewer in (Viewer(), Viewer(bob), Viewer(ann))] == [1, 1, 4]


async def test_usage_tells_states_and_shares(world: World) -> None:
    ann = await a_user(world, "Ann")
    await an_upload(world, ann, b"to come")
    await an_upload(world, await a_user(world, "Bob"), b"of somebody else")
    told = await people.used(world, ann, daily=True)
    assert (told.pending.used, told.pending.limit, told.bytes.used, told.bytes.limit) == (1, 500, 7, None)
    assert (told.today.used, told.today.limit, told.states) == (1, None, {"new": 1})


async def points(world: World, pictures: Iterable[AssetId]) -> set[bool]:
    """Whether the index holds their owner for banned."""
    vector = np.ones(MODEL.dim, dtype=np.float32) / MODEL.dim**0.5
    found = {
        banned: {hit.id for hit in await world.ports.vectors.nearest(vector, Is("banned", (banned,)), 100)}
        for banned in (True, False)
    }
    return {banned for picture in pictures for banned, ids in found.items() if picture in ids}


@pytest.mark.promises("S7")
async def test_the_index_hears_of_a_ban_and_of_its_end_in_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "BATCH", 2)
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    hers = await ready(world, ann, [a_png(number, (16, 16)) for number in range(5)])
    his = await ready(world, bob, [a_png(9, (16, 16))])
    for banned in (True, False):
        assert await people.ban(world, None, ann, banned=banned)
        assert not await people.ban(world, None, ann, banned=banned), "no news"
        async with running(world):
            await quiet(world)
        assert await points(world, hers) == {banned}
        assert await points(world, his) == {False}
    actions = [
        row["action"]
        for row in await read(world, "SELECT action FROM audit_log WHERE action LIKE 'user.%%' ORDER BY seq")
    ]
    assert actions == ["user.banned", "user.unbanned"]


@pytest.mark.promises("S7")
async def test_a_teller_that_died_is_followed_by_another_where_it_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "BATCH", 2)
    ann = await a_user(world, "Ann")
    hers = await ready(world, ann, [a_png(number, (16, 16)) for number in range(5)])
    await write(world, "DELETE FROM outbox")
    async with world.database.transaction() as tx:
        await standing.ban(tx, ann, banned=True)
    await write(world, "UPDATE users SET told_until = %s WHERE id = %s", sorted(hers)[1], ann)
    swept = await Sweeper(world).sweep()
    assert swept
    assert swept.done["bans_told"] == 3
    assert [topic for topic, _ in await outbox(world)] == ["assets.changed"] * 3
    assert await standing.tell_all(world.database) == 0


async def test_somebody_banned_has_no_profile(world: World) -> None:
    ann = await a_user(world, "Ann")
    await change(world, ann, handle="ann")
    await people.ban(world, None, ann, banned=True)
    for viewer in (Viewer(), Viewer(ann)):
        with pytest.raises(NotFound):
            await people.profile(world, viewer, "ann")
    assert [row["handle"] for row in await people.everyone(world, "AN")] == ["ann"]
    assert await people.find(world, "ann") == await people.find(world, str(ann)) == ann
