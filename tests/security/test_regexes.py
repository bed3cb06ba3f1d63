"""Every pattern of ours takes a hostile megabyte in its stride, the way it is used."""

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.documents import ROOT

MEGABYTE, MOST_S = 1 << 20, 0.05
SEEDS = (
    *"a0 \n\t\0-_./%\\\"'<:,=([{Aé\u202e\ud800",
    *("a.", "a-", "a a", "a=a,", "0,", "../", '"a', "a:", "&a=", "<a ", "%2", "--", "a1", "Aa", "a/"),
)
BOUNDED = {
    "functions/core/errors.py:sub": (1 << 10, "the names of our own classes"),
    "functions/core/pictures/ai.py:_FIELD": (1 << 14, "one line, cut before"),
    "functions/core/adapters/policy_document.py:_BRACKET": (1 << 16, "a policy, measured before"),
    "functions/leaving/names.py:UNSAFE": (1 << 10, "a name, cut before"),
    "functions/core/text.py:_LONE": (1 << 17, "what is looked at, cut before"),
    "functions/people/rows.py:PARTS": (1 << 8, "a handle, measured before"),
    "gateway/shell/limits.py:_STRING": (1 << 16, "a body, measured before"),
}
"""What never sees a megabyte, as callers bound it: in characters, and why."""
METHODS = "match|fullmatch|search|subn?|split|findall|finditer"
PACKAGES = ("events", "functions", "gateway")
Use = tuple[re.Pattern[Any], str]
"""A pattern and the method by which it is asked. Those of pydantic fields run on an engine that never goes back."""


def uses() -> Iterator[tuple[str, Use]]:
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        text, where = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        for name, method in sorted(set(re.findall(rf"\b([A-Z_]{{2,}})\.({METHODS})\(", text))):
            pattern = getattr(importlib.import_module(where.removesuffix(".py").replace("/", ".")), name, None)
            if isinstance(pattern, re.Pattern):
                yield f"{where}:{name}", (pattern, method)
        yield from _written(where, text)


def _written(where: str, text: str) -> Iterator[tuple[str, Use]]:
    """Patterns that stand where they are used."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and re.fullmatch(METHODS, node.func.attr)
        ):
            owner, first = node.func.value, node.args[0] if node.args else None
            if isinstance(owner, ast.Name) and owner.id == "re" and isinstance(first, ast.Constant):
                yield f"{where}:{node.func.attr}", (re.compile(str(first.value)), node.func.attr)


def slowest(where: str, use: Use) -> float:
    """The longest that one text takes on this thread's clock; a text that is slow by a sixteenth is not made longer."""
    most, _ = BOUNDED.get(where, (MEGABYTE, ""))
    return max(_took(use, seed, most) for seed in SEEDS)


def _took(use: Use, seed: str, most: int) -> float:
    took, ask = 0.0, _asking(use)
    for size in (most // 256, most // 16, most):
        text = seed * (size // len(seed)) + "\u2603!"
        said = text.encode("utf-8", "surrogatepass") if isinstance(use[0].pattern, bytes) else text
        began = time.thread_time()
        ask(said)
        took = time.thread_time() - began
        if took > MOST_S:
            break
    return took


def _asking(use: Use) -> Callable[[Any], object]:
    pattern, method = use
    nothing = b"" if isinstance(pattern.pattern, bytes) else ""
    asked = getattr(pattern, method)
    if method.startswith("sub"):
        return lambda text: asked(nothing, text)
    return lambda text: list(found) if isinstance(found := asked(text), Iterator) else found


@pytest.mark.promises("S52")
def test_no_pattern_takes_fifty_milliseconds_for_a_hostile_megabyte() -> None:
    found = dict(uses())
    assert len(found) > 10, "the search for them is broken"
    took = {f"{where} {use[1]}": slowest(where, use) for where, use in found.items()}
    assert {where: seconds for where, seconds in took.items() if seconds > MOST_S} == {}
