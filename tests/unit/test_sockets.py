"""Folders for sockets, wherever the data folder lies."""

import os
from pathlib import Path

import pytest

from functions.core.errors import Unavailable
from functions.core.sockets import LONGEST, socket_folder


def test_a_short_path_is_used_as_it_is_and_is_private(tmp_path: Path) -> None:
    wanted = tmp_path / "s"
    assert socket_folder(wanted) == wanted
    assert wanted.stat().st_mode & 0o777 == 0o700


def test_a_long_path_has_a_short_stand_in_that_is_always_the_same(tmp_path: Path) -> None:
    wanted = tmp_path.joinpath(*["a-rather-long-name"] * 8)
    found = socket_folder(wanted)
    assert len(os.fsencode(found)) <= LONGEST
    assert socket_folder(wanted) == found
    found.rmdir()


def test_a_folder_that_others_may_open_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir(mode=0o755)
    (tmp_path / "s").chmod(0o755)
    with pytest.raises(Unavailable):
        socket_folder(tmp_path / "s")
