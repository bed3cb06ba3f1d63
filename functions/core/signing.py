"""What we sign for ourselves: addresses of pictures and cursors, under keys that can be changed while in use."""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from functions.core.errors import Forbidden, Invalid, Malformed, TooLarge
from functions.core.ids import AssetId

KEY_BYTES: Final = 32
KID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
MOMENT: Final = re.compile(r"[1-9][0-9]{0,11}")
CURSOR: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
CURSOR_CHARS: Final = 1_024
MOST_REMEMBERED: Final = 60_000
"""Addresses stay the same all day: a page that is shown again costs no signatures."""
ORIGINAL: Final = "original"
EVERYBODYS: Final = "media"
OWNERS: Final = "media of its owner"
MODERATORS: Final = "media for a moderator"
BRIEF: Final = timedelta(minutes=5)
GRACE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """Secrets by kid: `current` signs, all of them verify, each purpose has keys of its own."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise Invalid("The current signing key is not on the ring")
        for kid, key in self.keys.items():
            if not KID.fullmatch(kid) or len(key) < KEY_BYTES:
                raise Invalid("A signing key is a kid of letters and digits, and 32 random bytes or more")

    def sign(self, purpose: str, message: str) -> tuple[str, str]:
        """The current kid, and the signature under it as 43 characters of base64url."""
        return self.current, _mac(self.keys[self.current], purpose, message)

    def holds(self, purpose: str, message: str, kid: str, signature: str) -> bool:
        """Whether a key on the ring made this signature for this purpose, in exactly this spelling."""
        key = self.keys.get(kid)
        if key is None:
            return False
        return hmac.compare_digest(_mac(key, purpose, message).encode(), signature.encode("utf-8", "surrogatepass"))


def parse_keys(text: str) -> Keyring:
    """`new:BASE64,old:BASE64` -> a ring; the first key signs. Invalid, without an echo, for anything else."""
    keys: dict[str, bytes] = {}
    for entry in text.split(","):
        kid, colon, secret = entry.strip().partition(":")
        if not colon or kid in keys:
            raise Invalid("Signing keys are written kid:base64,kid2:base64, each kid once")
        try:
            keys[kid] = base64.b64decode(secret, validate=True)
        except binascii.Error:
            raise Invalid("A signing key is not base64") from None
    return Keyring(keys, current=next(iter(keys)))


class Picture(NamedTuple):
    """One stored picture: a variant (or the original) of one generation of an asset."""

    asset: AssetId
    generation: int
    variant: str
    share: UUID | None = None
    """The share link through which it is shown: the address is good no longer than the link."""


class Good(NamedTuple):
    """A genuine address: the seconds it stays good, and whether it was made for the picture's owner, or to judge it."""

    seconds: int
    owner: bool
    moderator: bool


def media_url(ring: Keyring, picture: Picture, now: datetime, *, owner: bool = False) -> str:
    """Where a browser reads a rendition: the same address all (UTC) day long, good until an hour after it.

    The owner's address goes on working while the picture is hidden from others.
    """
    midnight = datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC) + timedelta(days=1)
    return _signed_path(ring, picture, midnight + GRACE, OWNERS if owner else EVERYBODYS)


def original_url(ring: Keyring, asset: AssetId, generation: int, now: datetime) -> str:
    """Where its owner or a moderator reads the original, for five minutes."""
    return _signed_path(ring, Picture(asset, generation, ORIGINAL), now + BRIEF, OWNERS)


def brief_url(ring: Keyring, picture: Picture, now: datetime) -> str:
    """Where a moderator reads a picture for five minutes, also while it is hidden from others, or its owner is banned."""
    return _signed_path(ring, picture, now + BRIEF, MODERATORS)


def verify_media(ring: Keyring, picture: Picture, exp: str, kid: str, sig: str, now: datetime) -> Good:
    """How long the address stays good, and for whom it was made; Forbidden when it is changed or expired."""
    message = _media_message(picture, exp)
    purpose = next((each for each in (EVERYBODYS, OWNERS, MODERATORS) if ring.holds(each, message, kid, sig)), None)
    if purpose is None or not MOMENT.fullmatch(exp):
        raise Forbidden("This address was not made here")
    left = int(exp) - int(now.timestamp())
    if left <= 0:
        raise Forbidden("This address has expired")
    return Good(left, purpose == OWNERS, purpose == MODERATORS)


def seal(ring: Keyring, of: str, payload: Mapping[str, object]) -> str:
    """A cursor `of` one list that clients can carry and not change: kid.JSON.signature, at most 1 KiB, URL-safe."""
    body = _base64url(json.dumps(payload, separators=(",", ":")).encode())
    kid, signature = ring.sign(f"cursor:{of}", body)
    text = f"{kid}.{body}.{signature}"
    if len(text) > CURSOR_CHARS:
        raise TooLarge("A cursor holds at most 1 KiB")
    return text


def unseal(ring: Keyring, of: str, text: str) -> dict[str, object]:
    """What was sealed for this list; Malformed(code="invalid_cursor") for any other text, and for another list's."""
    form = CURSOR.fullmatch(text) if len(text) <= CURSOR_CHARS else None
    if form is None or not ring.holds(f"cursor:{of}", form[2], form[1], form[3]):
        raise Malformed("this cursor was not made for this list", code="invalid_cursor")
    payload: dict[str, object] = json.loads(base64.urlsafe_b64decode(form[2] + "=" * (-len(form[2]) % 4)))
    return payload


@lru_cache(maxsize=MOST_REMEMBERED)
def _signed_path(ring: Keyring, picture: Picture, until: datetime, purpose: str) -> str:
    exp = str(int(until.timestamp()))
    kid, signature = ring.sign(purpose, _media_message(picture, exp))
    return f"{_media_message(picture, exp)}&kid={kid}&sig={signature}"


def _media_message(picture: Picture, exp: str) -> str:
    share = f"&share={picture.share}" if picture.share else ""
    return f"{_path(picture)}?exp={exp}{share}"


def _path(picture: Picture) -> str:
    return f"/media/{picture.asset}/{picture.generation}/{picture.variant}"


def _mac(key: bytes, purpose: str, message: str) -> str:
    return _base64url(hmac.digest(_derived(key, purpose), message.encode("utf-8", "surrogatepass"), "sha256"))


@cache
def _derived(key: bytes, purpose: str) -> bytes:
    """One key per purpose (the expand step of HKDF), so that a media signature is never a cursor."""
    return hmac.digest(key, f"miraveja {purpose} v1\x01".encode(), "sha256")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
