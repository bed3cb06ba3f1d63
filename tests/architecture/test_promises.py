"""Every numbered promise that is written down is proven by a test that carries its number, and the other way round."""

import ast
import re
from pathlib import Path

from tests.support.documents import ROOT

PAGES = ("SECURITY.md", "docs/reliability.md")


def promised() -> set[str]:
    rows = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    return set(re.findall(r"^\| ([SOR]\d+) \|", rows, re.MULTILINE))


def proven() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "tests").rglob("*.py"):
        for number in _numbers(path):
            found.setdefault(number, set()).add(path.name)
    return found


def _numbers(path: Path) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    marks = (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "promises")
    return {str(argument.value) for mark in marks for argument in mark.args if isinstance(argument, ast.Constant)}


def test_every_promise_has_a_test() -> None:
    assert sorted(promised() - proven().keys()) == []


def test_every_number_that_a_test_carries_has_a_form_we_know() -> None:
    assert [number for number in proven() if not re.fullmatch(r"[SORP]\d+", number)] == []
