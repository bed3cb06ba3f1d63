"""The parts that limits are made of: addresses behind proxies, buckets, turns."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.errors import Invalid, Limited
from functions.core.settings import Settings
from functions.core.written import networks
from gateway.shell.address import client_address, network
from gateway.shell.rates import MOST_BUCKETS, Buckets
from gateway.shell.turns import Turns

PROXIES = "10.0.0.0/8, ::1, 2001:db8:aa::/48"


@pytest.mark.promises("S51")
@pytest.mark.parametrize(("peer", "lines", "address"), [
    ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
    ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
    ("10.0.0.1", ["6.6.6.6", "198.51.100.1", "10.9.9.9"], "198.51.100.1"),
    ("10.0.0.1", [], "10.0.0.1"), ("10.0.0.1", [""], "10.0.0.1"), ("10.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
    ("10.0.0.1", ["198.51.100.1, rubbish"], "10.0.0.1"), ("10.0.0.1", ["198.51.100.1, rubbish, 10.2.2.2"], "10.2.2.2"),
    ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"), ("::1", ["[2001:db8::7]:80"], "2001:db8::7"),
    ("::1", ["2001:db8::7"], "2001:db8::7"), ("::1", ["::ffff:198.51.100.1"], "198.51.100.1"),
    ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"), ("", ["198.51.100.1"], ""),
])  # fmt: skip
def test_the_address_is_the_right_most_that_no_proxy_of_ours_has(peer: str, lines: list[str], address: str) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    scope = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    assert client_address(scope, networks(PROXIES)) == address
    alone = client_address(scope, networks(""))
    assert alone == peer.removeprefix("::ffff:"), "without trusted proxies nobody is believed"


@given(st.text(max_size=80))
def test_no_forwarding_header_breaks_anything(text: str) -> None:
    headers = [(b"x-forwarded-for", text.encode("utf-8", "replace"))]
    assert client_address({"type": "http", "client": ("10.0.0.1", 1), "headers": headers}, networks(PROXIES))


@pytest.mark.promises("S51")
def test_a_customer_of_ipv6_is_one_network() -> None:
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network("2001:db8:1:3::4") != network("2001:db8:1:2::4")
    assert (network("198.51.100.1"), network("")) == ("198.51.100.1", "")


@pytest.mark.parametrize(("name", "value"), [
    ("TRUSTED_PROXIES", "10.0.0.1/8"), ("TRUSTED_PROXIES", "proxy"), ("CORS_ORIGINS", "*"), ("CORS_ORIGINS", "null"),
    ("CORS_ORIGINS", "https://a.example/"), ("CORS_ORIGINS", "https://*.a.example"), ("CORS_ORIGINS", "a.example"),
    ("CORS_ORIGINS", "https://A.example"), ("SECURITY_CONTACT", "me@a.example"), ("SECURITY_CONTACT", "http://a.example"),
    ("SECURITY_CONTACT", "mailto:a@b.example\nContact: mailto:evil@c.example"), ("RATE_SEARCH", "-1"), ("RATE_PRESIGN", "x"),
])  # fmt: skip
def test_a_setting_in_a_wrong_form_names_itself(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=rf"^MIRAVEJA_{name}(:| is) "):
        Settings.load({f"MIRAVEJA_{name}": value})


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.promises("S51")
@given(st.integers(1, 700), st.sampled_from([60.0, 3600.0]), st.floats(0, 100_000))
def test_a_bucket_gives_its_count_and_tells_the_truth_about_the_next(count: int, per_s: float, start: float) -> None:
    clock = Clock()
    clock.now = start
    buckets = Buckets(clock)
    for _ in range(count):
        buckets.take("a", count, per_s)
    with pytest.raises(Limited) as caught:
        buckets.take("a", count, per_s)
    wait = caught.value.facts["retry_after"]
    assert isinstance(wait, int)
    assert 1 <= wait <= per_s
    buckets.take("b", count, per_s)
    clock.now += wait
    buckets.take("a", count, per_s)


@pytest.mark.promises("S51")
def test_no_more_than_the_rate_passes_in_the_long_run_and_zero_is_no_limit() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    passed = 0
    for _ in range(6_000):
        clock.now += 0.1
        try:
            buckets.take("a", 60, 60.0)
            passed += 1
        except Limited:
            continue
    assert 600 <= passed <= 660
    for _ in range(10_000):
        buckets.take("a", 0, 60.0)


@pytest.mark.promises("S51", "S74")
def test_the_number_of_buckets_is_bounded() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for number in range(MOST_BUCKETS * 3):
        buckets.take(number, 60, 60.0)
    assert len(buckets) <= MOST_BUCKETS
    clock.now += 60
    buckets.take("last", 60, 60.0)
    for _ in range(59):
        buckets.take("last", 60, 60.0)
    with pytest.raises(Limited):
        buckets.take("last", 60, 60.0)


@pytest.mark.promises("S51")
async def test_one_owner_waits_behind_themselves_and_others_do_not() -> None:
    turns = Turns(together=2, each=1, waiting=10)
    done: list[str] = []
    go = asyncio.Event()

    async def work(owner: str) -> None:
        async with turns.of(owner):
            await go.wait()
            done.append(owner)

    flood = [asyncio.create_task(work("a")) for _ in range(11)]
    await asyncio.sleep(0)
    with pytest.raises(Limited):
        await work("a")
    other = asyncio.create_task(work("b"))
    await asyncio.sleep(0)
    go.set()
    await other
    assert done.count("a") <= 2
    await asyncio.gather(*flood)
    assert done.count("a") == 11
    assert not turns.busy


@pytest.mark.promises("S51")
async def test_all_together_have_a_bound_and_who_hangs_up_leaves_no_trace() -> None:
    turns = Turns(together=3, each=1, waiting=5)
    inside = most = 0

    async def work(owner: int) -> None:
        nonlocal inside, most
        async with turns.of(owner):
            inside += 1
            most = max(most, inside)
            try:
                await asyncio.sleep(0)
            finally:
                inside -= 1

    tasks = [asyncio.create_task(work(number // 3)) for number in range(60)]
    await asyncio.sleep(0)
    for task in tasks[::7]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 3
    assert not turns.busy
    await work(1)
