"""No secret reaches a log line, whichever way it got into the record."""

import io
import json
import logging
import time
from collections.abc import Callable

import pytest

from functions.core.redact import REMOVED, Redactor, protect
from tests.support.forge import Forge

TOKEN = Forge().token()
KEY = "mv_0123456789abcdefghij"


@pytest.mark.promises("S65", "S12")
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"authorization: Bearer {TOKEN}", TOKEN),
        (f"{{'authorization': 'bearer {KEY}'}}", KEY),
        ("Bearer abcdef0123456789+/==", "abcdef0123456789"),
        (f"token={TOKEN} is bad", TOKEN),
        (f"key {KEY} used", KEY),
        ('GET /media/a/1/720?exp=1&kid=b&sig=AbC-_9 HTTP/1.1" 200', "AbC-_9"),
        ("/x?sig=AbC-_9&exp=1", "AbC-_9"),
        ("https://s3/b/k?X-Amz-Signature=0a1b2c&X-Amz-Date=1", "0a1b2c"),
        ('{"x-amz-signature": "0a1b2c3d"}', "0a1b2c3d"),
        (r'{"fields": "{\"x-amz-signature\": \"0a1b2c3d\"}"}', "0a1b2c3d"),
        ("?next=%2Fx%3Fsig%3DAbCdEf", "AbCdEf"),
        ("GET /start/Zk3_9xYQ-abcdefghijklm HTTP/1.1", "Zk3_9xYQ-abcdefghijklm"),
        ("open http://localhost:8080/start/Zk3_9xYQ-abcdefghijklm", "Zk3_9xYQ-abcdefghijklm"),
        ("GET /s/Zk3_9xYQ-abcdefghijklm", "Zk3_9xYQ-abcdefghijklm"),
        ("/callback?access_token=abc123", "abc123"),
        ("password=hunter2, user=ada", "hunter2"),
        ("Cookie: session=abcdef; other=1", "abcdef"),
        ("{'set-cookie': 'session=abcdef; HttpOnly'}", "abcdef"),
        ("postgresql://mira:hunter2@db/x", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_removed(text: str, secret: str) -> None:
    cleaned = Redactor()(text)
    assert secret not in cleaned
    assert "eyJ" not in cleaned
    assert REMOVED in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "asset 019ab000-0000-7000-8000-000000000001 processed in 812 ms",
        "GET /v1/assets?limit=50 200",
        "the bearer was refused",
        "/media/a/1/720?exp=1795482000&kid=b",
        "design significantly changed: 3",
        "http://localhost:8080/start/",
        "moved mv_x to y",
    ],
)
def test_other_words_stay_as_they_are(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.promises("S65")
def test_a_registered_secret_is_removed_in_every_spelling() -> None:
    redactor, secret = Redactor(), 'p&s"s/wörd%'
    redactor.register(secret)
    for text in (secret, json.dumps({"a": secret}), "p%26s%22s%2Fw%C3%B6rd%25", f"x{secret}y"):
        assert REMOVED in redactor(text)
        assert "rd" not in redactor(text).replace(REMOVED, "")


def test_of_two_registered_secrets_the_longer_goes_first() -> None:
    redactor = Redactor()
    for secret in ("abcdef", "abcdefghij", ""):
        redactor.register(secret)
    assert redactor("abcdefghij abcdef") == f"{REMOVED} {REMOVED}"


def written(write: Callable[[logging.Logger], None], formatter: logging.Formatter | None = None) -> str:
    stream, redactor = io.StringIO(), Redactor()
    redactor.register("the-database-password")
    handler, logger = logging.StreamHandler(stream), logging.getLogger("test.redact")
    handler.setFormatter(formatter)
    protect(handler, redactor)
    logger.addHandler(handler)
    write(logger)
    logger.removeHandler(handler)
    return stream.getvalue()


@pytest.mark.promises("S65")
def test_messages_arguments_and_tracebacks_are_cleaned() -> None:
    def write(logger: logging.Logger) -> None:
        try:
            raise ValueError(f"cannot use {TOKEN} or the-database-password")
        except ValueError:
            logger.exception("failed with %s", KEY, stack_info=True)

    text = written(write)
    assert "Traceback" in text
    assert "failed with" in text
    assert not any(secret in text for secret in ("eyJ", KEY, "the-database-password"))


@pytest.mark.promises("S65")
def test_json_lines_stay_json() -> None:
    class AsJson(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps({"message": record.getMessage(), "path": vars(record)["path"], "cookie": "s=abcdefgh"})

    line = written(lambda log: log.warning("Bearer %s", TOKEN, extra={"path": f"/a?sig=abc&x={KEY}"}), AsJson())
    assert json.loads(line) == {
        "message": f"Bearer {REMOVED}", "path": f"/a?sig={REMOVED}&x={REMOVED}", "cookie": REMOVED,
    }  # fmt: skip


@pytest.mark.promises("S52")
@pytest.mark.parametrize(
    "piece", ["a", " ", "eyJ", "bearer ", "sig = ", "cookie: ", "://a:", "/s/", "mv_", "password", "\\\"'", "bearer" + " " * 50]
)  # fmt: skip
def test_a_megabyte_of_anything_takes_less_than_50_ms(piece: str) -> None:
    text, redactor = piece * ((1 << 20) // len(piece)), Redactor()
    redactor.register("the-database-password")
    times = []
    for _ in range(3):
        began = time.thread_time()
        redactor(text)
        times.append(time.thread_time() - began)
    assert min(times) < 0.05
