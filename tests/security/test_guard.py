"""The embedded gallery serves its own machine only, by its own names only."""

import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from functions.core.errors import Invalid
from gateway.local.guard import HostHeader, known_hosts, refuse_unsafe

EMBEDDED = ("embedded:", "local:", "folder:", "edge:", "postgres:")
SERVED = ("postgresql://db/x", "https://id.example/realms/miraveja", "s3://bucket?endpoint=http://minio:9000")


@pytest.mark.promises("S64")
@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_the_embedded_parts_start_on_loopback(host: str) -> None:
    refuse_unsafe(host, "local", EMBEDDED)


@pytest.mark.promises("S64")
@pytest.mark.parametrize(
    "host",
    ["0.0.0.0",  # noqa: S104 (refused, that is the case)
     "::", "", "192.168.1.5", "10.0.0.1", "gallery.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.1",
     "2130706433", "0x7f000001", "::ffff:10.0.0.1", "169.254.169.254", "*"],
)  # fmt: skip
@pytest.mark.parametrize("part", ["local:", "folder:"])
def test_they_refuse_any_other_host(host: str, part: str) -> None:
    with pytest.raises(Invalid, match="loopback"):
        refuse_unsafe(host, "local", ["embedded:", part])


@pytest.mark.promises("S64")
@pytest.mark.parametrize("env", ["production", "Production", "PRODUCTION"])
@pytest.mark.parametrize("part", ["local:", "folder:"])
def test_they_refuse_production_on_loopback_too(env: str, part: str) -> None:
    with pytest.raises(Invalid, match="production"):
        refuse_unsafe("127.0.0.1", env, [part])


def test_served_parts_start_anywhere() -> None:
    refuse_unsafe("0.0.0.0", "production", SERVED)  # noqa: S104 (that is the case)


def test_the_refusal_names_the_part() -> None:
    with pytest.raises(Invalid, match="folder:, local:"):
        refuse_unsafe("10.0.0.1", "local", EMBEDDED)


async def answer_to(*headers: tuple[bytes, bytes], kind: str = "http", public: str | None = None) -> list[Message]:
    """What the gallery on port 8080 sends to a request with these headers."""
    sent: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "passed"})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    guarded = HostHeader(app, known_hosts(8080, public))
    await guarded({"type": kind, "headers": list(headers)}, receive, send)
    return sent


@pytest.mark.promises("S64")
@pytest.mark.parametrize("host", [b"localhost:8080", b"LocalHost:8080", b"127.0.0.1:8080", b"[::1]:8080"])
async def test_requests_by_the_names_of_this_machine_pass(host: bytes) -> None:
    assert await answer_to((b"accept", b"*/*"), (b"host", host)) == [{"type": "passed"}]


@pytest.mark.promises("S64")
@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"evil.example:8080", b"localhost", b"localhost:80", b"localhost:8080.evil.example", b"127.0.0.1",
     b"localhost.:8080", b"user@localhost:8080", b"localhost:8080, evil.example", b" localhost:8080", b"127.0.0.2:8080",
     b"0.0.0.0:8080", b"[::]:8080", b"", b"\xff", b"[::ffff:127.0.0.1]:8080"],
)  # fmt: skip
async def test_requests_by_any_other_name_are_misdirected(host: bytes) -> None:
    start, body = await answer_to((b"host", host))
    problem = json.loads(body["body"])
    assert (start["status"], problem["status"], problem["code"]) == (421, 421, "misdirected_request")
    assert dict(start["headers"])[b"connection"] == b"close"
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"


@pytest.mark.promises("S64")
@pytest.mark.parametrize("hosts", [[], [b"localhost:8080", b"localhost:8080"], [b"localhost:8080", b"evil.example"]])
async def test_requests_need_exactly_one_host(hosts: list[bytes]) -> None:
    start, _ = await answer_to(*((b"Host", host) for host in hosts))
    assert start["status"] == 400


@pytest.mark.promises("S64")
async def test_another_host_in_forwarding_headers_changes_nothing() -> None:
    start, _ = await answer_to((b"host", b"evil.example"), (b"x-forwarded-host", b"localhost:8080"))
    assert start["status"] == 421


@pytest.mark.parametrize(
    ("public", "host", "passes"),
    [
        ("https://Gallery.example", b"gallery.example", True),
        ("https://gallery.example", b"gallery.example:443", True),
        ("https://gallery.example", b"gallery.example:8080", False),
        ("http://gallery.example:9000", b"gallery.example:9000", True),
        ("http://gallery.example:9000/", b"gallery.example", False),
        ("http://gallery.example", b"gallery.example:80", True),
    ],
)
async def test_the_configured_public_address_passes(public: str, host: bytes, passes: bool) -> None:
    assert (await answer_to((b"host", host), public=public) == [{"type": "passed"}]) is passes


async def test_the_bare_name_means_port_80() -> None:
    assert known_hosts(80) >= {"localhost", "localhost:80", "[::1]", "127.0.0.1"}


async def test_what_is_no_request_passes_and_a_strange_socket_is_closed() -> None:
    assert await answer_to(kind="lifespan") == [{"type": "passed"}]
    assert (await answer_to((b"host", b"evil.example"), kind="websocket"))[0]["type"] == "websocket.close"
