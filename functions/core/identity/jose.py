"""The outer form of a token: three base64url parts whose JSON can be read in one way only."""

import base64
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NoReturn

MAX_CHARS: Final = 8_192
FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
KID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
MEMBERS: Final = frozenset({"alg", "typ", "kid"})
ACCESS_TOKEN: Final = frozenset({"at+jwt", "application/at+jwt"})

Json = dict[str, object]


class Refused(Exception):
    """The token breaks a rule; which one is for the log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.about: dict[str, str] = {}
        """Whom a well-signed token was about: `sub` and `jti`."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says about its own signature."""

    alg: str
    typ: str
    kid: str


def segments(token: str) -> tuple[str, str, str]:
    """Header, claims and signature, still encoded; length and form are judged before any decoding."""
    if len(token) > MAX_CHARS or not FORM.fullmatch(token):
        raise Refused("form")
    header, claims, signature = token.split(".")
    return header, claims, signature


def read_json(segment: str) -> Json:
    """One JSON object: UTF-8, canonical base64url, no name twice at any depth, no NaN."""
    try:
        text = _decoded(segment).decode("utf-8")
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("json") from None
    if not isinstance(value, dict):
        raise Refused("json")
    return value


def read_header(segment: str, algorithms: Collection[str], types: Collection[str]) -> Header:
    """The header, when it has known members only and names an algorithm and a type that we take."""
    members = read_json(segment)
    if not members.keys() <= MEMBERS:
        raise Refused("header_members")
    header = Header(_text(members, "alg"), _text(members, "typ").lower(), _text(members, "kid"))
    if header.alg not in algorithms:
        raise Refused("header_alg")
    if header.typ not in types:
        raise Refused("header_typ")
    if not KID.fullmatch(header.kid):
        raise Refused("header_kid")
    return header


def _text(members: Json, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise Refused(f"header_{name}")
    return value


def _decoded(segment: str) -> bytes:
    data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    # Spare bits in the last character would give one token many spellings.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise ValueError(segment)
    return data


def _without_doubles(pairs: list[tuple[str, object]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
