"""The command line as a person meets it: what it says, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.core.settings import Settings
from gateway.cli.beside import beside
from gateway.cli.main import COMMANDS, main
from gateway.cli.tally import Tally
from gateway.client.credentials import bearer
from gateway.client.errors import Unreachable
from gateway.client.outcome import Outcome, failed, refused
from gateway.local import wires
from gateway.local.folder import fit
from gateway.local.identity import LocalIdentity

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Settings of this test's own, and no signal handler left behind."""
    for name in [name for name in os.environ if name.startswith("MIRAVEJA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIRAVEJA_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("MIRAVEJA_URL", NOBODY)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    script = "import sys; from gateway.cli.main import main; main(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in COMMANDS)
    assert not any(f"'{name}'" in done.stdout for name in ("pydantic", "aiohttp", "numpy", "rich", "fastapi"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"miraveja {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fly"],
        ["upload"],
        ["search"],
        ["search", "x", "--limit", "0"],
        ["link", "--x"],
        ["keys", "create", " "],
        ["keys", "create", "Camera", "--days", "366"],
        ["users", "invite", ""],
        ["log", "show", "--limit", "x"],
    ],
)
def test_a_wrong_call_ends_with_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    said = capsys.readouterr()
    assert "miraveja" in said.err
    assert said.out == ""


@pytest.mark.parametrize("argv", [["link"], ["users", "list"], ["audit"], ["reindex"], ["reconcile"]])
def test_without_a_running_gallery_the_operator_is_told_in_one_line(
    argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    said = capsys.readouterr()
    assert "no gallery runs on" in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert not (tmp_path / "none").exists()


def test_no_key_is_made_where_no_gallery_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token"]) == 1
    assert "miraveja up" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MIRAVEJA_POTR", "1")
    assert main(["config"]) == 1
    assert capsys.readouterr().err == "miraveja: MIRAVEJA_POTR is not a setting of MiraVeja\n"


def test_a_gallery_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("MIRAVEJA_TOKEN", "given")
    assert main(["upload", str(tmp_path)]) == 1
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith(f"miraveja: no gallery answers at {NOBODY} (Connection refused)")
    )


def test_a_gallery_elsewhere_needs_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "cat", "--url", "http://gallery.example"]) == 1
    assert "MIRAVEJA_TOKEN" in capsys.readouterr().err


def test_a_number_that_is_too_large_is_told_what_may_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "cat", "--limit", "101"]) == 2
    assert "say 1 to 100, not '101'" in capsys.readouterr().err


def test_an_example_that_is_none_is_told_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.png").touch()
    for name, why in (("none.png", "No such file or directory"), ("empty.png", "is empty")):
        assert main(["search", "--image", str(tmp_path / name)]) == 1
        [said] = capsys.readouterr().err.splitlines()
        assert name in said
        assert said.endswith(why)


def test_a_token_is_not_sent_where_others_could_read_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIRAVEJA_TOKEN", "given")
    assert main(["search", "cat", "--url", "http://gallery.example"]) == 1
    assert "MIRAVEJA_INSECURE" in capsys.readouterr().err
    assert bearer(Settings.load({"MIRAVEJA_TOKEN": "given"}, url="https://gallery.example"))() == "given"
    assert bearer(Settings.load({"MIRAVEJA_TOKEN": "given", "MIRAVEJA_INSECURE": "1"}, url="http://a.example"))()


def test_no_owners_token_is_made_while_the_gallery_is_down(tmp_path: Path) -> None:
    LocalIdentity(tmp_path / "secrets").owner_subject()
    token = bearer(Settings.load({}, data_dir=tmp_path))
    with pytest.raises(Unreachable, match="none runs on"):
        token()
    with socket.socket(socket.AF_UNIX) as gallery:
        gallery.bind(str(wires.operator(Settings.load({}, data_dir=tmp_path))))
        gallery.listen()
        assert token()


