"""What people who are not signed in see where the gallery is open: public, approved, ready pictures, on every route."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from functions.core.ids import AssetId
from functions.core.postgres.assets import refresh_words
from tests.support.doors import Answer, Gallery, Person
from tests.support.worlds import MODEL

HERE = Path(__file__).parent
TABLE: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "authz.yaml").read_text(encoding="utf-8"))
STATES: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "asset_states.yaml").read_text(encoding="utf-8"))
OPEN = [name for name, row in TABLE.items() if row["for"] == "anon"]
SOMEWHERE = np.eye(MODEL.dim, dtype=np.float32)[9]
WORD = "quokka"


async def a_shelf(gallery: Gallery) -> tuple[Person, AssetId, list[AssetId]]:
    """Somebody with one picture that everybody may see, and one in every state that hides it."""
    owner = await gallery.a_person("Quokka Keeper")
    shown: list[AssetId] = []
    hidden: list[AssetId] = []
    for row in [row for row in STATES.values() if "then" not in row]:
        asset = await gallery.a_picture(owner, SOMEWHERE, title=WORD, **row["columns"])
        await gallery.do(
            "INSERT INTO tags VALUES (%s, %s, 'person', 1)",
            asset,
            f"{WORD}{'' if row['codes'][2] == 200 else 'secret'}",
        )
        async with gallery.world.database.transaction() as tx:
            await refresh_words(tx, asset)
        await gallery.index(asset)
        (shown if row["codes"][2] == 200 else hidden).append(asset)
    assert hidden
    return owner, shown[0], hidden


@pytest.mark.promises("S1", "S39")
@pytest.mark.parametrize("name", OPEN)
async def test_no_route_tells_them_of_anything_hidden(gallery: Gallery, name: str) -> None:
    owner, shown, hidden = await a_shelf(gallery)
    with gallery.with_other({"anonymous_read": True}):
        answer = await called(gallery, name, shown, owner)
    assert answer.status in (200, 404), answer
    assert not [asset for asset in hidden if str(asset) in answer.data.decode()]
    assert b"secret" not in answer.data
    if answer.status == 200 and "sha256" in answer.data.decode():
        assert b'"sha256":null' in answer.data


async def called(gallery: Gallery, name: str, asset: AssetId, owner: Person) -> Answer:
    handle = (await gallery.row("SELECT handle FROM users WHERE id = %s", owner.user))["handle"]
    method, path = name.split(" ")
    for place, value in {"{assetId}": str(asset), "{handle}": handle}.items():
        path = path.replace(place, value)
    if "{" in path:
        path = path.replace(path[path.index("{") : path.index("}") + 1], str(asset))
    body: dict[str, Any] = {"json": {"texts": [{"q": WORD}], "facets": ["tag"]}} if method == "POST" else {}
    query = {
        "GET /v1/search": f"?q={WORD}&facets=tag",
        "GET /v1/suggest": "?q=quok",
        "GET /v1/assets": f"?owner={handle}&facets=tag",
    }
    return await gallery.ask(method, path + query.get(name, ""), **body)


@pytest.mark.promises("S1")
async def test_they_find_what_is_public_on_every_way_there(gallery: Gallery) -> None:
    _, shown, _ = await a_shelf(gallery)
    with gallery.with_other({"anonymous_read": True}):
        for path in (f"assets?tag={WORD}", f"search?q={WORD}", f"search?like={shown}&tag={WORD}"):
            found = [item["id"] for item in (await gallery.get(f"/v1/{path}")).json["items"]]
            assert str(shown) in found, path
        assert [tag["name"] for tag in (await gallery.get("/v1/suggest?q=quok")).json["tags"]] == [WORD]


@pytest.mark.promises("S1")
async def test_me_is_nobody_without_a_token(gallery: Gallery) -> None:
    with gallery.with_other({"anonymous_read": True}):
        asked = [await gallery.get(f"/v1/{path}owner=me") for path in ("assets?", "search?q=x&")]
        asked.append(await gallery.post("/v1/search", json={"texts": [{"q": "x"}], "filters": {"owner": "me"}}))
    assert [(answer.status, answer.code) for answer in asked] == [(401, "unauthenticated")] * 3


@pytest.mark.promises("S1")
@pytest.mark.parametrize("name", OPEN)
async def test_a_gallery_that_is_not_open_tells_them_nothing(gallery: Gallery, name: str) -> None:
    owner, shown, _ = await a_shelf(gallery)
    answer = await called(gallery, name, shown, owner)
    assert (answer.status, answer.code) == (401, "unauthenticated")
