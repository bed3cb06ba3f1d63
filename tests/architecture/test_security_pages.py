"""The pages about security say what is so: numbers that exist, sections of the standard, every function in the threat model."""

import re
from pathlib import Path

import pytest

from tests.support.promise_map import ELSEWHERE, PROMISED, written

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SECTIONS = {
    1: 5,
    2: 4,
    3: 7,
    4: 4,
    5: 4,
    6: 8,
    7: 6,
    8: 4,
    9: 2,
    10: 7,
    11: 7,
    12: 3,
    13: 4,
    14: 3,
    15: 4,
    16: 5,
    17: 3,
}
"""How many sections each chapter of ASVS 5.0 has."""


def numbers(page: str) -> set[str]:
    return set(re.findall(r"\bS\d+\b", (DOCS / page).read_text(encoding="utf-8")))


@pytest.mark.promises("S80")
def test_every_section_of_the_standard_is_answered_once() -> None:
    rows = re.findall(r"^\| V(\d+\.\d+) \| (.*) \|$", (DOCS / "asvs.md").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [f"{chapter}.{section}" for chapter, most in SECTIONS.items() for section in range(1, most + 1)]
    assert [section for section, _ in rows] == wanted
    assert [section for section, answer in rows if len(answer.split()) < 3] == []


@pytest.mark.promises("S79", "S80")
@pytest.mark.parametrize("page", ["asvs.md", "threat-model.md"])
def test_a_page_names_promises_that_are_made(page: str) -> None:
    assert numbers(page) <= written(PROMISED).keys() | written(ELSEWHERE).keys()


@pytest.mark.promises("S79")
def test_the_threat_model_looks_at_every_function() -> None:
    said = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    functions = {path.parent.name for path in ROOT.glob("functions/*/handler.py")}
    assert [name for name in sorted(functions) if f"`{name}`" not in said] == []
    for letter in ("Spoofing", "Tampering", "Repudiation", "Information disclosure", "Denial of service", "Elevation"):
        assert letter in said


@pytest.mark.promises("S79")
def test_the_policy_says_how_to_report_and_by_when_we_publish() -> None:
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "90 days" in said
    assert "security.txt" in said


def test_a_promise_is_made_or_left_to_servers_never_both() -> None:
    assert written(PROMISED).keys() & written(ELSEWHERE).keys() == set()
