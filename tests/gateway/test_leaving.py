"""Leaving by HTTP: a zip that streams, and an account that is gone at once."""

import asyncio
import io
import time
import zipfile
from dataclasses import replace

import numpy as np
import psutil
import pytest

from functions.core.errors import Unauthenticated
from functions.core.ids import AssetId
from functions.core.model import original_key
from functions.core.times import utcnow
from functions.leaving.farewell import erase_all
from gateway.local import sessions
from tests.support.doors import PIXEL, Gallery, Person, until
from tests.support.worlds import MODEL, running

SOMEWHERE = np.eye(MODEL.dim, dtype=np.float32)[3]


async def erase(gallery: Gallery, who: Person) -> int:
    handle = (await gallery.get("/v1/me", who)).json["handle"]
    return (await gallery.ask("DELETE", "/v1/me", who, json={"confirm": handle})).status


@pytest.mark.promises("S71", "S22")
async def test_everything_of_mine_comes_as_one_zip(gallery: Gallery) -> None:
    ann = await gallery.a_person()
    asset = await gallery.a_picture(ann, name="=cmd|' /C calc'!A0.png")
    answer = await gallery.get("/v1/me/export", ann)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="miraveja-')
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert packed.testzip() is None
        (name,) = (each for each in packed.namelist() if each.startswith("originals/"))
        assert packed.read(name) == PIXEL
        assert name.endswith(f"-{asset.hex[-12:]}.png")
    noted = await gallery.row("SELECT count(*) AS n FROM audit_log WHERE action = 'account.exported'")
    assert noted["n"] >= 1


@pytest.mark.promises("S71")
async def test_a_client_that_goes_away_stops_the_work(gallery: Gallery) -> None:
    ann = await gallery.a_person()
    asset = await gallery.a_picture(ann)
    large = bytes(40 << 20)
    await gallery.world.ports.objects.write(original_key(asset, 1), large, "image/png")
    async with gallery.http.get(f"{gallery.url}/v1/me/export", headers=ann.headers) as answer:
        await answer.content.readexactly(1 << 20)
        assert held(asset)
        answer.close()

    async def let_go() -> bool:
        return not held(asset)

    await until(let_go)


@pytest.mark.promises("S71", "S51")
async def test_one_export_at_a_time_and_the_next_when_that_is_over(gallery: Gallery) -> None:
    ann, bob = await gallery.a_person(), await gallery.a_person("Bob")
    asset = await gallery.a_picture(ann)
    await gallery.world.ports.objects.write(original_key(asset, 1), bytes(40 << 20), "image/png")
    async with gallery.http.get(f"{gallery.url}/v1/me/export", headers=ann.headers) as answer:
        await answer.content.readexactly(1 << 20)
        second = await gallery.get("/v1/me/export", ann)
        assert (second.status, second.code) == (429, "limited")
        assert (await gallery.get("/v1/me/export", bob)).status == 200
        answer.close()

    async def again() -> bool:
        return (await gallery.get("/v1/me/export", ann)).status == 200

    await until(again)


@pytest.mark.promises("S71")
async def test_the_handle_of_this_moment_is_the_word(gallery: Gallery) -> None:
    ann = await gallery.a_person()
    before = (await gallery.get("/v1/me", ann)).json["handle"]
    now = f"h{ann.user.hex[-12:]}"
    await gallery.do("UPDATE users SET handle = %s WHERE id = %s", now, ann.user)  # another process
    assert (await gallery.ask("DELETE", "/v1/me", ann, json={"confirm": before})).status == 422
    assert (await gallery.ask("DELETE", "/v1/me", ann, json={"confirm": now})).status == 204


def held(asset: AssetId) -> list[str]:
    return [file.path for file in psutil.Process().open_files() if str(asset) in file.path]


