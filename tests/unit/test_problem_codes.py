"""Every code that a refusal can carry is in the list that clients read."""

import re
from pathlib import Path

from functions.core import problem

ROOT = Path(__file__).parents[2]
SAID = re.compile(r"""(?:code=|"code": |40\d: \(?)"([a-z]+_[a-z_]+)\"""")


def test_every_code_is_told_in_the_docs() -> None:
    code = "\n".join(path.read_text() for part in ("functions", "gateway") for path in (ROOT / part).rglob("*.py"))
    listed = (ROOT / "docs" / "problems.md").read_text()
    assert {found for found in SAID.findall(code) if f"| `{found}` |" not in listed} == set()


def test_no_code_is_told_that_nobody_says() -> None:
    code = "\n".join(
        path.read_text() for part in ("functions", "gateway") for path in (ROOT / part).rglob("*.py")
        if path != Path(problem.__file__)
    )  # fmt: skip
    assert [name for name in problem.NARROWER if f'"{name}"' not in code] == []
