"""Pictures under signed addresses: whoever has the address, as long as the row says so."""

from datetime import timedelta

import pytest

from functions.core.ids import AssetId
from functions.core.signing import Picture, media_url, original_url
from functions.core.times import utcnow
from tests.support.doors import PIXEL, Gallery, Person, until
from tests.support.worlds import MEDIA

pytestmark = pytest.mark.promises("S30")


@pytest.fixture
async def person(gallery: Gallery) -> Person:
    return await gallery.a_person()


async def test_an_address_shows_its_rendition_and_nothing_else(gallery: Gallery, person: Person) -> None:
    asset, other = await gallery.a_picture(person), await gallery.a_picture(person)
    url = await gallery.media_of(asset, person)
    shown = await gallery.get(url)
    assert (shown.status, shown.data, shown.headers["Content-Type"]) == (200, b"webp", "image/webp")
    assert shown.headers["Cache-Control"].startswith("private, max-age=")
    assert shown.headers["Cache-Control"].endswith("immutable")
    path, query = url.split("?")
    exp, kid, sig = (part.partition("=")[2] for part in query.split("&"))
    changed = [
        url.replace("/256?", "/720?"), url.replace("/256?", "/original?"), url.replace("/1/256", "/2/256"),
        url.replace(str(asset), str(other)), f"{path}?exp={int(exp) + 1}&kid={kid}&sig={sig}",
        f"{path}?exp={exp}&kid=x&sig={sig}", f"{path}?exp={exp}&kid={kid}&sig={sig[:-1]}", f"{path}?exp={exp}&kid={kid}&sig=",
        f"{path}?exp=0{exp}&kid={kid}&sig={sig}", f"{path}?exp=NaN&kid={kid}&sig={sig}", f"{url}&exp={exp}9",
    ]  # fmt: skip
    for address in changed:
        answer = await gallery.get(address)
        assert (answer.status, answer.code) == (403, "forbidden"), address
    assert (await gallery.get(path)).status == 422


async def test_an_expired_address_is_refused(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    for owner in (True, False):
        old = media_url(MEDIA, Picture(asset, 1, "256"), utcnow() - timedelta(days=2), owner=owner)
        assert (await gallery.get(old)).status == 403
    assert (await gallery.get(original_url(MEDIA, asset, 1, utcnow() - timedelta(minutes=5, seconds=1)))).status == 403
    assert (await gallery.get(original_url(MEDIA, asset, 1, utcnow() - timedelta(minutes=4)))).status == 200


async def statuses(gallery: Gallery, urls: list[str]) -> set[int]:
    return {(await gallery.get(url)).status for url in urls}


@pytest.mark.promises("S39")
async def test_hiding_works_within_five_seconds_and_the_owner_goes_on_seeing(gallery: Gallery, person: Person) -> None:
    other = await gallery.a_person()
    changes = ["visibility = 'private'", "moderation = 'restricted'", "trashed_at = now()", "state = 'rejected'"]
    assets = [await gallery.a_picture(person, visibility="public") for _ in changes]
    theirs = [await gallery.media_of(asset, other) for asset in assets]
    mine = [await gallery.media_of(asset, person) for asset in assets]
    deleted = await gallery.a_picture(person, visibility="public")
    dead = [await gallery.media_of(deleted, other), await gallery.media_of(deleted, person)]
    assert await statuses(gallery, theirs + mine + dead) == {200}
    for asset, change in zip(assets, changes, strict=True):
        await gallery.do(f"UPDATE assets SET {change} WHERE id = %s", asset)
    assert (await gallery.ask("DELETE", f"/v1/assets/{deleted}?permanent=true", person)).status == 204

    async def gone() -> bool:
        return await statuses(gallery, theirs + dead) == {404}

    assert await until(gone) <= 5.5
    assert await statuses(gallery, mine) == {200}


async def test_an_original_is_a_download_of_the_type_that_we_found(gallery: Gallery, person: Person) -> None:
    name = 'été "x"\r\n; filename=evil.html 🦊.png'
    asset = await gallery.a_picture(person, name=name.replace("\r\n", ""), declared_type="image/gif")
    url = (await gallery.get(f"/v1/assets/{asset}/original", person)).headers["Location"]
    answer = await gallery.get(url)
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (200, PIXEL, "image/png")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''%C3%A9t%C3%A9%20%22x%22")
    assert not set(disposition.removeprefix("attachment; filename*=")) & set('; "\r\n')
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-site"
    assert answer.headers["Cache-Control"].startswith("private, max-age=")
    assert (await gallery.get(url.replace("/original?", "/1600?"))).status == 403


async def test_an_address_of_what_is_not_there_says_only_that(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    missing = media_url(MEDIA, Picture(asset, 1, "1600"), utcnow(), owner=True)
    purged = media_url(MEDIA, Picture(AssetId(person.user), 1, "256"), utcnow(), owner=True)
    huge = media_url(MEDIA, Picture(asset, 10**30, "256"), utcnow(), owner=True)
    lost = await gallery.a_picture(person)
    url = await gallery.media_of(lost, person)
    await gallery.world.ports.objects.delete(f"derived/{lost}/1/256.webp")
    await gallery.world.ports.objects.delete(f"originals/{lost}/1")
    original = original_url(MEDIA, lost, 1, utcnow())
    for address in (missing, purged, huge, huge.replace("/256?", "/original?"), url, original):
        answer = await gallery.get(address)
        assert answer.status in (403, 404)
        assert answer.json.keys() == {"type", "title", "status", "code", "detail", "requestId"}


async def test_a_token_is_no_address(gallery: Gallery, person: Person) -> None:
    asset = await gallery.a_picture(person)
    assert (await gallery.get(f"/media/{asset}/1/256", person)).status == 422
    assert (await gallery.get(f"/media/{asset}/1/256?exp=9999999999&kid=t&sig={'A' * 43}", person)).status == 403
