"""Live updates: streams of what happens to one's assets, as programs and pages read them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from functions.core.times import utcnow
from functions.housekeeping import rows as housekeeping
from gateway import updates
from gateway.live import Live
from tests.support.doors import Gallery, Person, until

URL = "/v1/events"


@dataclass
class Listener:
    """Somebody who reads a stream."""

    answer: aiohttp.ClientResponse

    async def block(self, within_s: float = 8.0) -> dict[str, str]:
        """The next block of lines, a comment under the empty name; raises EOFError at a clean end."""
        async with asyncio.timeout(within_s):
            text = (await self.answer.content.readuntil(b"\n\n")).decode()
        if not text:
            raise EOFError
        return dict([*line.split(": ", 1), ""][:2] for line in text.strip().split("\n"))

    async def event(self, within_s: float = 8.0) -> tuple[int, Any]:
        """The next event's number and data."""
        while "event" not in (block := await self.block(within_s)):
            assert "id" not in block
        assert block["event"] == "asset.status"
        return int(block["id"]), json.loads(block["data"])

    async def ended(self, within_s: float) -> None:
        with pytest.raises(EOFError):
            await self._to_the_end(within_s)

    async def _to_the_end(self, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while True:
                await self.block(within_s)


@asynccontextmanager
async def listening(
    gallery: Gallery, who: Person, last: object = None
) -> AsyncIterator[tuple[Listener, dict[str, str]]]:
    """A stream and its first block."""
    headers = who.headers | ({} if last is None else {"Last-Event-ID": str(last)})
    async with gallery.http.get(gallery.url + URL, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        listener = Listener(answer)
        yield listener, await listener.block()


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


@pytest.mark.promises("S12")
async def test_people_hear_what_happens_to_their_own_assets_alone(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    async with listening(gallery, person) as (mine, first), listening(gallery, other) as (theirs, _):
        assert first.keys() == {"retry", "id"}
        head = mine.answer.headers
        assert head["Content-Type"].startswith("text/event-stream")
        assert (head["Cache-Control"], head["X-Accel-Buffering"]) == ("no-store", "no")
        asset = await gallery.a_picture(person, visibility="public")
        number, told = await mine.event()
        assert told == {
            "assetId": str(asset), "state": "ready", "moderation": "approved", "trashed": False, "reason": None,
        }  # fmt: skip
        assert (await gallery.ask("DELETE", f"/v1/assets/{asset}", person)).status == 204
        later, told = await mine.event(1.0)
        assert (told["trashed"], later > number) == (True, True)
        their_own = await gallery.a_picture(other)
        assert (await theirs.event())[1]["assetId"] == str(their_own)


async def test_what_was_missed_is_told_in_order_and_once(gallery: Gallery, person: Person) -> None:
    async with listening(gallery, person) as (_, first):
        pass
    asset = await gallery.a_picture(person, state="new", moderation="pending")
    for state in ("uploaded", "processed", "ready"):
        await gallery.do("UPDATE assets SET state = %s WHERE id = %s", state, asset)
    async with listening(gallery, person, first["id"]) as (listener, again):
        assert again["id"] == first["id"]
        told = [await listener.event() for _ in range(4)]
        assert [each["state"] for _, each in told] == ["new", "uploaded", "processed", "ready"]
    async with listening(gallery, person, told[1][0]) as (listener, _):
        assert [await listener.event() for _ in range(2)] == told[2:]
    async with listening(gallery, person) as (listener, _):
        await gallery.do("UPDATE assets SET moderation = 'approved' WHERE id = %s", asset)
        assert (await listener.event())[1]["moderation"] == "approved", "without a number nothing of before is told"


async def test_whoever_comes_back_too_late_or_from_elsewhere_starts_anew(gallery: Gallery, person: Person) -> None:
    for _ in range(3):
        await gallery.a_picture(person)
    row = await gallery.row("SELECT min(id) AS first, max(id) AS last FROM asset_change WHERE owner = %s", person.user)
    await gallery.do("UPDATE asset_change SET at = now() - interval '8 days' WHERE id <= %s", row["last"])
    async with gallery.world.database.transaction() as tx:
        await housekeeping.forget(tx)
    for lost in (row["first"], 10**17):
        async with listening(gallery, person, lost) as (listener, first):
            assert (first["event"], first["data"], first["id"]) == ("reset", "{}", str(row["last"]))
            await gallery.a_picture(person)
            number, _ = await listener.event()
            row["last"] = number


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "1e3", "9" * 19, "1,2", "0x10", "%00", "1 2", "9" * 8_000])  # fmt: skip
async def test_a_number_that_is_none_is_refused(gallery: Gallery, person: Person, last: str) -> None:
    assert (await gallery.get(URL, person, headers={"Last-Event-ID": last})).code == "invalid"


async def test_an_empty_number_is_none(gallery: Gallery, person: Person) -> None:
    async with listening(gallery, person, "") as (_, first):
        assert first["id"].isdigit()
        assert "event" not in first


@pytest.mark.promises("S51")
async def test_streams_are_counted_by_reader_and_in_all_and_places_are_given_back(gallery: Gallery) -> None:
    one, two = await gallery.a_person(), await gallery.a_person()
    with gallery.with_other({"streams_per_user": 2, "streams": 3}, live=Live()):
        async with listening(gallery, one), listening(gallery, one):
            refused = await gallery.get(URL, one)
            assert (refused.status, refused.code) == (429, "limited")
            assert int(refused.headers["Retry-After"]) > 0
            async with listening(gallery, two):
                assert (await gallery.get(URL, two)).status == 429

        async def free() -> bool:
            async with gallery.http.get(gallery.url + URL, headers=one.headers) as answer:
                return answer.status == 200

        await until(free)
        for _ in range(5):
            assert (await gallery.ask("HEAD", URL, one)).status == 200, "who only asks for the head keeps no place"
            await until(free)


@pytest.mark.promises("S7")
async def test_a_ban_ends_streams_within_five_seconds(gallery: Gallery, person: Person) -> None:
    async with listening(gallery, person) as (listener, _):
        await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", person.user)
        await listener.ended(within_s=5.5)


async def test_a_stream_ends_with_its_token(gallery: Gallery, person: Person) -> None:
    later = replace(gallery.door.verifier, clock=lambda: utcnow() + timedelta(minutes=6))
    async with listening(gallery, person) as (listener, _):
        with gallery.with_other(verifier=later):
            await listener.ended(within_s=5.5)


async def test_streams_end_at_once_when_the_process_does(gallery: Gallery, person: Person) -> None:
    live = Live()
    keeper = asyncio.create_task(live.keep_listening(gallery.world.database))
    with gallery.with_other(live=live):
        async with listening(gallery, person) as (listener, _):
            keeper.cancel()
            await listener.ended(within_s=1.0)


async def test_a_lost_connection_to_the_database_loses_no_event(gallery: Gallery, person: Person) -> None:
    async with listening(gallery, person) as (listener, _):
        await gallery.do(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN miraveja_changes%%'"
        )
        asset = await gallery.a_picture(person)
        assert (await listener.event())[1]["assetId"] == str(asset)

        async def hears_again() -> bool:
            found = await gallery.row(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'LISTEN miraveja_changes%%'"
                " AND datname = current_database()"
            )
            return bool(found["n"])

        await until(hears_again)
        await gallery.do("UPDATE assets SET state = 'failed' WHERE id = %s", asset)
        assert (await listener.event(1.0))[1]["state"] == "failed"


async def test_silence_is_broken_by_comments(gallery: Gallery, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(updates, "LOOK_S", 0.2)
    async with listening(gallery, person) as (listener, _):
        assert await listener.block(2.0) == {":": ""}


async def test_a_slow_reader_misses_nothing_and_nothing_waits_for_it_here(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person, state="new")
    async with listening(gallery, person) as (listener, _):
        async with gallery.world.database.transaction() as tx:
            for number in range(2_000):
                reason = f"{number:04}" + "x" * 1_000
                await tx.execute("UPDATE assets SET reason = %s WHERE id = %s", [reason, asset])
        told = [(await listener.event())[1]["reason"][:4] for _ in range(2_000)]
    assert told == [f"{number:04}" for number in range(2_000)]


@pytest.mark.promises("S12")
async def test_a_token_in_the_address_opens_nothing(gallery: Gallery, person: Person) -> None:
    for name in ("access_token", "token", "bearer", "authorization"):
        assert (await gallery.get(f"{URL}?{name}={person.token}")).code == "unauthenticated"


@pytest.mark.promises("R37")
async def test_what_was_answered_is_what_the_owner_reads_next(gallery: Gallery, person: Person) -> None:
    async def listed(query: str = "") -> list[Any]:
        items: list[Any] = (await gallery.get(f"/v1/assets?owner=me{query}", person)).json["items"]
        return items

    wanted = {"name": "a.png", "size": 3, "contentType": "image/png", "sha256": uuid.uuid4().hex * 2}
    made = await gallery.post("/v1/uploads", person, json=wanted)
    assert made.status == 201
    asset = made.json["assetId"]
    assert [(item["id"], item["state"]) for item in await listed()] == [(asset, "new")]
    changed = await gallery.ask(
        "PATCH", f"/v1/assets/{asset}", person, json={"title": "Now", "tags": ["new"]}, headers={"If-Match": '"1"'}
    )
    assert changed.status == 200
    assert [(item["title"], item["tags"][0]["name"]) for item in await listed("&tag=new")] == [("Now", "new")]
    assert (await gallery.ask("DELETE", f"/v1/assets/{asset}", person)).status == 204
    assert (await listed(), [item["id"] for item in await listed("&trashed=true")]) == ([], [asset])
    assert (await gallery.post(f"/v1/assets/{asset}/restore", person)).status == 200
    assert [item["id"] for item in await listed()] == [asset]
