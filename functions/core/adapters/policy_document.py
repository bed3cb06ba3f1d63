"""The policy inside a presigned POST, read so strictly that it can mean one thing only."""

import json
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

RANGE: Final = "content-length-range"
MAX_BYTES: Final = 16 << 10
MAX_DEPTH: Final = 4
"""An object that holds a list of lists or objects is three deep."""

_EXPIRATION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_BRACKET: Final = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """Exact values by field name (`bucket` among them), the sizes in bytes (None: unlimited), and the end."""

    exact: dict[str, object]
    sizes: tuple[int, int] | None
    expires_at: datetime


def read_policy(encoded: str) -> PolicyDocument:
    """The document behind strict base64; ValueError when it is too large, too deep, or holds anything unknown."""
    match _parse(encoded):
        case {"expiration": str(expiration), "conditions": list(listed), **others} if not others:
            if not _EXPIRATION.fullmatch(expiration):
                raise ValueError("the expiration is not a time in UTC")
            exact = _without_twins([_condition(one) for one in listed])
            sizes = exact.pop(RANGE, None)
            limits = sizes if isinstance(sizes, tuple) else None
            return PolicyDocument(exact, limits, datetime.fromisoformat(expiration))
    raise ValueError("not an expiration with conditions")


def _parse(encoded: str) -> object:
    document = b64decode(encoded, validate=True)
    if len(document) > MAX_BYTES or _depth(document) > MAX_DEPTH:
        raise ValueError("too large or too deep")
    return json.loads(
        document.decode(), object_pairs_hook=_without_twins, parse_constant=_not_whole, parse_float=_not_whole
    )


def _depth(document: bytes) -> int:
    # Brackets inside strings count too: that can only refuse more, and it needs no parser.
    deepest = level = 0
    for bracket in _BRACKET.findall(document):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _without_twins(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _not_whole(text: str) -> object:
    raise ValueError(f"{text} is no whole number")


def _condition(one: object) -> tuple[str, object]:
    """Exact matches and the size; `starts-with` is not for us, because it lets a client choose."""
    match one:
        case ["content-length-range", int(low), int(high)] if type(low) is type(high) is int and 0 <= low <= high:
            return RANGE, (low, high)
        case ["eq", str(name), str(value)] if name.startswith("$"):
            return name[1:], value
        case dict() if len(one) == 1 and RANGE not in one:
            return next(iter(one.items()))
    raise ValueError("an unknown condition")
