"""Bytes and headers from strangers, read one way only: what two parsers could read differently is refused."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from events.errors import EnvelopeError

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 20
SINGLE: Final = ("ce-", "webhook-", "content-type")


def headers_once(headers: Mapping[str, str]) -> dict[str, str]:
    """Values by lower-case name; a header that decides something and is there twice raises EnvelopeError."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        if key in found and key.startswith(SINGLE):
            raise EnvelopeError("a header is there twice")
        found[key] = value
    return found


def json_object(body: bytes) -> dict[str, Any]:
    """One JSON object of at most 64 KiB, 20 levels, finite numbers and no key twice; else EnvelopeError."""
    if len(body) > MAX_BYTES:
        raise EnvelopeError("the body is larger than 64 KiB")
    value = _json(body)
    if not isinstance(value, dict):
        raise EnvelopeError("the body is not a JSON object")
    if _is_deep(value):
        raise EnvelopeError("the body is nested more than 20 levels deep")
    return value


def _json(body: bytes) -> object:
    try:
        return json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
    except EnvelopeError:
        raise
    except (ValueError, RecursionError):
        # The decoder's own error holds the whole body, which no log may show.
        raise EnvelopeError("the body is not JSON") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise EnvelopeError("a key is there twice")
    return found


def _constant(_name: str) -> float:
    raise EnvelopeError("a number is not finite")


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise EnvelopeError("a number is not finite")
    return value


def _is_deep(value: dict[str, Any]) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _members(outer) if isinstance(inner, dict | list)]
    return bool(level)


def _members(container: dict[str, Any] | list[Any]) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else container
