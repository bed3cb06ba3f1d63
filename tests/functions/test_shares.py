"""shares: tokens kept as hashes, passwords that open one link each, tries that are counted across a crowd."""

import asyncio
import time
from datetime import timedelta
from typing import LiteralString

import pytest

from functions.core import passwords as passwords_module
from functions.core.asked import Asked, asked
from functions.core.catalog.contract import Part
from functions.core.errors import Limited, MiraVejaError, NotFound, PasswordRequired, TooMany
from functions.core.ids import AssetId, UserId
from functions.core.passwords import AT_ONCE, MOST_WAITING, Passwords
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.shares import handler, rows, tries, visits
from functions.shares.contract import ChangeShare, ListShares, MakeShare, SharedOut, ShareMadeOut
from tests.support.runs import count, read, write
from tests.support.worlds import a_desk, a_user, an_upload

pytestmark = pytest.mark.promises("S48")
ANYBODY = a_desk(None)


async def an_asset(world: World, owner: UserId, data: bytes = b"1") -> AssetId:
    asset = await an_upload(world, owner, data)
    await write(world, "UPDATE assets SET state = 'ready', moderation = 'approved' WHERE id = %s", asset)
    return asset


async def a_share(world: World, owner: UserId, asset: AssetId, **more: object) -> ShareMadeOut:
    wanted = MakeShare.model_validate({"asset_id": asset, **more})
    return await handler.make(world, owner, wanted, Passwords(), "http://here")


async def entered(world: World, token: str, password: str, passwords: Passwords | None = None) -> SharedOut:
    return await visits.enter(world, ANYBODY, token, Part(), password, passwords or Passwords())


async def test_a_token_has_128_bits_is_told_once_and_kept_as_a_hash(world: World) -> None:
    owner = await a_user(world)
    made = await a_share(world, owner, await an_asset(world, owner), password="open sesame")
    assert (len(made.token), made.url) == (22, f"http://here/s/{made.token}")
    kept = str(await read(world, "SELECT * FROM shares"))
    assert made.token not in kept
    assert "sesame" not in kept
    listed = await handler.page(world, a_desk(owner), owner, ListShares())
    assert made.token not in listed.model_dump_json()
    assert [item.has_password for item in listed.items] == [True]


async def test_the_same_password_on_two_links_opens_each_alone(world: World) -> None:
    owner = await a_user(world)
    asset, other = await an_asset(world, owner), await an_asset(world, owner, b"2")
    first, second = [await a_share(world, owner, each, password="the same") for each in (asset, other)]
    stored = await read(world, "SELECT salt, password FROM shares")
    assert stored[0]["password"] != stored[1]["password"]
    opened = await entered(world, first.token, "the same")
    assert opened.unlock
    assert opened.asset
    assert opened.asset.id == asset
    again = await visits.look(world, ANYBODY, first.token, Part(), opened.unlock.value)
    assert again.asset
    with pytest.raises(PasswordRequired):
        await visits.look(world, ANYBODY, second.token, Part(), opened.unlock.value)


async def test_another_password_closes_what_the_one_before_opened(world: World) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner), password="before")
    opened = await entered(world, share.token, "before")
    assert opened.unlock
    changed = await handler.change(world, owner, share.id, ChangeShare(password="after"), Passwords())
    assert changed.has_password
    with pytest.raises(PasswordRequired):
        await visits.look(world, ANYBODY, share.token, Part(), opened.unlock.value)
    with pytest.raises(PasswordRequired):
        await entered(world, share.token, "before")
    assert (await entered(world, share.token, "after")).asset
    await handler.change(world, owner, share.id, ChangeShare(password=None), Passwords())
    assert (await visits.look(world, ANYBODY, share.token, Part(), None)).asset


@pytest.mark.parametrize("change", ["{}.{}.{}x", "9{}.{}.{}", "{}.x.{}", "{}.{}", "..", "x", "{}.{}.é"])
async def test_a_changed_unlock_opens_nothing(world: World, change: str) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner), password="before")
    opened = await entered(world, share.token, "before")
    assert opened.unlock
    with pytest.raises(PasswordRequired):
        await visits.look(world, ANYBODY, share.token, Part(), change.format(*opened.unlock.value.split(".")))
    later = ANYBODY.__class__(ANYBODY.viewer, ANYBODY.media, utcnow() + timedelta(minutes=31))
    with pytest.raises(PasswordRequired):
        await visits.look(world, later, share.token, Part(), opened.unlock.value)


