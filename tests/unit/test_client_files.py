"""Which files a client finds, in which order, and what it takes them for."""

import os
from pathlib import Path

import pytest

from gateway.client.files import Limits, Picture, look, pictures, walk
from gateway.client.outcome import Outcome
from tests.support.images import a_jpeg, a_png, a_webp

LIMITS = Limits(max_bytes=1 << 20, accepted=frozenset({"image/jpeg", "image/png"}))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(folder: Path, *paths: Path) -> list[str]:
    return [str(found.relative_to(folder)) for found in walk(paths or [folder]) if isinstance(found, Path)]


def refusal(path: Path) -> Outcome:
    found = look(path, LIMITS)
    assert isinstance(found, Outcome)
    return found


def test_folders_are_walked_by_name_however_deep(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/z.jpg", "a/b/c.png", "c/a.jpg"):
        write(tmp_path / name, b"x")
    assert names(tmp_path) == ["a/b/c.png", "a/z.jpg", "b.jpg", "c/a.jpg"]


def test_hidden_files_and_litter_are_left_out_unless_asked_for_by_name(tmp_path: Path) -> None:
    for name in (".DS_Store", ".hidden/a.jpg", "Thumbs.db", "desktop.ini", "__MACOSX/a.jpg", "a.jpg", ".b.jpg"):
        write(tmp_path / name, b"x")
    assert names(tmp_path) == ["a.jpg"]
    assert names(tmp_path, tmp_path / ".b.jpg") == [".b.jpg"]


def test_a_link_that_leads_in_circles_is_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.jpg", b"x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a/one.jpg"]


def test_a_very_deep_folder_is_walked(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(400):
        folder /= "d"
    write(folder / "one.jpg", b"x")
    assert len(names(tmp_path)) == 1


def test_what_is_not_there_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "nowhere")
    write(tmp_path / "b.jpg", b"x")
    lost, found = walk([tmp_path])
    assert isinstance(lost, Outcome)
    assert (lost.path.name, lost.state, lost.reason) == ("a.jpg", "failed", "unreadable_file")
    assert found == tmp_path / "b.jpg"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert list(walk([tmp_path])) == []
    (named,) = walk([tmp_path / "pipe.jpg"])
    assert isinstance(named, Outcome)
    assert named.reason == "unreadable_file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", a_jpeg()).chmod(0)
    assert refusal(tmp_path / "a.jpg").reason == "unreadable_file"


def test_the_first_bytes_say_what_a_file_is_and_else_its_name(tmp_path: Path) -> None:
    told = [
        look(write(tmp_path / "a.png", a_jpeg()), LIMITS),
        look(write(tmp_path / "b", a_png()), LIMITS),
        look(write(tmp_path / "broken.JPEG", b"no picture"), LIMITS),
    ]
    assert [found.content_type for found in told if isinstance(found, Picture)] == [
        "image/jpeg",
        "image/png",
        "image/jpeg",
    ]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("notes.txt", b"hello", "unsupported"),
        ("a.webp", a_webp(), "unsupported"),
        ("empty.jpg", b"", "unreadable_image"),
        ("large.png", a_png() + bytes(1 << 20), "too_large"),
    ],
)
def test_what_the_gallery_would_not_take_is_refused_without_sending(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    found = refusal(write(tmp_path / name, data))
    assert (found.state, found.reason) == ("rejected", reason)
    assert found.detail


def test_pictures_come_one_at_a_time(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.png", a_png(number, (16, 16)))
    source = pictures([tmp_path], LIMITS)
    first = next(source)
    assert isinstance(first, Picture)
    assert first.path.name == "0.png"
    (tmp_path / "2.png").unlink()
    assert [found.path.name for found in source if isinstance(found, Picture)] == ["1.png"]