@pytest.mark.promises("S71")
async def test_who_leaves_is_out_of_sight_within_a_second(gallery: Gallery) -> None:
    ann, bob = await gallery.a_person(), await gallery.a_person("Bob")
    asset = await gallery.a_picture(ann, SOMEWHERE, visibility="public")
    await gallery.index(asset)
    key = (await gallery.post("/v1/keys", ann, json={"name": "mine", "scopes": ["read"]})).json["key"]
    async with gallery.world.database.transaction() as tx:
        session = await sessions.create_session(tx, ann.user, utcnow())
    handle = (await gallery.get("/v1/me", ann)).json["handle"]
    pictures = [await gallery.media_of(asset, ann), await gallery.media_of(asset, bob)]
    with_key = replace(ann, token=key)
    seen = [
        f"/v1/assets/{asset}",
        f"/v1/assets/{asset}/similar",
        f"/v1/search?like={asset}",
        f"/v1/users/{handle}",
        *pictures,
    ]
    assert [(await gallery.get(path, bob)).status for path in seen] == [200] * len(seen)
    assert (await gallery.get("/v1/assets", with_key)).status == 200
    began = time.monotonic()
    assert await erase(gallery, ann) == 204
    assert [(await gallery.get(path, bob)).status for path in seen] == [404] * len(seen)
    listed = (await gallery.get(f"/v1/assets?id={asset}", bob)).json["items"]
    assert listed == []
    refused = {(await gallery.get("/v1/me", ann)).status, (await gallery.get("/v1/assets", with_key)).status}
    assert refused <= {401, 403}
    with pytest.raises(Unauthenticated):
        await gallery.accounts.token(session)
    assert time.monotonic() - began < 1


@pytest.mark.promises("S71")
async def test_only_a_person_leaves_and_only_by_their_own_word(gallery: Gallery) -> None:
    ann = await gallery.a_person()
    made = await gallery.post("/v1/keys", ann, json={"name": "all", "scopes": ["read", "upload", "write"]})
    with_key = replace(ann, token=made.json["key"])
    handle = (await gallery.get("/v1/me", ann)).json["handle"]
    assert (await gallery.get("/v1/me/export", with_key)).code == "insufficient_scope"
    assert (await gallery.ask("DELETE", "/v1/me", with_key, json={"confirm": handle})).code == "insufficient_scope"
    bodies: list[object] = [
        {},
        {"confirm": "Ann"},
        {"confirm": None},
        {"confirm": handle, "user": "x"},
        {"confirm": "x" * 300},
        [],
    ]
    for body in bodies:
        assert (await gallery.ask("DELETE", "/v1/me", ann, json=body)).status == 422
    assert (await gallery.get("/v1/me", ann)).status == 200


@pytest.mark.promises("S71")
async def test_a_gallery_whose_owner_left_has_a_new_one_with_nothing(gallery: Gallery) -> None:
    first = await gallery.accounts.owner()
    subject = str(gallery.identity.owner_subject())
    owner = Person(first, subject, gallery.accounts.token_for(subject, "Owner"))
    asset = await gallery.a_picture(owner)
    assert await erase(gallery, owner) == 204
    second = await gallery.accounts.owner()
    assert second != first
    assert await gallery.accounts.owner() == second
    now = str(gallery.identity.owner_subject())
    newcomer = Person(second, now, gallery.accounts.token_for(now, "Owner"))
    assert (await gallery.get(f"/v1/assets/{asset}", newcomer)).status == 404
    assert "admin" in (await gallery.get("/v1/me", newcomer)).json["roles"]
    assert (await gallery.get("/v1/me", owner)).status in {401, 403}


@pytest.mark.promises("S71")
async def test_who_leaves_twice_at_once_leaves_once_and_does_not_come_back(gallery: Gallery) -> None:
    ann = await gallery.a_person()
    await gallery.a_picture(ann)
    word = {"confirm": (await gallery.get("/v1/me", ann)).json["handle"]}
    answers = await asyncio.gather(*(gallery.ask("DELETE", "/v1/me", ann, json=word) for _ in range(4)))
    assert {answer.status for answer in answers} <= {204, 403}

    async def gone() -> bool:
        await erase_all(gallery.world)
        return bool((await gallery.row("SELECT count(*) = 0 AS gone FROM users WHERE id = %s", ann.user))["gone"])

    async with running(gallery.world):
        await until(gone, within_s=60)
    assert (await gallery.get("/v1/me", ann)).status == 403, "a token from before makes no new account"