async def test_five_wrong_passwords_in_a_minute_are_looked_at_however_many_come_at_once(world: World) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner), password="before")
    tries = (entered(world, share.token, f"guess {number}", Passwords()) for number in range(16))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, PasswordRequired) for each in ended) == 5
    limited = [each for each in ended if isinstance(each, Limited)]
    assert len(limited) == 11
    assert all(50 < int(str(each.facts["retry_after"])) <= 60 for each in limited)
    with pytest.raises(Limited):
        await entered(world, share.token, "before")
    await write(world, "UPDATE share_tries SET at = at - interval '61 s'")
    assert (await entered(world, share.token, "before")).asset
    assert await count(world, "SELECT count(*) FROM share_tries") == 0, "what is old is forgotten, what was right too"


async def test_the_limit_is_each_links_and_each_networks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await a_user(world)
    first, second = [await a_share(world, owner, await an_asset(world, owner), password="before") for _ in range(2)]

    async def guess(token: str, address: str) -> str:
        before = asked.set(Asked("1", address))
        try:
            await entered(world, token, "guess")
        except MiraVejaError as error:
            return error.code()
        finally:
            asked.reset(before)
        return ""

    told = [await guess(first.token, f"198.51.{each}.1") for each in range(6)]
    assert told == ["password_required"] * 5 + ["limited"], "one link, many networks"
    assert await guess(second.token, "198.51.0.1") == "password_required", "another link, one of those networks"
    await write(world, "DELETE FROM share_tries")
    monkeypatch.setattr(tries, "MOST_OF_A_NETWORK", 3)
    monkeypatch.setattr(tries, "FULL", tries.FULL.replace("OFFSET 29", "OFFSET 2"))
    told = [await guess((first, second)[each % 2].token, f"2001:db8:1:2::{each}") for each in range(4)]
    assert told == ["password_required"] * 3 + ["limited"], "one network, two links"
    assert await guess(first.token, "2001:db8:1:3::1") == "password_required", "a neighbour in the same /48"
    assert await guess(first.token, "192.0.2.1") == await guess(second.token, "192.0.2.2") == "password_required"


async def test_what_nobody_had_time_to_look_at_was_no_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner), password="before")
    with monkeypatch.context() as busy:
        busy.setattr(passwords_module, "MOST_WAITING", -AT_ONCE)
        for _ in range(6):
            with pytest.raises(Limited, match="being looked at"):
                await entered(world, share.token, "before")
    assert (await entered(world, share.token, "before")).unlock


async def test_a_strangers_wish_costs_no_password(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = await a_user(world), await a_user(world, "Bob")
    asset = await an_asset(world, owner)
    share = await a_share(world, owner, asset)
    monkeypatch.setattr(passwords_module, "MOST_WAITING", -AT_ONCE)
    with pytest.raises(NotFound):
        await a_share(world, other, asset, password="open")
    with pytest.raises(NotFound):
        await handler.change(world, other, share.id, ChangeShare(password="open"), Passwords())


async def test_guesses_keep_nobody_from_making_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    kept = await passwords.keep("secret")
    monkeypatch.setattr(passwords_module, "MOST_WAITING", 0)
    guesses = [asyncio.create_task(passwords.holds("guess", kept)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Limited):
        await passwords.holds("guess", kept)
    assert await passwords.keep("another")
    assert await asyncio.gather(*guesses) == [False] * AT_ONCE


async def test_right_passwords_are_not_counted(world: World) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner), password="before")
    for _ in range(7):
        assert (await entered(world, share.token, "before")).unlock


async def test_passwords_leave_the_event_loop_free_and_refuse_a_crowd() -> None:
    passwords = Passwords()
    kept = await passwords.keep("secret")
    crowd = [asyncio.create_task(passwords.holds("guess", kept)) for _ in range(AT_ONCE + MOST_WAITING + 4)]
    longest, before = 0.0, time.monotonic()
    while not all(task.done() for task in crowd[:4]):
        await asyncio.sleep(0.005)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert longest < 0.25
    ended = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(each, Limited) for each in ended) == 4
    assert await passwords.holds("secret", kept)
    assert not await passwords.holds("secret ", kept)