def test_config_says_where_a_value_comes_from_and_hides_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIRAVEJA_TOKEN", "very-secret")
    monkeypatch.setenv("MIRAVEJA_DATABASE_URL", "postgresql://me:very-secret@db/x")
    monkeypatch.setenv("MIRAVEJA_PORT", "9000")
    assert main(["config", "--json", "--url", "http://localhost:1"]) == 0
    said = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(said)}
    assert "very-secret" not in said
    assert (rows["MIRAVEJA_PORT"]["value"], rows["MIRAVEJA_PORT"]["source"]) == ("9000", "from the environment")
    assert (rows["MIRAVEJA_URL"]["value"], rows["MIRAVEJA_URL"]["source"]) == ("http://localhost:1", "from --url")
    assert rows["MIRAVEJA_HOST"]["source"] == "default"
    assert all(row["meaning"] for row in rows.values())


def test_openapi_is_printed_without_a_gallery(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    assert "/v1/uploads" in json.loads(capsys.readouterr().out)["paths"]


def test_doctor_names_what_is_down_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    checks = {check["name"]: check for check in said["checks"]}
    assert said["ok"] is False
    assert checks["settings"]["ok"]
    assert not checks["gallery"]["ok"]
    assert "miraveja up" in checks["gallery"]["fix"]
    assert not {"metrics", "events"} & checks.keys()


def test_a_data_folder_that_is_in_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gateway.local.supervisor import alone

    with alone(tmp_path):
        assert main(["up", "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"miraveja: a gallery is running on {tmp_path} already\n"


def test_a_summary_groups_trouble_by_reason_with_a_few_names() -> None:
    tally = Tally()
    for number in range(5):
        tally.add(refused(Path(f"{number}.txt"), "unsupported"))
    tally.add(failed(Path("x.jpg"), "unreadable_file", "Permission denied"))
    tally.add(Outcome(Path("a.jpg"), "1", "ready"))
    tally.add(Outcome(Path("b.jpg"), "1", "ready", duplicate=True))
    first, *rest = tally.summary()
    assert first == "8 files: 1 ready, 5 rejected, 1 failed, 1 already there"
    assert rest[0].startswith("5 rejected (unsupported): This kind of file")
    assert rest[1:5] == ["    0.txt", "    1.txt", "    2.txt", "    and 2 more"]
    assert rest[5:] == ["1 failed (unreadable_file): Permission denied", "    x.jpg"]
    assert tally.bad == 6


def test_a_copy_of_what_was_rejected_before_is_told_with_its_reason_again() -> None:
    tally = Tally()
    tally.add(Outcome(Path("a.jpg"), "1", "rejected", duplicate=True, reason="unreadable_image", detail="Broken"))
    assert (tally.bad, tally.duplicates) == (1, 0)
    assert tally.summary() == ["1 file: 1 rejected", "1 rejected (unreadable_image): Broken", "    a.jpg"]


@pytest.mark.parametrize("within", [".", "a file", "a file/gallery"])
def test_a_folder_of_somebody_else_becomes_no_gallery(
    within: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a file").touch()
    assert main(["up", "--data", str(tmp_path / within)]) == 1
    [said] = capsys.readouterr().err.splitlines()
    assert any(why in said for why in ("neither empty nor a gallery's", "not a folder", "Not a directory"))
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_a_gallery_that_was_begun_or_restored_is_one(tmp_path: Path) -> None:
    begun, restored = tmp_path / "begun", tmp_path / "restored"
    for folder, names in ((begun, ["logs"]), (restored, ["secrets", "postgres", "objects"])):
        for name in names:
            (folder / name).mkdir(parents=True)
    (begun / "lock").touch()
    fit(begun)
    fit(restored)


def test_what_runs_beside_ends_with_the_block() -> None:
    began, ended = threading.Event(), threading.Event()

    async def job() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with beside(job()):
        assert began.wait(5)
    assert ended.wait(5)
