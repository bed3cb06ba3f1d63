"""The door of the embedded store, knocked at as browsers and thieves do: only an honest form, unchanged, gets in."""

import asyncio
import hashlib
import json
import logging
import resource
import socket
import xml.etree.ElementTree as ET
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from events.minio import arrived
from functions.core.adapters.objects_folder import FolderObjects
from functions.core.adapters.post_policy import Credentials, Grant, sign_form, signature
from functions.core.errors import NotFound
from functions.core.ids import AssetId, uuid7
from gateway.local.store import store_routes
from tests.support.doors import until

PICTURE = b"\x89PNG\r\n\x1a\n--b\r\n--bound\r\n" + bytes(range(256)) * 400
TYPE = "image/png"
BOUNDARY = "bound-a-ry"
KEYS = Credentials("upload-signer", "a secret of the store")
IDLE_S = 0.3

Fields = list[tuple[str, str]]
Document = dict[str, list[object]]


@dataclass
class Shop:
    """A store behind a real server, and what it has told about."""

    objects: FolderObjects
    root: Path
    asset: AssetId = field(default_factory=lambda: AssetId(uuid7()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    told: list[bytes] = field(default_factory=list)
    notify_fails: bool = False
    address: str = ""

    @property
    def key(self) -> str:
        return f"incoming/{self.asset}"

    async def notify(self, body: bytes) -> None:
        if self.notify_fails:
            raise ConnectionError("the log of events is away")
        self.told.append(body)

    async def fields(self, data: bytes = PICTURE) -> Fields:
        form = await self.objects.presign_post(self.asset, TYPE, len(data), hashlib.sha256(data).digest())
        return list(form.fields.items())

    async def post(self, body: bytes, bucket: str = "miraveja", **headers: str) -> "Answer":
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return await self.ask("POST", f"/store/{bucket}", data=BytesIO(body), headers=kind | headers)

    async def ask(
        self, method: str, path: str, *, data: object = None, headers: dict[str, str] | None = None
    ) -> "Answer":
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, URL(self.address + path, encoded=True), data=data, headers=headers) as answer,
        ):
            text = await answer.text()
            return Answer(answer.status, text, answer.headers)

    async def untouched(self) -> bool:
        return (
            not list((self.root / "temp").iterdir())
            and not [one async for one in self.objects.list("")]
            and not self.told
        )


@dataclass
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]

    def element(self, name: str) -> str | None:
        return ET.fromstring(self.text).findtext(name)  # noqa: S314 -- our own server wrote it

    @property
    def refusal(self) -> tuple[int, str | None]:
        return self.status, self.element("Code")


