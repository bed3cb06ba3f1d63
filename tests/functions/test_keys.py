"""keys: made once, told once, kept as a hash, at most so many, and gone when they are revoked."""

import asyncio
import hashlib
import uuid
from datetime import timedelta

import pytest
from pydantic import ValidationError

from functions.core.errors import Invalid, NotFound, TooMany
from functions.core.identity import api_keys
from functions.core.identity.api_keys import KEY
from functions.core.runtime.run import World
from functions.core.times import utcnow
from functions.keys import handler as keys
from functions.keys.contract import CreateKey, RenameKey
from tests.support.runs import read, write
from tests.support.worlds import a_user

pytestmark = pytest.mark.promises("S13")
CAMERA = CreateKey(name="Camera", scopes=["upload", "read", "read"])


async def test_a_key_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    user = await a_user(world)
    made = await keys.create(world, user, CAMERA)
    assert KEY.fullmatch(made.key)
    assert made.scopes == ["read", "upload"]
    [row] = await read(world, "SELECT k::text AS text, hash FROM api_keys k")
    assert row["hash"] == hashlib.sha256(made.key.encode()).digest()
    assert made.key not in row["text"]
    [listed] = (await keys.every(world, user)).items
    assert listed.model_dump() == made.model_dump(exclude={"key"})
    assert (await keys.create(world, user, CAMERA)).key != made.key


async def test_a_key_ends_after_ninety_days_or_when_it_is_said_within_a_year(world: World) -> None:
    user, now = await a_user(world), utcnow()
    left = (await keys.create(world, user, CAMERA)).expires_at - now
    assert timedelta(days=90) <= left < timedelta(days=90, minutes=1)
    year = now + timedelta(days=365)
    said = CreateKey(name="x", scopes=["read"], expires_at=year)
    assert (await keys.create(world, user, said)).expires_at == year
    for at in (now, now - timedelta(days=1), now + timedelta(days=367)):
        with pytest.raises(Invalid, match="expiresAt"):
            await keys.create(world, user, CreateKey(name="x", scopes=["read"], expires_at=at))


@pytest.mark.parametrize(
    "odd", [{"scopes": []}, {"scopes": ["admin"]}, {"scopes": ["moderator", "read"]}, {"name": " "}, {"name": "x" * 65},
            {"hash": "x"}, {"userId": str(uuid.uuid4())}, {"roles": ["admin"]}],
)  # fmt: skip
def test_a_key_can_be_made_for_nothing_else(odd: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CreateKey.model_validate({"name": "Camera", "scopes": ["read"]} | odd)


async def test_of_a_race_for_the_last_key_one_succeeds(world: World) -> None:
    user = await a_user(world)
    for _ in range(keys.MOST_KEYS - 1):
        await keys.create(world, user, CAMERA)
    ended = await asyncio.gather(*(keys.create(world, user, CAMERA) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, TooMany) for each in ended) == 5
    assert len((await keys.every(world, user)).items) == 50
    await keys.create(world, await a_user(world, "Bob"), CAMERA)


async def test_somebody_elses_key_is_not_there(world: World) -> None:
    ann, bob = await a_user(world, "Ann"), await a_user(world, "Bob")
    hers = (await keys.create(world, ann, CAMERA)).id
    assert (await keys.every(world, bob)).items == []
    with pytest.raises(NotFound):
        await keys.rename(world, bob, hers, RenameKey(name="mine"))
    with pytest.raises(NotFound):
        await keys.revoke(world, bob, hers)
    assert (await keys.rename(world, ann, hers, RenameKey(name=" Phone\x07 "))).name == "Phone"
    await keys.revoke(world, ann, hers)
    with pytest.raises(NotFound):
        await keys.revoke(world, ann, hers)


async def test_making_and_revoking_are_in_the_audit_log(world: World) -> None:
    user = await a_user(world)
    made = await keys.create(world, user, CAMERA)
    await keys.revoke(world, user, made.id)
    found = await read(world, "SELECT action, object, actor FROM audit_log ORDER BY seq")
    assert [(row["action"], row["object"]) for row in found] == [
        ("key.created", f"key:{made.id}"),
        ("key.revoked", f"key:{made.id}"),
    ]
    assert found[0]["actor"] == found[1]["actor"] is not None


async def test_a_keys_holder_is_a_user_and_never_more(world: World) -> None:
    user = await a_user(world)
    made = await keys.create(world, user, CAMERA)
    async with world.database.transaction() as tx:
        found = await api_keys.holder(tx, api_keys.digest(made.key))
        assert await api_keys.holder(tx, api_keys.digest(made.key + "x")) is None
    assert found
    who, _ = found
    assert who.roles == {"user"}
    assert sorted(who.scopes or ()) == ["read", "upload"]
    assert not who.is_moderator(utcnow())
    assert not who.is_admin(utcnow())


async def test_the_last_use_is_written_once_a_minute_at_most(world: World) -> None:
    user = await a_user(world)
    made = await keys.create(world, user, CAMERA)

    async def used_at(ago: str) -> bool:
        await write(world, "UPDATE api_keys SET used_at = now() - %s::interval", ago)
        before = await read(world, "SELECT used_at FROM api_keys")
        async with world.database.transaction() as tx:
            await api_keys.holder(tx, api_keys.digest(made.key))
        return before != await read(world, "SELECT used_at FROM api_keys")

    assert (await keys.every(world, user)).items[0].last_used_at is None
    assert await used_at("61 seconds")
    assert not await used_at("50 seconds")
