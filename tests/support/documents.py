"""The pages that are made from the code: `python -m tests.support.documents` writes them, a test keeps them true."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from functions.core import errors, problem, settings

ROOT: Final = Path(__file__).parents[2]
MADE: Final = "<!-- made by `make docs`; do not edit -->\n\n"


def documents() -> Mapping[Path, str]:
    """Every made page by its path."""
    return {ROOT / "docs" / "settings.md": settings_page(), ROOT / "docs" / "problems.md": problems_page()}


def settings_page() -> str:
    return (
        f"{MADE}# Settings\n\nRead once from the environment. Any of them also as `…_FILE`, which names a file that holds the"
        " value. An unknown\n`MIRAVEJA_` name stops the start and names itself.\n\n" + settings.table()
    )


def problems_page() -> str:
    rows = ["| code | status | means |", "| --- | --- | --- |"]
    rows += [
        f"| `{kind.code()}` | {problem.status(kind)} | {kind.title} |" for kind in family(errors.MiraVejaError)[1:]
    ]
    rows += [f"| `{code}` | {status} | {means} |" for code, (status, means) in problem.NARROWER.items()]
    return (
        f"{MADE}# Problems\n\nEvery refusal is a problem as in RFC 9457; `code` is stable, further members are facts."
        " A rejected file shows the same\ncodes as its `reason`.\n\n" + "\n".join(rows) + "\n"
    )


def family(kind: type[errors.MiraVejaError]) -> list[type[errors.MiraVejaError]]:
    """A class and all below it, parents first."""
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in family(child))]


def main() -> None:
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
