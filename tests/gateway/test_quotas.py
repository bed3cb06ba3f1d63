"""Quotas under races: a hundred forms asked for at once are exactly as many as there may be."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from functions.core.ids import AssetId
from functions.core.postgres import usage
from functions.core.runtime.step import Rules
from tests.support.doors import Answer, Gallery, Person, Served
from tests.support.worlds import RULES

pytestmark = pytest.mark.promises("S28")
RACERS, SIZE = 100, 10


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


@contextmanager
def ruled(gallery: Gallery, **rules: Any) -> Iterator[Rules]:
    """Other limits, until the body ends."""
    parts = cast("Served", gallery.world.ports)
    before, parts.rules = parts.rules, replace(RULES, **rules)
    try:
        yield parts.rules
    finally:
        parts.rules = before


async def ask(gallery: Gallery, who: Person, name: str) -> Answer:
    digest = hashlib.sha256(name.encode()).hexdigest()
    body = {"name": name, "size": SIZE, "contentType": "image/png", "sha256": digest}
    return await gallery.post("/v1/uploads", who, json=body)


async def race(gallery: Gallery, who: Person) -> list[Answer]:
    return list(await asyncio.gather(*(ask(gallery, who, f"racer {n}") for n in range(RACERS))))


@pytest.mark.parametrize(("rules", "status", "code"), [
    ({"uploads_pending": 20}, 429, "limited"), ({"uploads_per_day": 20}, 429, "limited"),
    ({"quota_count": 20}, 413, "too_large"), ({"quota_bytes": 20 * SIZE + SIZE - 1}, 413, "too_large"),
])  # fmt: skip
async def test_of_a_hundred_at_once_exactly_as_many_pass_as_may(
    gallery: Gallery, person: Person, rules: dict[str, int], status: int, code: str
) -> None:
    with ruled(gallery, **rules):
        answers = await race(gallery, person)
    assert Counter(answer.status for answer in answers) == {201: 20, status: 80}
    refused = [answer for answer in answers if answer.status == status]
    assert {answer.code for answer in refused} == {code}
    assert all(("Retry-After" in answer.headers) == (status == 429) for answer in refused)
    there = await gallery.row("SELECT count(*), sum(size) FROM assets WHERE owner = %s", person.user)
    assert there == {"count": 20, "sum": 20 * SIZE}


async def test_one_person_s_limit_is_nobody_else_s(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    with ruled(gallery, uploads_pending=1):
        assert [(await ask(gallery, who, "x")).status for who in (person, other, person, other)] == [201] * 4
        assert [(await ask(gallery, who, "y")).status for who in (person, other)] == [429] * 2


async def test_an_expired_form_frees_its_place_and_takes_one_when_it_is_given_out_again(
    gallery: Gallery, person: Person
) -> None:
    with ruled(gallery, uploads_pending=2):
        asset = (await ask(gallery, person, "first")).json["assetId"]
        await ask(gallery, person, "second")
        assert (await ask(gallery, person, "third")).status == 429
        await gallery.do("UPDATE assets SET form_expires_at = now() WHERE id = %s", asset)
        assert (await ask(gallery, person, "third")).status == 201
        again = await ask(gallery, person, "first")
        assert (again.status, again.code) == (429, "limited")
        await gallery.do("UPDATE assets SET form_expires_at = now() WHERE owner = %s AND name = 'second'", person.user)
        assert (await ask(gallery, person, "first")).json["assetId"] == asset
        assert (await ask(gallery, person, "second")).status == 429


async def test_what_is_kept_counts_with_the_trash_and_without_what_never_came(gallery: Gallery, person: Person) -> None:
    for state in ("ready", "failed", "expired", "rejected"):
        await gallery.a_picture(person, state=state, size=SIZE)
    await gallery.a_picture(person, trashed_at="2026-01-01", size=SIZE)
    async with gallery.world.database.transaction() as tx:
        now = await usage.used(tx, person.user)
        assert (now.pending, now.today, now.assets, now.bytes) == (0, 5, 3, 3 * SIZE)
    with ruled(gallery, quota_count=3):
        answer = await ask(gallery, person, "one more")
    assert (answer.status, answer.json["quotaCount"], answer.json["usedCount"]) == (413, 3, 3)


async def test_the_owner_of_an_embedded_gallery_has_no_daily_limit_and_all_the_others(gallery: Gallery) -> None:
    subject = gallery.identity.owner_subject()
    owner = Person(
        await gallery.accounts.owner(), str(subject), gallery.identity.mint(subject, ["user", "admin"], "Owner")
    )
    guest = await gallery.a_person(roles=("user", "admin"))
    with ruled(gallery, uploads_per_day=1, uploads_pending=2):
        assert [(await ask(gallery, owner, name)).status for name in ("1", "2", "3")] == [201, 201, 429]
        assert [(await ask(gallery, guest, name)).status for name in ("1", "2")] == [201, 429]


async def test_a_known_asset_is_told_whatever_the_limits(gallery: Gallery, person: Person) -> None:
    digest = hashlib.sha256(b"known").digest()
    asset: AssetId = await gallery.a_picture(person, sha256=digest)
    with ruled(gallery, uploads_per_day=1, quota_count=1, quota_bytes=1):
        again = await ask(gallery, person, "known")
    assert (again.status, again.json["assetId"], again.json["duplicate"]) == (200, str(asset), True)
