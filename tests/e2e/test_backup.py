"""A gallery is kept elsewhere while people write to it, and comes back whole in an empty folder."""

import hashlib
import json
import shutil
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.core.settings import Settings
from gateway.local import keeping
from tests.support.galleries import Up, a_gallery, wait_for
from tests.support.images import a_png


@pytest.fixture
def up() -> Iterator[Up]:
    with a_gallery() as running:
        yield running


def pictures(folder: Path, numbers: range) -> Path:
    folder.mkdir()
    for number in numbers:
        (folder / f"harbour {number}.png").write_bytes(a_png(number, (320, 240)))
    return folder


def restored(up: Up, kept: Path) -> Up:
    """A gallery of its own from a backup, not started yet."""
    other = Up(up.folder)
    other.data = up.folder / f"restored from {kept.name}"
    done = other.cli("restore", str(kept), "--data", str(other.data))
    assert done.returncode == 0, done.stderr
    return other


@pytest.mark.promises("S77", "R33")
def test_what_was_kept_while_people_wrote_comes_back_whole(up: Up) -> None:
    up.start()
    first = pictures(up.folder / "first", range(8))
    assert up.cli("upload", str(first), "--wait").returncode == 0
    writing = up.cli_started("upload", str(pictures(up.folder / "second", range(100, 160))))
    kept = up.folder / "kept"
    done = up.cli("backup", str(kept))
    assert done.returncode == 0, done.stderr
    assert writing.poll() is None, "nobody wrote meanwhile: the test is too slow"
    writing.wait(60)
    assert (kept / "manifest.json").stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in kept.rglob("*")} == {0}
    up.stop()
    other = restored(up, kept)
    other.start()
    found = json.loads(other.cli("search", "harbour", "--json", "--limit", "100").stdout)["items"]
    assert len(found) >= 8
    wait_for(lambda: '"deliveries": 0' in other.cli("audit", "--json").stdout)
    report = other.cli("audit", "--json")
    assert (report.returncode, json.loads(report.stdout)["mismatches"]) == (0, 0), report.stdout
    again = other.cli("upload", str(first), "--json")
    assert sum(json.loads(line)["duplicate"] for line in again.stdout.splitlines()) == 8, (
        "the same owner, the same bytes"
    )
    other.stop()


@pytest.mark.promises("S77", "R33")
def test_what_is_deleted_for_good_meanwhile_is_told_and_stays_deleted(up: Up) -> None:
    up.start()
    sent = up.cli("upload", str(pictures(up.folder / "first", range(3))), "--wait", "--json")
    victim, *others = (json.loads(line)["assetId"] for line in sent.stdout.splitlines())

    def tell(said: str) -> None:
        """Once the rows are written down, and before their objects are copied."""
        if said.startswith("Copying"):
            request(up, "DELETE", f"/v1/assets/{victim}?permanent=true")
            wait_for(lambda: not list((up.data / "objects").rglob(f"*{victim}*")))

    kept = up.folder / "kept"
    copied = keeping.backup(Settings.load({"MIRAVEJA_DATA_DIR": str(up.data)}), kept, tell)
    assert (copied.gone, copied.missing) == ({victim}, [])
    assert '"backup.made"' in up.cli("log", "show", "--json").stdout
    up.stop()
    other = restored(up, kept)
    other.start()
    wait_for(lambda: ids(other) == sorted(others))
    wait_for(lambda: other.cli("audit", "--json").returncode == 0)
    other.stop()


@pytest.mark.promises("S77")
def test_an_object_that_is_missing_in_the_gallery_itself_is_told(up: Up) -> None:
    up.start()
    assert up.cli("upload", str(pictures(up.folder / "first", range(2))), "--wait").returncode == 0
    next(path for path in (up.data / "objects" / "objects" / "originals").rglob("*=")).unlink()
    done = up.cli("backup", str(up.folder / "kept"))
    assert (done.returncode, "missing in the gallery itself: originals/" in done.stderr) == (1, True), done.stderr
    up.stop()


def request(up: Up, method: str, path: str) -> bytes:
    token = up.cli("token").stdout.strip()
    asked = urllib.request.Request(up.url + path, method=method, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 -- our own gallery
        data: bytes = answer.read()
    return data


def ids(up: Up) -> list[str]:
    return sorted(item["id"] for item in json.loads(request(up, "GET", "/v1/assets?owner=me"))["items"])


@pytest.mark.promises("S77")
def test_a_stopped_gallery_is_kept_in_one_file_and_damage_is_refused(up: Up) -> None:
    up.start()
    assert up.cli("upload", str(pictures(up.folder / "first", range(3))), "--wait").returncode == 0
    up.stop()
    kept = up.folder / "kept.tar"
    assert up.cli("backup", str(kept)).returncode == 0
    assert kept.stat().st_mode & 0o077 == 0
    assert up.family() == []
    assert "is there already" in up.cli("backup", str(kept)).stderr
    assert "no folder" in up.cli("backup", str(up.folder / "not" / "there")).stderr
    assert not (up.folder / "not").exists()
    other = restored(up, kept)
    assert "not empty" in up.cli("restore", str(kept), "--data", str(other.data)).stderr
    new = up.folder / "new"
    for name, damage in DAMAGES.items():
        broken = up.folder / name
        with tarfile.open(kept) as tar:
            tar.extractall(broken, filter="data")
        damage(broken)
        refused = up.cli("restore", str(broken), "--data", str(new))
        assert (refused.returncode, len(refused.stderr.splitlines()) < 8, new.exists()) == (1, True, False), name
        assert name.split()[-1] in refused.stderr, (name, refused.stderr)
        assert not new.with_name("new.restoring").exists()
        shutil.rmtree(broken)
    kept.write_bytes(kept.read_bytes()[:-20_000])
    assert "not a whole backup" in up.cli("restore", str(kept), "--data", str(new)).stderr


def an_original(folder: Path) -> Path:
    return next(path for path in (folder / "objects" / "originals").rglob("*") if path.is_file())


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def of_later(folder: Path) -> None:
    said = json.loads((folder / "manifest.json").read_text())
    said["migrations"]["9999"] = "f" * 64
    (folder / "manifest.json").write_text(json.dumps(said))


def say_of_itself(**said: object) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | said))

    return rewrite


def bring_a_password(folder: Path) -> None:
    (folder / "secrets" / "miraveja.password").write_text("known")
    said = json.loads((folder / "manifest.json").read_text())
    said["sha256"]["secrets/miraveja.password"] = hashlib.sha256(b"known").hexdigest()
    (folder / "manifest.json").write_text(json.dumps(said))


def lead_elsewhere(folder: Path) -> None:
    moved = (folder / "objects").rename(folder.with_name(f"{folder.name} elsewhere"))
    (folder / "objects").symlink_to(moved)


DAMAGES = {
    "another key: damaged": lambda folder: change(folder / "secrets" / "identity.pem"),
    "a password of its own: damaged": bring_a_password,
    "a manifest of something else: damaged": say_of_itself(gone="everything"),
    "a later format: newer": say_of_itself(format=2),
    "a link to a file elsewhere: lacks": lead_elsewhere,
    "without a manifest: interrupted": lambda folder: (folder / "manifest.json").unlink(),
    "an original that was changed: damaged": lambda folder: change(an_original(folder)),
    "an original that is not there: lacks": lambda folder: an_original(folder).unlink(),
    "another dump: damaged": lambda folder: change(folder / "database.dump"),
    "made by a later version: newer": of_later,
}
