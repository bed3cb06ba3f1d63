"""The gallery as people run it: one command, real processes, the command line beside it."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.galleries import Up, a_gallery, free_port, wait_for
from tests.support.images import a_jpeg, a_png, a_webp


@pytest.fixture
def up() -> Iterator[Up]:
    with a_gallery() as running:
        yield running


@pytest.mark.promises("O7")
def test_what_was_uploaded_is_found_also_after_a_restart(up: Up) -> None:
    up.start()
    pictures = up.folder / "pictures"
    pictures.mkdir()
    for number, make in enumerate((a_jpeg, a_png, a_webp)):
        (pictures / f"harbour {number}.{make.__name__[2:]}").write_bytes(make(number))
    (pictures / "notes.txt").write_text("no picture")
    sent = up.cli("upload", str(pictures), "--wait", "--json")
    assert sorted(json.loads(line)["state"] for line in sent.stdout.splitlines()) == [
        "ready",
        "ready",
        "ready",
        "rejected",
    ]
    assert sent.returncode == 1, "a rejected file is worth an exit code"
    again = up.cli("upload", str(pictures), "--json")
    assert sum(json.loads(line)["duplicate"] for line in again.stdout.splitlines()) == 3
    assert up.stop() < 5
    assert up.family() == []
    up.start()
    found = json.loads(up.cli("search", "harbour", "--json").stdout)
    assert len(found["items"]) == 3
    report = up.cli("audit", "--json")
    assert (report.returncode, json.loads(report.stdout)["mismatches"]) == (0, 0), report.stdout
    assert up.cli("doctor").returncode == 0
    assert up.stop() < 5


def test_a_process_that_dies_is_mended_and_a_dead_supervisor_takes_all_along(up: Up) -> None:
    up.start()
    for name in ("gateway.local.work", "gateway.local.answer"):
        victim = next(process for process in up.family() if name in process.cmdline())
        victim.kill()
        wait_for(partial(has_another, up, name, victim.pid))
    wait_for(lambda: up.cli("search", "anything").returncode == 0)
    assert up.process
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not up.family())
    up.start()
    assert up.cli("search", "anything").returncode == 0


def has_another(up: Up, name: str, pid: int) -> bool:
    return any(name in process.cmdline() and process.pid != pid for process in up.family())


def test_two_galleries_on_one_folder_or_one_port_are_refused_in_one_line(up: Up) -> None:
    up.start()
    same_folder = up.cli("up", "--no-samples", "--port", str(free_port()))
    assert same_folder.returncode == 1
    assert "running" in same_folder.stderr
    same_port = up.cli("up", "--no-samples", "--data", str(up.folder / "other"), "--port", str(up.port))
    assert same_port.returncode == 1
    assert "--port" in same_port.stderr
    assert "Traceback" not in same_folder.stderr + same_port.stderr


@pytest.mark.promises("S64")
def test_a_gallery_that_signs_people_in_itself_does_not_serve_the_network(up: Up) -> None:
    refused = up.cli("up", "--no-samples", "--host", "0.0.0.0", "--port", str(up.port))  # noqa: S104 -- is to be refused
    assert refused.returncode == 1
    assert "loopback" in refused.stderr
