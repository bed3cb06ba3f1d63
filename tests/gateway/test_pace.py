"""How fast one may go: each limit is a setting, each refusal says truthfully when to come back, and a flood waits for itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.core.errors import Limited
from gateway.app import routes
from gateway.shell.crowd import MOST_OF_ONE
from gateway.shell.pace import RULES
from gateway.shell.rates import Buckets
from gateway.shell.turns import Turns, lanes
from tests.support.doors import Answer, Gallery, Person, until
from tests.support.images import a_png

LIMITED = [
    "rate_presign",
    "rate_complete",
    "rate_search",
    "rate_similar",
    "rate_query_images",
    "rate_shares",
    "rate_bulk",
]


def test_every_rule_is_about_a_route_and_a_setting(gallery: Gallery) -> None:
    assert RULES.keys() <= {route.name for route in routes()}
    named = {name for rule in RULES.values() for name in (rule.user, rule.anonymous) if name}
    assert named <= type(gallery.door.settings).model_fields.keys()
    assert {rule.turns for rule in RULES.values() if rule.turns} | {"decoding", "measuring"} == lanes().keys()


async def act(gallery: Gallery, who: Person, limit: str) -> Answer:
    """Something that a limit counts."""
    asset = await gallery.a_picture(who) if limit == "rate_similar" else None
    form = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        + a_png(1, (8, 6))
        + b"\r\n--b--\r\n"
    )
    acts: dict[str, Callable[[], Awaitable[Answer]]] = {
        "rate_presign": lambda: gallery.post("/v1/uploads/check", who, json={"sha256": []}),
        "rate_complete": lambda: gallery.post(f"/v1/uploads/{who.user}/complete", who),
        "rate_search": lambda: gallery.post("/v1/search", who, json={"texts": [{"q": "harbour"}]}),
        "rate_similar": lambda: gallery.get(f"/v1/assets/{asset}/similar", who),
        "rate_shares": lambda: gallery.post("/v1/shares", who, json={"assetId": str(who.user)}),
        "rate_bulk": lambda: gallery.post("/v1/assets/bulk", who, json={"ids": [str(who.user)], "change": {"trash": True}}),
        "rate_query_images": lambda: gallery.post(
            "/v1/query-images", who, data=form, headers={"Content-Type": "multipart/form-data; boundary=b"}
        ),
    }  # fmt: skip
    return await acts[limit]()


@pytest.mark.promises("S51")
@pytest.mark.parametrize("limit", LIMITED)
async def test_one_more_than_a_user_may_is_refused_with_the_seconds_to_wait(gallery: Gallery, limit: str) -> None:
    person, other = await gallery.a_person(), await gallery.a_person()
    with gallery.with_other({limit: 3}):
        for _ in range(3):
            assert (await act(gallery, person, limit)).status != 429
        refused = await act(gallery, person, limit)
        assert (refused.status, refused.code) == (429, "limited")
        assert 15 <= int(refused.headers["Retry-After"]) == refused.json["retryAfter"] <= 20
        assert (await act(gallery, other, limit)).status != 429
    with gallery.with_other({limit: 0}):
        assert (await act(gallery, person, limit)).status != 429


@pytest.mark.promises("S51")
async def test_after_the_seconds_that_it_named_the_same_request_passes(gallery: Gallery) -> None:
    person = await gallery.a_person()
    with gallery.with_other({"rate_search": 60}):
        while (answer := await gallery.get("/v1/search?q=x", person)).status == 200:
            pass
        assert answer.code == "limited"
        await asyncio.sleep(int(answer.headers["Retry-After"]))
        assert (await gallery.get("/v1/search?q=x", person)).status == 200


@pytest.mark.promises("S51")
async def test_people_who_are_not_signed_in_share_their_networks_limit(gallery: Gallery) -> None:
    def beside(address: str) -> dict[str, Any]:
        return {"headers": {"X-Forwarded-For": address}}

    open_gallery = {"anonymous_read": True, "rate_search_anonymous": 2, "trusted_proxies": "127.0.0.0/8"}
    with gallery.with_other(open_gallery):
        for address in ("2001:db8:1:2::1", "2001:db8:1:2::2"):
            assert (await gallery.get("/v1/search?q=x", **beside(address))).status == 200
        assert (await gallery.get("/v1/search?q=x", **beside("6.6.6.6, 2001:db8:1:2::3"))).status == 429
        assert (await gallery.get("/v1/search?q=x", **beside("2001:db8:1:3::1"))).status == 200
    with gallery.with_other(open_gallery | {"trusted_proxies": ""}):
        told = [(await gallery.get("/v1/search?q=x", **beside(f"198.51.100.{n}"))).status for n in range(3)]
        assert told == [200, 200, 429], "an address that a stranger claims is no address"


@pytest.mark.promises("S51")
async def test_an_embedded_gallerys_owner_is_never_told_to_wait(gallery: Gallery) -> None:
    await gallery.accounts.owner()
    owner = gallery.accounts.token_for(str(gallery.identity.owner_subject()), "Owner")
    with gallery.with_other({"rate_presign": 1, "rate_search": 1}):
        for _ in range(5):
            for path in ("/v1/search?q=x", "/v1/assets?owner=me"):
                answer = await gallery.get(path, headers={"Authorization": f"Bearer {owner}"})
                assert answer.status == 200


@pytest.mark.promises("S51")
async def test_guesses_at_links_and_tokens_are_counted_by_network(gallery: Gallery) -> None:
    person = await gallery.a_person()
    with gallery.with_other({"rate_sign_in": 3, "rate_failures": 3}):
        told = [(await gallery.get(f"/start/{'x' * 20}{n}")).status for n in range(5)]
        assert told == [410, 410, 410, 429, 429]
        bad = {"Authorization": "Bearer x.y.z"}
        told = [(await gallery.get("/v1/me", headers=bad)).status for _ in range(5)]
        assert told == [401, 401, 401, 429, 429]
        assert (await gallery.get("/v1/me", person)).status == 200, "a good token is good whoever guesses beside it"


@pytest.mark.promises("S51")
async def test_keys_that_are_guessed_cost_no_look_once_their_network_has_failed_enough(gallery: Gallery) -> None:
    person = await gallery.a_person()
    made = [await gallery.post("/v1/keys", person, json={"name": n, "scopes": ["read"]}) for n in ("old", "new")]
    known, fresh = [replace(person, token=each.json["key"]) for each in made]
    assert (await gallery.get("/v1/me", known)).status == 200
    guess = {"Authorization": f"Bearer mv_{'A' * 43}"}
    with gallery.with_other({"rate_failures": 3}, buckets=Buckets()):
        assert [(await gallery.get("/v1/me", headers=guess)).status for _ in range(5)] == [401, 401, 401, 429, 429]
        used = "SELECT used_at FROM api_keys WHERE id = %s"
        assert (await gallery.get("/v1/me", fresh)).status == 429
        assert (await gallery.row(used, made[1].json["id"]))["used_at"] is None, "not even looked up"
        assert (await gallery.get("/v1/me", known)).status == 200
        assert (await gallery.get("/v1/me", person)).status == 200


@pytest.mark.promises("S51")
async def test_a_flood_of_searches_waits_behind_itself(gallery: Gallery) -> None:
    flooder, other = await gallery.a_person(), await gallery.a_person()
    told: list[int] = []

    async def flood() -> None:
        told.append((await gallery.get("/v1/search?q=harbour", flooder)).status)

    with gallery.with_other({"rate_search": 0}):
        tasks = [asyncio.create_task(flood()) for _ in range(60)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        before = len(told)
        assert (await gallery.get("/v1/search?q=harbour", other)).status == 200
        assert len(told) - before <= 15, "most of a flood of sixty is still waiting"
        await asyncio.gather(*tasks)
    assert set(told) == {200}
    assert not gallery.door.turns["searching"].busy


@pytest.mark.promises("S51")
async def test_a_flood_of_one_slows_the_others_little(gallery: Gallery) -> None:
    flooder, other = await gallery.a_person(), await gallery.a_person()
    going = True

    async def flood() -> None:
        while going:
            await gallery.get("/v1/search?q=harbour", flooder)

    async def median() -> float:
        times = []
        for _ in range(25):
            began = time.perf_counter()
            assert (await gallery.get("/v1/search?q=harbour", other)).status == 200
            times.append(time.perf_counter() - began)
        return sorted(times)[len(times) // 2]

    async def ratio() -> float:
        nonlocal going
        idle, going = await median(), True
        tasks = [asyncio.create_task(flood()) for _ in range(16)]
        try:
            return await median() / idle
        finally:
            going = False
            await asyncio.gather(*tasks)

    with gallery.with_other({"rate_search": 0}):
        await median()
        # The flood's own client runs in this process too, which a gallery never bears: twice becomes three times.
        assert min([await ratio() for _ in range(3)]) < 3


@pytest.mark.promises("S51", "S74")
async def test_example_pictures_in_memory_are_bounded(gallery: Gallery) -> None:
    inside = most = 0

    people = [await gallery.a_person() for _ in range(6)]
    real = gallery.door.embed_query

    async def counted(data: bytes) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            return await real(data)
        finally:
            inside -= 1

    with gallery.with_other({"rate_query_images": 0}, embed_query=counted):
        answers = await asyncio.gather(*(act(gallery, who, "rate_query_images") for who in people * 8))
    assert most <= 4
    assert {answer.status for answer in answers} == {201}


@pytest.mark.promises("S51", "S74")
async def test_pictures_that_come_slowly_keep_no_other_waiting(gallery: Gallery) -> None:
    person, slow = await gallery.a_person(), [await gallery.a_person() for _ in range(6)]
    host, held = gallery.url.removeprefix("http://"), []
    for each in slow:
        pair = await asyncio.open_connection("127.0.0.1", int(host.rsplit(":", 1)[1]))
        head = f"POST /v1/query-images HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {each.token}\r\n"
        pair[1].write(
            f"{head}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999\r\n\r\n--b".encode()
        )
        held.append(pair)

    async def all_here() -> bool:
        return len(gallery.door.turns["sending"]) == len(slow)

    await until(all_here)
    async with asyncio.timeout(5):
        assert (await act(gallery, person, "rate_query_images")).status == 201
    for _, writer in held:
        writer.close()


async def test_who_waits_too_long_for_a_turn_is_told_to_come_again() -> None:
    turns = Turns(together=1, each=1, waiting=1, longest_s=0.05)
    async with turns.of("one"):
        for who in ("one", "another"):
            with pytest.raises(Limited):
                async with turns.of(who):
                    pass
    assert not turns.busy
    async with turns.of("another"):
        assert turns.busy


@pytest.mark.promises("S51", "S74")
async def test_one_network_does_not_take_every_place(gallery: Gallery) -> None:
    person = await gallery.a_person()
    host = gallery.url.removeprefix("http://")
    head = f"POST /store/miraveja HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 198.51.100.1\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999\r\n\r\n"
    crowded = {"X-Forwarded-For": "198.51.100.1"}

    async def full() -> bool:
        return (await gallery.get("/livez", headers=crowded)).status == 429

    async def empty() -> bool:
        return not await full()

    with gallery.with_other({"trusted_proxies": "127.0.0.0/8"}):
        held = []
        for _ in range(MOST_OF_ONE):
            pair = await asyncio.open_connection("127.0.0.1", int(host.rsplit(":", 1)[1]))
            pair[1].write(head.encode())
            held.append(pair)
        await until(full)
        answer = await gallery.get("/livez", headers=crowded)
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "limited", "1")
        assert (await gallery.get("/v1/search?q=x", person, headers={"X-Forwarded-For": "198.51.100.2"})).status == 200
        for _, writer in held:
            writer.close()
        await until(empty)
