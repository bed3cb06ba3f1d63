"""Tags of people and of machines on the same asset."""

import pytest

from functions.core.ids import AssetId
from functions.core.postgres.assets import refresh_words
from tests.support.doors import Gallery, Person

MACHINE = "zero-shot"


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def machine_says(gallery: Gallery, asset: AssetId, **said: float) -> None:
    """What a step writes, each time it runs: its own rows, by their key, with the words after it."""
    async with gallery.world.database.transaction() as tx:
        await tx.execute("DELETE FROM tags WHERE asset_id = %s AND source = %s", [asset, MACHINE])
        for name, confidence in said.items():
            await tx.execute("INSERT INTO tags VALUES (%s, %s, %s, %s)", [asset, name, MACHINE, confidence])
        await refresh_words(tx, asset)


async def patched(gallery: Gallery, who: Person, asset: AssetId, *names: str) -> None:
    etag = (await gallery.get(f"/v1/assets/{asset}", who)).headers["ETag"]
    answer = await gallery.ask("PATCH", f"/v1/assets/{asset}", who, json={"tags": names}, headers={"If-Match": etag})
    assert answer.status == 200, answer


async def taken(gallery: Gallery, who: Person, asset: AssetId, *names: str) -> None:
    body = {"ids": [str(asset)], "change": {"removeTags": names}}
    assert (await gallery.post("/v1/assets/bulk", who, json=body)).json["items"][0]["ok"]


async def shown(gallery: Gallery, who: Person, asset: AssetId) -> dict[str, tuple[str, float]]:
    told = (await gallery.get(f"/v1/assets/{asset}", who)).json["tags"]
    assert len({tag["name"] for tag in told}) == len(told), "one name is told once"
    return {tag["name"]: (tag["source"], round(tag["confidence"], 3)) for tag in told}


async def test_a_person_s_tags_and_a_machine_s_do_not_erase_each_other(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    await machine_says(gallery, asset, sea=0.8, boat=0.6)
    await patched(gallery, person, asset, "holiday", "sea")
    expected = {"holiday": ("person", 1.0), "sea": ("person", 1.0), "boat": (MACHINE, 0.6)}
    assert await shown(gallery, person, asset) == expected
    await machine_says(gallery, asset, sea=0.9, boat=0.7)
    assert await shown(gallery, person, asset) == expected | {"boat": (MACHINE, 0.7)}
    await patched(gallery, person, asset, "sea")
    assert await shown(gallery, person, asset) == {"sea": ("person", 1.0), "boat": (MACHINE, 0.7)}


async def test_what_a_person_took_away_no_redo_brings_back(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    await machine_says(gallery, asset, sea=0.8, gun=0.7)
    await taken(gallery, person, asset, "gun")
    assert await shown(gallery, person, asset) == {"sea": (MACHINE, 0.8)}
    await machine_says(gallery, asset, sea=0.9, gun=0.99)
    assert await shown(gallery, person, asset) == {"sea": (MACHINE, 0.9)}
    assert (await gallery.get("/v1/assets?tag=gun&owner=me", person)).json["items"] == []
    assert "gun" not in (await gallery.row("SELECT words FROM assets WHERE id = %s", asset))["words"]
    await patched(gallery, person, asset, "holiday")
    assert "gun" not in await shown(gallery, person, asset), "it stays away whatever else is said"
    await patched(gallery, person, asset, "gun")
    assert (await shown(gallery, person, asset))["gun"] == ("person", 1.0)


async def test_a_tag_that_person_and_machine_gave_goes_for_good_when_the_person_takes_it_back(
    gallery: Gallery, person: Person
) -> None:
    asset = await gallery.a_picture(person)
    await machine_says(gallery, asset, sea=0.8)
    await patched(gallery, person, asset, "sea")
    await patched(gallery, person, asset)
    assert await shown(gallery, person, asset) == {}
    await machine_says(gallery, asset, sea=0.8)
    assert await shown(gallery, person, asset) == {}


async def test_of_two_machines_the_surer_is_told(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    await machine_says(gallery, asset, sea=0.5)
    await gallery.do("INSERT INTO tags VALUES (%s, 'sea', 'other', 0.7)", asset)
    assert await shown(gallery, person, asset) == {"sea": ("other", 0.7)}