async def test_a_password_is_the_same_however_its_letters_are_typed() -> None:
    passwords = Passwords()
    assert await passwords.holds("cafe\u0301", await passwords.keep("caf\u00e9"))


@pytest.mark.parametrize("end", [
    "DELETE FROM shares", "UPDATE shares SET expires_at = now() - interval '1 s'",
    "UPDATE assets SET trashed_at = now()", "UPDATE assets SET moderation = 'restricted'",
    "UPDATE assets SET state = 'deleting'", "UPDATE assets SET state = 'processed'", "UPDATE users SET banned_at = now()",
])  # fmt: skip
async def test_a_link_that_leads_nowhere_any_more_is_one_that_never_was(world: World, end: LiteralString) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner))
    shown = await visits.look(world, ANYBODY, share.token, Part(), None)
    assert shown.asset
    assert (shown.asset.sha256, shown.asset.exif, shown.asset.name, shown.asset.reason) == (None, None, None, None)
    await write(world, end)
    told = []
    for token in (share.token, "x" * 22, "", "é\x00"):
        with pytest.raises(NotFound) as refused:
            await visits.look(world, ANYBODY, token, Part(), None)
        told.append((refused.value.detail, refused.value.facts))
    assert len({str(each) for each in told}) == 1


async def test_one_can_share_only_what_is_ones_own_and_change_only_ones_own_links(world: World) -> None:
    owner, other = await a_user(world, "Ann"), await a_user(world, "Bob")
    asset = await an_asset(world, owner)
    await write(world, "UPDATE assets SET visibility = 'public'")
    with pytest.raises(NotFound):
        await a_share(world, other, asset)
    share = await a_share(world, owner, asset)
    for refused in (
        handler.change(world, other, share.id, ChangeShare(name="mine"), Passwords()),
        handler.revoke(world, other, share.id),
    ):
        with pytest.raises(NotFound):
            await refused
    assert (await handler.page(world, a_desk(other), other, ListShares())).items == []
    assert (await visits.look(world, ANYBODY, share.token, Part(), None)).asset


async def test_what_is_left_out_of_a_change_stays(world: World) -> None:
    owner = await a_user(world)
    until = utcnow() + timedelta(days=1)
    share = await a_share(world, owner, await an_asset(world, owner), password="open", expires_at=until, name="Mum")
    kept = await handler.change(world, owner, share.id, ChangeShare(), Passwords())
    assert (kept.name, kept.expires_at, kept.has_password) == ("Mum", until, True)
    named = await handler.change(world, owner, share.id, ChangeShare(name=""), Passwords())
    assert (named.name, named.expires_at, named.has_password) == ("", until, True)
    endless = await handler.change(world, owner, share.id, ChangeShare(expires_at=None), Passwords())
    assert (endless.expires_at, endless.has_password) == (None, True)


async def test_links_are_bounded_also_in_a_race(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_SHARES", 3)
    owner = await a_user(world)
    asset = await an_asset(world, owner)
    ended = await asyncio.gather(*(a_share(world, owner, asset) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, TooMany) for each in ended) == 3
    page = await handler.page(world, a_desk(owner), owner, ListShares(limit=2, asset_id=asset))
    rest = await handler.page(world, a_desk(owner), owner, ListShares(limit=2, cursor=page.next_cursor))
    assert len({item.id for item in [*page.items, *rest.items]}) == 3


@pytest.mark.promises("S70")
async def test_links_are_written_into_the_audit_log(world: World) -> None:
    owner = await a_user(world)
    share = await a_share(world, owner, await an_asset(world, owner), password="open")
    await handler.change(world, owner, share.id, ChangeShare(name="Mum"), Passwords())
    await handler.revoke(world, owner, share.id)
    said = await read(world, "SELECT action, object FROM audit_log WHERE object LIKE 'share:%%' ORDER BY seq")
    assert [each["action"] for each in said] == ["share.created", "share.changed", "share.revoked"]
    assert {each["object"] for each in said} == {f"share:{share.id}"}
