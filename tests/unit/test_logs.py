"""What the log of a process looks like."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.core import logs
from functions.core.settings import Settings
from functions.core.wire import confidential

PASSWORD, MEDIA = "correct-horse", "bWVkaWEga2V5IG9mIHRoaXMgdGVzdCwgMzIgYnl0ZXM="


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Afterwards the log is as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    # The test runner's own handlers are not closed by a log that starts anew.
    root.handlers = []
    yield
    root.handlers = before
    root.setLevel(level)


def a_log(folder: Path, **said: str) -> logging.Logger:
    settings = Settings.load({
        "MIRAVEJA_DATA_DIR": str(folder), "MIRAVEJA_DATABASE_URL": f"postgresql://app:{PASSWORD}@/db",
        "MIRAVEJA_MEDIA_KEYS": f"a:{MEDIA}", **said,
    })  # fmt: skip
    logs.start(settings, "answer", confidential(settings))
    return logging.getLogger("door")


def test_a_log_that_no_terminal_shows_is_json_with_every_fact(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = a_log(tmp_path)
    log.info("token %s", "refused", extra={"reason": "expired", "sub": "a\nb"})
    log.debug("too little")
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("time").endswith("Z")
    assert said == {"level": "INFO", "process": "answer", "logger": "door", "message": "token refused",
                    "reason": "expired", "sub": "a\nb"}  # fmt: skip


def test_text_tells_the_facts_too_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a_log(tmp_path, MIRAVEJA_LOG_FORMAT="text").warning("refused", extra={"reason": "a\nb", "jti": 7})
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith('WARNING answer door: refused reason="a\\nb" jti=7')


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_trace_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str) -> None:
    log = a_log(tmp_path, MIRAVEJA_LOG_FORMAT=form)
    try:
        raise ValueError("a" * 50_000)
    except ValueError:
        log.exception("failed")
    said = capsys.readouterr().err
    assert "failed" in said
    if form == "json":
        assert "aaa" in json.loads(said)["trace"]
    else:
        assert "Traceback" in said


@pytest.mark.promises("S65")
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_secrets_of_the_settings_and_of_the_data_folder_are_cleaned(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    log = a_log(tmp_path, MIRAVEJA_LOG_FORMAT=form)
    store = (tmp_path / "secrets" / "store.key").read_text()
    log.info("a %s b %s", PASSWORD, store, extra={"why": MEDIA})
    said = capsys.readouterr().err
    assert said.count("[removed]") == 3
    assert not any(secret in said for secret in (PASSWORD, store, MEDIA))
