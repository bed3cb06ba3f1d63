"""What is written down is true: generated pages, commands of the README, promises of SECURITY.md, the code map."""

import base64
import re
from pathlib import Path

import pytest

from functions.core.errors import Invalid, MiraVejaError
from functions.core.problem import describe
from functions.core.settings import Settings
from tests.support.documents import ROOT, documents, family

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == documents()[path], "run `make docs`"


def test_the_readme_starts_with_two_commands_that_exist() -> None:
    block = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert block
    commands = block[1].strip().splitlines()
    assert len(commands) == 2
    assert commands[0].startswith("git clone ")
    assert commands[1].endswith("make run")


def test_every_make_verb_and_command_of_the_readme_exists() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= verbs
    from gateway.cli.main import COMMANDS

    assert set(re.findall(r"^miraveja ([a-z]+)", README, re.MULTILINE)) <= set(COMMANDS)


def test_every_page_that_a_document_links_to_is_there() -> None:
    for page in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{page.name} → {target}"


def test_the_code_map_names_every_room() -> None:
    said = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [path.parent for top in ("functions", "gateway") for path in (ROOT / top).glob("*/__init__.py")]
    assert [room.name for room in rooms if f"{room.name}/" not in said] == []


@pytest.mark.parametrize("kind", family(MiraVejaError), ids=lambda kind: kind.__name__)
def test_every_error_makes_a_whole_problem(kind: type[MiraVejaError]) -> None:
    body = describe(kind("why", key="k"), "r")
    assert body.keys() == {"type", "title", "status", "code", "detail", "requestId", "key"}
    assert 400 <= body["status"] < 600


def test_a_fact_cannot_shadow_a_standard_member() -> None:
    assert describe(Invalid("why", status=200), "r")["status"] == 422


def test_a_misspelt_setting_stops_the_start_and_names_itself() -> None:
    with pytest.raises(Invalid, match="MIRAVEJA_OBJECT_URL is not a setting"):
        Settings.load({"MIRAVEJA_OBJECT_URL": "folder:x"})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    (tmp_path / "key").write_text(f"a:{key}\n")
    (tmp_path / "key").chmod(0o600)
    loaded = Settings.load({"MIRAVEJA_MEDIA_KEYS_FILE": str(tmp_path / "key")})
    assert loaded.media_keys is not None
    assert loaded.media_keys.get_secret_value() == f"a:{key}"
    assert key not in repr(loaded)
