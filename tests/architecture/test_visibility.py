"""Every query of assets goes through the one predicate, or stands in a short list with its reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|USING|ONLY|TABLE)\s+\"?assets\b", re.IGNORECASE)
PREDICATE: Final = {"where", "seen_by"}
"""What turns conditions into SQL over `{FROM}`; a function that reads it calls one of them."""

PIPELINE: Final = "by the id in an event, for nobody's eyes"
KEEPER: Final = "for the operator and for repairs: counts and ids, no viewer"
OWNERS: Final = "its SQL names the owner, or stands behind a lock that does"
MODULES: Final = {
    "functions/core/postgres/assets.py": PIPELINE,
    "functions/core/postgres/usage.py": OWNERS,
    "functions/core/postgres/standing.py": "a ban's assets by their owner, for the index to hear of",
    "functions/core/postgres/vitals.py": KEEPER,
    "functions/core/postgres/upkeep.py": "moves of an asset that its caller has locked as its owner, or that housekeeping mends",
    "functions/ingest/rows.py": PIPELINE,
    "functions/thumbnail/rows.py": PIPELINE,
    "functions/moderate/rows.py": PIPELINE,
    "functions/moderation/rows.py": "verdicts, on what the predicate let a moderator at work lock, or on what a block fits",
    "functions/moderation/block_rows.py": "what a new block fits, for its verdict: ids, and nothing is told of them",
    "functions/index/rows.py": PIPELINE,
    "functions/purge/rows.py": PIPELINE,
    "functions/housekeeping/rows.py": KEEPER,
    "functions/backup/rows.py": "keeps the whole gallery, for its operator",
    "functions/leaving/rows.py": OWNERS,
    "functions/upload_presign/rows.py": OWNERS,
    "functions/assets/rows.py": OWNERS,
}
UNOWNED: Final = {
    "functions/leaving/rows.py:forget_events": "the events of assets that are gone, for nobody's eyes",
    "functions/leaving/rows.py:close": "removes somebody who has asked for it, by their own id",
    "functions/assets/rows.py:revision": "a number, told beside an asset that the predicate let through",
    "functions/assets/rows.py:change": "behind `lock`",
    "functions/assets/rows.py:change_all": "behind `lock_all`",
    "functions/upload_presign/rows.py:expect": "the owner's twin, found under the owner's lock, or a new row of the owner's",
    "functions/upload_presign/rows.py:note_complete": "behind `state_of`, which names the owner",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in ("functions", "gateway"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def texts(tree: ast.AST) -> str:
    """Every string in a piece of code, docstrings left out, joined as the parser joins them."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    return "\n".join(node.value for node in found if isinstance(node.value, str))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def reads_for_viewers(node: ast.AST) -> bool:
    """Whether an f-string puts the predicate's own `{FROM}` into SQL."""
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
    return any(isinstance(part, ast.Name) and part.id == "FROM" for part in parts)


def calls(node: ast.AST) -> set[str]:
    found = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    return {part.id for part in found if isinstance(part, ast.Name)}


@pytest.mark.promises("S46")
def test_only_these_modules_name_the_table_of_assets() -> None:
    assert {name for name, tree in modules() if TABLE.search(texts(tree))} == MODULES.keys()


@pytest.mark.promises("S46")
def test_whoever_reads_for_viewers_asks_the_predicate() -> None:
    reading = {
        f"{name}:{node.name}": calls(node)
        for name, tree in modules()
        for node in functions(tree)
        if reads_for_viewers(node)
    }
    assert reading, "the search for them is broken"
    assert [name for name, called in reading.items() if not called & PREDICATE] == []


@pytest.mark.promises("S46")
def test_what_people_ask_for_directly_names_its_owner() -> None:
    asked = [(name, tree) for name, tree in modules() if MODULES.get(name) == OWNERS or name.startswith("gateway/")]
    unowned = {
        f"{name}:{node.name}"
        for name, tree in asked
        for node in functions(tree)
        if TABLE.search(text := texts(node)) and not re.search(r"\bowner = %s", text)
    }
    assert unowned == UNOWNED.keys()


@pytest.mark.promises("S46")
def test_the_predicate_is_written_once() -> None:
    """Nobody else spells visibility, verdict and ban as SQL."""
    spelled = {
        name
        for name, tree in modules()
        if re.search(r"\b(moderation|visibility|banned_at)\s*(=|<>|IS|IN)", texts(tree))
    }
    assert spelled == SPELLED.keys()


SPELLED: Final = {
    "functions/leaving/rows.py": "who leaves is hidden by the same mark as who is banned",
    "functions/core/postgres/where.py": "the predicate's own fields",
    "functions/index/rows.py": "what the payload holds, by which the index filters",
    "functions/housekeeping/rows.py": KEEPER,
    "functions/moderate/rows.py": "writes the verdict",
    "functions/moderation/rows.py": "writes a person's verdict",
    "functions/moderation/block_rows.py": "what a block fits and is not rejected yet",
    "functions/core/postgres/standing.py": "writes the ban",
    "functions/core/identity/callers.py": "no tokens for the banned",
    "functions/core/catalog/collections.py": "who may see a collection, which is no asset",
    "functions/shares/rows.py": "no links of the banned",
    "functions/core/catalog/read.py": "whether the owner is banned, for the addresses of pictures that a row is told with",
}