class Door:
    """One server for all tests, whatever store is behind it at the moment."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
async def door() -> AsyncIterator[tuple[Door, str]]:
    made = Door()
    server = uvicorn.Server(uvicorn.Config(made, log_level="warning", lifespan="off", ws="none"))
    listening = socket.create_server(("127.0.0.1", 0))
    running = asyncio.create_task(server.serve([listening]))
    yield made, f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await running


@pytest.fixture
async def shop(tmp_path: Path, door: tuple[Door, str]) -> Shop:
    root = tmp_path / "store"
    made = Shop(
        FolderObjects(root, KEYS, "http://localhost/store/miraveja", clock=lambda: made.now), root, address=door[1]
    )
    door[0].app = Starlette(routes=store_routes(made.objects, made.notify, idle_s=IDLE_S))
    return made


def multipart(fields: Fields, data: bytes | None = PICTURE, after: Fields | None = None, name: str = "file") -> bytes:
    parts = [part(name, value.encode()) for name, value in fields]
    if data is not None:
        parts.append(part(name, data, f'; filename="../../{"x" * 20}.png"', "Content-Type: text/html\r\n"))
    parts += [part(name, value.encode()) for name, value in after or []]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def part(name: str, value: bytes, more: str = "", header: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{header}\r\n'
    return head.encode() + value + b"\r\n"


def changed(fields: Fields, name: str, value: str) -> Fields:
    return [(field, value if field == name else old) for field, old in fields]


def forged(fields: Fields, change: Callable[[Document], object], **values: str) -> Fields:
    """The same form with another policy, and signed with the right key: what a bug in our signer could let out."""
    form = dict(fields) | {name.replace("_", "-") if name != "key" else name: value for name, value in values.items()}
    document: Document = json.loads(b64decode(form["policy"]))
    change(document)
    form["policy"] = b64encode(json.dumps(document).encode()).decode()
    form["x-amz-signature"] = signature(KEYS, form["x-amz-date"], form["policy"])
    return list(form.items())


def without(name: str) -> Callable[[Document], object]:
    return lambda document: document.update(conditions=[one for one in document["conditions"] if name not in str(one)])


def with_key(key: str) -> Callable[[Document], object]:
    return lambda document: document.update(
        conditions=[{"key": key} if isinstance(one, dict) and "key" in one else one for one in document["conditions"]]
    )


@pytest.mark.promises("S23", "S24")
async def test_an_honest_form_is_taken_whole_and_told_about(shop: Shop) -> None:
    answer = await shop.post(multipart(await shop.fields()))
    etag = f'"{hashlib.sha256(PICTURE).hexdigest()}"'
    assert (answer.status, answer.headers["ETag"], answer.element("ETag")) == (201, etag, etag)
    assert (answer.element("Bucket"), answer.element("Key")) == ("miraveja", shop.key)
    assert answer.element("Location") == f"http://localhost/store/miraveja/{shop.key}"
    assert (await shop.objects.read(shop.key), (await shop.objects.stat(shop.key)).content_type) == (PICTURE, TYPE)
    assert [fact.asset_id for body in shop.told for fact in arrived(body, bucket="miraveja")] == [shop.asset]


async def test_a_browser_like_client_gets_in_too_and_may_come_again(shop: Shop) -> None:
    for _ in range(2):
        form = aiohttp.FormData()
        for name, value in await shop.fields():
            form.add_field(name, value)
        form.add_field("file", PICTURE, filename="a.png", content_type="image/png")
        assert (await shop.ask("POST", "/store/miraveja", data=form)).status == 201
    assert len(shop.told) == 2


async def test_large_bytes_stream_through_in_any_rhythm(shop: Shop) -> None:
    data = bytes(range(256)) * 40_000
    body = multipart(await shop.fields(data), data)
    assert (await shop.post(body)).status == 201
    assert await shop.objects.read(shop.key) == data


async def test_a_body_in_the_smallest_pieces_means_the_same(shop: Shop) -> None:
    body = multipart(await shop.fields(b"seven\r\n"), b"seven\r\n")
    async with connection(shop) as (reader, writer):
        writer.write(head(len(body)))
        for at in range(0, len(body), 7):
            writer.write(body[at : at + 7])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    assert await shop.objects.read(shop.key) == b"seven\r\n"


async def _begun(shop: Shop) -> bool:
    return bool(list((shop.root / "temp").iterdir()))


async def test_of_two_bodies_on_one_form_the_later_counts_and_the_earlier_ends(shop: Shop) -> None:
    body = multipart(await shop.fields())
    async with connection(shop) as (reader, writer):
        writer.write(head(len(body)) + body[: len(body) // 2])
        await until(partial(_begun, shop))
        assert (await shop.post(body)).status == 201
        assert (await reader.readline()).startswith(b"HTTP/1.1 409")
        assert b"OperationAborted" in await reader.read()
    assert await shop.objects.read(shop.key) == PICTURE
    assert not list((shop.root / "temp").iterdir())


FORGERIES: dict[str, Callable[[Fields], Fields]] = {
    "another key": lambda f: changed(f, "key", f"incoming/{uuid7()}"),
    "the key of an original": lambda f: changed(f, "key", "originals/a/1"),
    "another type": lambda f: changed(f, "Content-Type", "text/html"),
    "another status": lambda f: changed(f, "success_action_status", "200"),
    "another checksum": lambda f: changed(f, "x-amz-checksum-sha256", b64encode(bytes(32)).decode()),
    "a tampered policy": lambda f: changed(f, "policy", dict(f)["policy"][:-8] + "AAAAAAA="),
    "an empty policy": lambda f: changed(f, "policy", ""),
    "a wrong signature": lambda f: changed(f, "x-amz-signature", "0" * 64),
    "no signature": lambda f: [one for one in f if one[0] != "x-amz-signature"],
    "no policy": lambda f: [one for one in f if one[0] != "policy"],
    "no fields at all": lambda _: [],
    "only a key": lambda f: [one for one in f if one[0] == "key"],
    "another access key": lambda f: changed(f, "x-amz-credential", dict(f)["x-amz-credential"].replace("upload", "admin")),
    "key twice": lambda f: [*f, ("key", dict(f)["key"])],
    "Key beside key": lambda f: [*f, ("Key", dict(f)["key"])],
    "KEY instead of key": lambda f: [("KEY" if name == "key" else name, value) for name, value in f],
    "content-type beside Content-Type": lambda f: [*f, ("content-type", TYPE)],
    "acl": lambda f: [*f, ("acl", "public-read")],
    "tagging": lambda f: [*f, ("tagging", "<Tagging/>")],
    "success_action_redirect": lambda f: [*f, ("success_action_redirect", "https://evil.example")],
    "a customer's key": lambda f: [*f, ("x-amz-server-side-encryption-customer-algorithm", "AES256")],
    "x-minio-fanout-list": lambda f: [*f, ("x-minio-fanout-list", '[{"key":"originals/a/1"}]')],
    "changed meta": lambda f: [*forged(f, lambda d: d["conditions"].append({"x-amz-meta-a": "1"})), ("x-amz-meta-a", "2")],
    "meta as signed": lambda f: [*forged(f, lambda d: d["conditions"].append({"x-amz-meta-a": "1"})), ("x-amz-meta-a", "1")],
    "acl as signed": lambda f: [*forged(f, lambda d: d["conditions"].append({"acl": "private"})), ("acl", "private")],
    "${filename}": lambda f: forged(f, with_key("incoming/${filename}"), key="incoming/${filename}"),
    "a signed key of an original": lambda f: forged(f, with_key("originals/a/1"), key="originals/a/1"),
    "a signed key with dots": lambda f: forged(f, with_key("incoming/../originals/a"), key="incoming/../originals/a"),
    "any key": lambda f: forged(f, lambda d: d["conditions"].append(["starts-with", "$key", ""])),
    "no size": lambda f: forged(f, without("content-length-range")),
    "no key": lambda f: forged(f, without("'key'")),
    "no bucket": lambda f: forged(f, without("bucket")),
    "no checksum": lambda f: forged(f, without("x-amz-checksum-sha256")),
    "no type": lambda f: forged(f, without("Content-Type")),
    "no conditions": lambda f: forged(f, lambda d: d.update(conditions=[])),
    "two sizes": lambda f: forged(f, lambda d: d["conditions"].append(["content-length-range", 0, 1 << 40])),
    "no end": lambda f: forged(f, lambda d: d.pop("expiration")),
}  # fmt: skip


@pytest.mark.promises("S24", "S25")
@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_form_is_refused_and_leaves_nothing(shop: Shop, name: str) -> None:
    answer = await shop.post(multipart(FORGERIES[name](await shop.fields())))
    assert answer.status == 403
    assert answer.element("Code") in {
        "AccessDenied",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "InvalidPolicyDocument",
    }
    assert await shop.untouched()


@pytest.mark.promises("S24")
async def test_a_form_for_another_bucket_is_refused(shop: Shop) -> None:
    grant = Grant(
        "other", shop.key, TYPE, len(PICTURE), hashlib.sha256(PICTURE).digest(), shop.now + timedelta(minutes=1)
    )
    form = sign_form(KEYS, grant, url="", now=shop.now)
    assert (await shop.post(multipart(list(form.fields.items())))).refusal == (403, "AccessDenied")
    assert (await shop.post(multipart(await shop.fields()), "other")).refusal == (404, "NoSuchBucket")
    assert await shop.untouched()


@pytest.mark.promises("S23", "S24")
async def test_a_form_ends_after_ten_minutes(shop: Shop) -> None:
    body = multipart(await shop.fields())
    shop.now += timedelta(minutes=10, seconds=1)
    assert (await shop.post(body)).refusal == (403, "AccessDenied")
    assert await shop.untouched()


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "EntityTooSmall"),
        (PICTURE[:-1], "EntityTooSmall"),
        (PICTURE + b"x", "EntityTooLarge"),
        (PICTURE + b"x" * 10_000_000, "EntityTooLarge"),
        (PICTURE[:-1] + b"x", "XAmzContentChecksumMismatch"),
    ],
    ids=["none", "one byte less", "one byte more", "far more", "other bytes"],
)
async def test_other_bytes_than_were_declared_are_refused(shop: Shop, data: bytes, code: str) -> None:
    assert (await shop.post(multipart(await shop.fields(), data))).refusal == (400, code)
    assert await shop.untouched()


@pytest.mark.promises("S24")
async def test_what_grows_too_large_is_stopped_before_its_end(shop: Shop) -> None:
    body = multipart(await shop.fields())
    start = body[: body.index(PICTURE)]
    async with connection(shop) as (reader, writer):
        writer.write(head(len(PICTURE) + 200_000) + start + PICTURE + b"x" * 1000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    assert await shop.untouched()


@pytest.mark.promises("S24")
async def test_nothing_may_follow_the_file(shop: Shop) -> None:
    fields = await shop.fields()
    for after in ([("key", shop.key)], [("file", "a second one")], [("submit", "Upload")]):
        assert (await shop.post(multipart(fields, after=after))).refusal == (403, "AccessDenied")
    assert (await shop.post(multipart([], after=fields))).status == 403
    assert await shop.untouched()


def bodies_that_are_no_form(body: bytes) -> dict[str, bytes]:
    second = part("key", b"x").replace(b"name=", b"type=")
    return {
        "empty": b"",
        "no boundary": b"picture",
        "no end": body[: -len(BOUNDARY) - 6],
        "end inside fields": body[:300],
        "no name": second + body,
        "two dispositions": part("key", b"x", header='Content-Disposition: form-data; name="acl"\r\n') + body,
        "headers without end": f"--{BOUNDARY}\r\n".encode() + b"X: " + b"y" * 10_000,
        "many headers": part("key", b"x", header="X: y\r\n" * 50) + body,
        "bytes that are no text": part("key", b"\xff\xfe") + body,
        "no file": multipart([("key", "x")], None),
        "File instead of file": multipart([], name="File"),
        "many fields": multipart([(f"f{number}", "") for number in range(21)]),
        "a long field": multipart([("policy", "x" * 20_481)]),
        "long fields": multipart([(f"f{number}", "x" * 17_000) for number in range(4)]),
    }


@pytest.mark.promises("S24", "S52")
@pytest.mark.parametrize("name", bodies_that_are_no_form(b""))
async def test_a_body_that_is_no_form_is_refused(shop: Shop, name: str) -> None:
    body = bodies_that_are_no_form(multipart(await shop.fields()))[name]
    status, code = (await shop.post(body)).refusal
    assert (status, code) in {
        (400, "MalformedPOSTRequest"),
        (400, "InvalidArgument"),
        (400, "MaxPostPreDataLengthExceeded"),
    }
    assert await shop.untouched()


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", 'multipart/form-data; boundary=""', "multipart/form-data; boundary=" + "x" * 999]
)
async def test_a_form_without_a_usable_boundary_is_refused(shop: Shop, kind: str) -> None:
    answer = await shop.post(multipart(await shop.fields()), **{"Content-Type": kind})
    assert answer.refusal == (400, "MalformedPOSTRequest")


async def test_a_body_must_say_its_length(shop: Shop) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield multipart(await shop.fields())

    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = await shop.ask("POST", "/store/miraveja", data=pieces(), headers=kind)
    assert answer.refusal == (411, "MissingContentLength")


@pytest.mark.promises("S26")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST", "TRACE", "PROPFIND"])
async def test_nobody_gets_in_without_a_form(shop: Shop, method: str) -> None:
    await shop.objects.write(shop.key, PICTURE, TYPE)
    paths = ["", "/", "/miraveja", "/miraveja/", f"/miraveja/{shop.key}", "/miraveja?list-type=2", "/miraveja?delete", "/other",
             f"/miraveja/{shop.key}?X-Amz-Signature=0", "/miraveja/%2e%2e/%2e%2e/temp", "/%2e%2e"]  # fmt: skip
    for path in paths:
        answer = await shop.ask(method, f"/store{path}", data=b"x", headers={"x-amz-acl": "public-read"})
        assert answer.status == 403
        assert method == "HEAD" or answer.element("Code") == "AccessDenied"
    assert [one.key async for one in shop.objects.list("")] == [shop.key]
    assert await shop.objects.read(shop.key) == PICTURE


@pytest.mark.promises("S27")
@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "%2e%2e/a", "/etc/passwd", "a\\0b", "x" * 2000, "e\u0301.png", "\u00e9.png"]
)
async def test_the_name_of_a_file_has_no_part_in_its_key(shop: Shop, name: str) -> None:
    form = aiohttp.FormData(quote_fields=False)
    for field_name, value in await shop.fields():
        form.add_field(field_name, value)
    form.add_field("file", PICTURE, filename=name)
    assert (await shop.ask("POST", "/store/miraveja", data=form)).status == 201
    assert [one.key async for one in shop.objects.list("")] == [shop.key]


async def test_a_refusal_echoes_nothing(shop: Shop) -> None:
    answer = await shop.post(multipart([*await shop.fields(), ("<script>alert</script>", "<b>")]))
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "script" not in answer.text
    assert KEYS.secret_key not in answer.text


async def test_an_upload_stands_when_nobody_can_be_told(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.notify_fails = True
    with caplog.at_level(logging.ERROR):
        assert (await shop.post(multipart(await shop.fields()))).status == 201
    assert await shop.objects.read(shop.key) == PICTURE
    assert "notify_failed" in caplog.text


@pytest.mark.promises("R15")
async def test_a_full_disk_asks_the_client_to_come_again(shop: Shop) -> None:
    body = multipart(await shop.fields())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        assert (await shop.post(body)).refusal == (503, "SlowDown")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await shop.untouched()
    assert (await shop.post(body)).status == 201


@pytest.mark.promises("R14")
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 0.99])
async def test_who_hangs_up_in_the_middle_leaves_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture, share: float
) -> None:
    data = PICTURE * 8
    body = multipart(await shop.fields(data), data)
    async with connection(shop) as (_, writer):
        writer.write(head(len(body)) + body[: int(len(body) * share)])
        await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await asyncio.wait_for(_until_untouched(shop), 5)
    assert not caplog.records


async def _until_untouched(shop: Shop) -> None:
    await asyncio.sleep(0.05)
    while not await shop.untouched():  # noqa: ASYNC110 -- what is waited for is on the disk
        await asyncio.sleep(0.01)


async def test_who_falls_silent_is_given_up(shop: Shop) -> None:
    body = multipart(await shop.fields())
    async with connection(shop) as (reader, writer):
        writer.write(head(len(body)) + body[:-50])
        answer = await asyncio.wait_for(reader.readuntil(b"</Error>"), 5)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"RequestTimeout" in answer
    assert await shop.untouched()


async def test_many_uploads_at_once_all_arrive(shop: Shop) -> None:
    body = multipart(await shop.fields())
    answers = await asyncio.gather(*(shop.post(body) for _ in range(40)))
    assert {answer.status for answer in answers} == {201}
    assert await shop.objects.read(shop.key) == PICTURE


async def test_an_object_can_be_read_only_once_it_is_whole(shop: Shop) -> None:
    body = multipart(await shop.fields())
    async with connection(shop) as (reader, writer):
        writer.write(head(len(body)) + body[:-60])
        await writer.drain()
        await asyncio.sleep(0.05)
        with pytest.raises(NotFound):
            await shop.objects.read(shop.key)
        writer.write(body[-60:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")


class connection:  # noqa: N801 -- used as a block: `async with connection(shop) as (reader, writer)`
    """Bytes on a socket, for what no honest client would send."""

    def __init__(self, shop: Shop) -> None:
        self._port = int(shop.address.rpartition(":")[2])

    async def __aenter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return reader, self._writer

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()


def head(length: int) -> bytes:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return (
        f"POST /store/miraveja HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()
    )
