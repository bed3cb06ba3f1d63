"""Keys rotate, the provider may be down for a day, and a flood of unknown kids costs one fetch per 30 s."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from functions.core.adapters.jwks_http import fetch_jwks
from functions.core.errors import Malformed, Unavailable
from functions.core.identity.keys import MAX_BYTES, JwksKeys, StaticKeys, parse_jwks
from functions.core.identity.recent import Recent
from tests.support.forge import KID, Forge, b64, jwk, jwks, rsa_key

FIRST, SECOND = rsa_key("first"), rsa_key("second")


class Provider:
    """An identity provider: publishes some keys, counts fetches, can be down or slow; its clock stands still."""

    def __init__(self, *kids: str) -> None:
        self.kids, self.now, self.fetches, self.down = list(kids), 1_000.0, 0, False
        self.asked, self.open = asyncio.Event(), asyncio.Event()
        self.open.set()
        self.naps: asyncio.Queue[float] = asyncio.Queue()
        self.woken = asyncio.Semaphore(0)

    async def fetch(self, url: str) -> bytes:
        assert url == "https://id.example/jwks"
        self.fetches += 1
        self.asked.set()
        await self.open.wait()
        if self.down:
            raise Unavailable("down")
        return jwks(*(jwk(kid, FIRST) for kid in self.kids))

    async def sleep(self, seconds: float) -> None:
        self.naps.put_nowait(seconds)
        await self.woken.acquire()
        self.now += seconds

    def keys(self) -> JwksKeys:
        return JwksKeys("https://id.example/jwks", self.fetch, lambda: self.now, self.sleep)


@pytest.mark.promises("S5")
async def test_ten_thousand_unknown_kids_cost_one_fetch_per_30_s() -> None:
    provider = Provider("a")
    keys = provider.keys()
    await keys.refresh()
    for _ in range(3):
        provider.now += 30
        before = provider.fetches
        for _ in range(10_000 // 3 + 1):
            assert await keys.key(secrets.token_hex(8)) is None
        assert provider.fetches - before == 1


@pytest.mark.promises("S5")
async def test_many_who_ask_at_once_share_one_fetch() -> None:
    provider = Provider("a")
    provider.open.clear()
    keys = provider.keys()
    asking = [asyncio.create_task(keys.key("a")) for _ in range(100)]
    await provider.asked.wait()
    provider.open.set()
    assert all(await asyncio.gather(*asking))
    assert provider.fetches == 1


@pytest.mark.promises("S5")
async def test_a_known_key_does_not_wait_for_an_unknown_one() -> None:
    provider = Provider("a")
    keys = provider.keys()
    await keys.refresh()
    provider.now += 31
    provider.open.clear()
    provider.asked.clear()
    strangers = [asyncio.create_task(keys.key(f"x{i}")) for i in range(1_000)]
    await provider.asked.wait()
    began = time.thread_time()
    for _ in range(1_000):
        assert await keys.key("a")
    assert (time.thread_time() - began) / 1_000 < 0.01
    provider.open.set()
    assert not any(await asyncio.gather(*strangers))


@pytest.mark.promises("S5")
async def test_a_new_key_is_found_after_one_refresh_and_a_removed_one_goes() -> None:
    provider = Provider("old")
    keys = provider.keys()
    await keys.refresh()
    provider.now += 30
    provider.kids = ["old", "new"]
    assert await keys.key("new")
    assert await keys.key("old")
    provider.kids = ["new"]
    await keys.refresh()
    assert await keys.key("old") is None
    assert await keys.key("new")


@pytest.mark.promises("S5")
async def test_a_kid_that_was_not_there_is_not_asked_for_again_for_30_s() -> None:
    provider = Provider("a")
    keys = provider.keys()
    await keys.refresh()
    provider.now += 30
    assert await keys.key("late") is None
    provider.kids.append("late")
    for _ in range(29):
        provider.now += 1
        assert await keys.key("late") is None
    assert provider.fetches == 2
    provider.now += 1
    assert await keys.key("late")


@pytest.mark.promises("S5")
async def test_a_new_key_that_is_asked_for_all_the_time_is_found_within_30_s() -> None:
    provider = Provider("old")
    keys = provider.keys()
    await keys.refresh()
    provider.kids.append("new")
    for _ in range(29):
        provider.now += 1
        assert await keys.key("new") is None
    provider.now += 1
    assert await keys.key("new")


@pytest.mark.promises("S6")
async def test_keys_outlive_a_provider_that_is_down_for_a_day_but_no_longer() -> None:
    provider = Provider("a")
    keys = provider.keys()
    await keys.refresh()
    provider.down = True
    for hours in (0.25, 23.75):
        provider.now += hours * 3_600
        await keys.refresh()
        assert await keys.key("a")
    assert (keys.failures, keys.age_s) == (2, 24 * 3_600)
    keys.check()
    provider.now += 1
    with pytest.raises(Unavailable):
        await keys.key("a")
    with pytest.raises(Unavailable):
        keys.check()


@pytest.mark.promises("S6")
async def test_a_cold_start_without_the_provider_says_so_and_recovers() -> None:
    provider = Provider("a")
    provider.down = True
    keys = provider.keys()
    for _ in range(10):
        with pytest.raises(Unavailable):
            await keys.key("a")
    assert provider.fetches == 1
    provider.down = False
    provider.now += 31
    assert await keys.key("a")


@pytest.mark.promises("S6")
async def test_a_bad_document_or_a_lost_connection_keeps_the_keys_we_have() -> None:
    answers: list[bytes | Exception] = [jwks(jwk("a", FIRST)), b"<html>", OSError("reset"), jwks()]

    async def fetch(_url: str) -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keys = JwksKeys("https://id.example/jwks", fetch)
    for _ in range(4):
        await keys.refresh()
    assert await keys.key("a")
    assert keys.failures == 3


@asynccontextmanager
async def running(work: Awaitable[object]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_keys_are_fetched_at_once_then_every_300_s_and_sooner_while_it_fails() -> None:
    provider, naps = Provider("a"), []
    async with running(provider.keys().keep_fresh()):
        for down in (True, True, False, True, False, False):
            naps.append(await provider.naps.get())
            provider.down = down
            provider.woken.release()
        naps.append(await provider.naps.get())
    assert naps == [0, 2, 2, 300, 30, 300, 300]


async def test_a_fetch_on_demand_puts_off_the_next_regular_one() -> None:
    provider = Provider("a")
    keys = provider.keys()
    await keys.refresh()
    provider.now += 200
    await keys.key("unknown")
    provider.now += 10
    async with running(keys.keep_fresh()):
        assert await provider.naps.get() == 290


async def test_static_keys_are_known_by_their_kid() -> None:
    forge = Forge()
    keys = StaticKeys([forge.key])
    assert await keys.key(KID) is not None
    assert await keys.key("other") is None


# documents


def test_only_rsa_keys_for_signatures_of_2048_bits_are_taken() -> None:
    found = parse_jwks(jwks(
        jwk("good", FIRST), jwk("free", FIRST, alg=None), jwk("small", rsa_key("small", 1_024)),
        jwk("enc", FIRST, use="enc", alg="RSA-OAEP"), jwk("nouse", FIRST, use=None),
        jwk("ec", FIRST, kty="EC"), jwk("../x", FIRST), jwk("n", FIRST, n="!"), jwk("e", FIRST, e=b64(b"\x02")),
        jwk("alg", FIRST, alg=7), jwk("nonsense", FIRST, n=5), jwk("secret", FIRST, k="AAAA", kty="oct"),
        {"kid": "bare", "kty": "RSA", "use": "sig"}, jwk("x", FIRST) | {"kid": 1}, "text", None,
    ))  # fmt: skip
    assert set(found) == {"good", "free"}
    assert found["good"].algorithm == "RS256"
    assert found["free"].algorithm is None


@pytest.mark.promises("S62")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b"[" * 100_000,
        b"\xff\xfe",
        jwks(),
        jwks(jwk("enc", FIRST, use="enc")),
        jwks(*(jwk(f"k{i}", FIRST) for i in range(21))),
        jwks(jwk("a", FIRST)) + b" " * MAX_BYTES,
    ],
    ids=["empty", "null", "list", "object", "dict", "deep", "binary", "none", "no usable one", "21", "too large"],
)
def test_a_document_without_one_to_twenty_keys_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_jwks(body)


def test_twenty_keys_are_not_too_many() -> None:
    assert len(parse_jwks(jwks(*(jwk(f"k{i}", FIRST) for i in range(20))))) == 20


async def test_a_forged_key_in_the_token_is_never_used_because_keys_come_by_name_only() -> None:
    keys = StaticKeys(parse_jwks(jwks(jwk("a", FIRST))).values())
    found = await keys.key("a")
    assert found is not None
    assert found.public.public_numbers() != SECOND.public_key().public_numbers()


# bounded memory


def test_what_is_remembered_is_bounded_and_the_least_used_goes_first() -> None:
    memory: Recent[int] = Recent(2)
    memory.put("a", 1, 10)
    memory.put("b", 2, 10)
    assert memory.get("a", 0) == 1
    memory.put("c", 3, 10)
    assert (memory.get("a", 0), memory.get("b", 0), memory.get("c", 0), len(memory)) == (1, None, 3, 2)


def test_what_is_remembered_ends_at_its_time() -> None:
    memory: Recent[int] = Recent(2)
    memory.put("a", 1, 10)
    assert (memory.get("a", 9.9), memory.get("a", 10), len(memory)) == (1, None, 0)


# over HTTP

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/jwks", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/jwks"))


async def test_the_set_is_fetched_over_http() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(json.loads(jwks(jwk("a", FIRST))))

    async with served(handler) as url:
        assert set(parse_jwks(await fetch_jwks(url))) == {"a"}


@pytest.mark.promises("S62")
async def test_redirects_are_not_followed() -> None:
    visited = []

    async def handler(request: web.Request) -> web.Response:
        visited.append(request.query_string)
        return web.Response(status=302, headers={"Location": "/jwks?again"})

    async with served(handler) as url:
        with pytest.raises(Unavailable):
            await fetch_jwks(url)
    assert visited == [""]


@pytest.mark.promises("S62")
async def test_a_document_over_a_mebibyte_is_not_read_to_its_end() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b" " * (MAX_BYTES + 1))

    async with served(handler) as url:
        with pytest.raises(Unavailable, match="1 MiB"):
            await fetch_jwks(url)


@pytest.mark.promises("S62")
async def test_packed_data_is_not_unpacked() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    async with served(handler) as url:
        assert await fetch_jwks(url) == b"\x1f\x8b"


@pytest.mark.promises("S62")
async def test_a_provider_that_does_not_answer_is_given_up() -> None:
    release = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with served(handler) as url:
        with pytest.raises(Unavailable):
            await fetch_jwks(url, timeout_s=0.05)
        release.set()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/jwks", "nonsense", "file:///etc/passwd"])
async def test_an_address_that_leads_nowhere_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable):
        await fetch_jwks(url)


@pytest.mark.parametrize("status", [204, 404, 500])
async def test_any_other_answer_is_unavailable(status: int) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with served(handler) as url:
        with pytest.raises(Unavailable):
            await fetch_jwks(url)
