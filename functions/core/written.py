"""Settings that are lists in a form of their own, read strictly: ValueError says how each is written, without an echo."""

import base64
import re
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from events.proof import MAX_KEYS, MIN_KEY_BYTES
from functions.core.errors import Invalid
from functions.core.signing import Keyring, parse_keys

THRESHOLDS: Final = "written concept=0.8,concept=0.9: each a concept in words and a score from 0 to 1"
NETWORKS: Final = "written 10.0.0.0/8,2001:db8::/32: addresses or networks of proxies, comma between"
ORIGINS: Final = (
    "written https://a.example,http://localhost:5173: exact origins in small letters, without a path or a *"
)
CONTACT: Final = "one mailto: or https: address"
ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
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


@cache
def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """`10.0.0.0/8,::1` -> networks."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(NETWORKS) from None


@cache
def origins(text: str) -> frozenset[str]:
    """`https://a.example,http://localhost:5173` -> the same one by one."""
    found = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not all(ORIGIN.fullmatch(origin) for origin in found):
        raise ValueError(ORIGINS)
    return found


def contact(text: str) -> str:
    """An address that fits on a line of security.txt."""
    if text and not re.fullmatch(r"(?:mailto:[^\s@]+@[^\s@]+|https://\S+)", text):
        raise ValueError(CONTACT)
    return text
