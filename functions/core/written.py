"""Settings that are lists in a form of their own, read strictly: ValueError says how each is written, without an echo."""

import base64
from typing import Final

from events.proof import MAX_KEYS, MIN_KEY_BYTES
from functions.core.errors import Invalid
from functions.core.signing import Keyring, parse_keys

THRESHOLDS: Final = "written concept=0.8,concept=0.9: each a concept in words and a score from 0 to 1"
EVENT_KEYS: Final = f"one or two keys in base64, of {MIN_KEY_BYTES} bytes or more, comma between"


def thresholds(text: str) -> tuple[tuple[str, float], ...]:
    """`nudity=0.8,gore=0.9` -> pairs."""
    return tuple(_threshold(part) for part in text.split(",") if part.strip())


def _threshold(part: str) -> tuple[str, float]:
    concept, _, score = part.rpartition("=")
    try:
        found = float(score)
    except ValueError:
        raise ValueError(THRESHOLDS) from None
    # NaN lies between no two numbers.
    if not (concept.strip() and 0 <= found <= 1):
        raise ValueError(THRESHOLDS)
    return concept.strip(), found


def event_keys(text: str) -> list[bytes]:
    """`base64,base64` -> the keys by which senders prove themselves, the first of which signs."""
    try:
        keys = [base64.b64decode(key, validate=True) for key in text.split(",")]
    except ValueError:
        raise ValueError(EVENT_KEYS) from None
    if len(keys) > MAX_KEYS or min(map(len, keys)) < MIN_KEY_BYTES:
        raise ValueError(EVENT_KEYS)
    return keys


def media_keys(text: str) -> Keyring:
    """`kid:base64,kid:base64` -> the ring, the first key of which signs."""
    try:
        return parse_keys(text)
    except Invalid as problem:
        raise ValueError(problem.detail) from None
