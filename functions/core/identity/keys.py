"""The issuer's public keys, kept fresh without ever making a good token wait for a bad one."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm

from functions.core.errors import Malformed, MiraVejaError, Unavailable
from functions.core.identity.jose import KID
from functions.core.identity.recent import Recent

MAX_BYTES: Final = 1 << 20
MOST_KEYS: Final = 20
LEAST_BITS: Final = 2_048
REFRESH_S: Final = 300
PAUSE_S: Final = 30
COLD_PAUSE_S: Final = 2
STALE_S: Final = 24 * 3_600
MOST_ABSENT: Final = 1_024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """One RSA public key; `algorithm` is what its owner restricts it to, if anything."""

    kid: str
    public: RSAPublicKey
    algorithm: str | None = None


class KeySource(Protocol):
    """Public keys by kid, looked up in memory only."""

    async def key(self, kid: str) -> Key | None:
        """The key, or None when the issuer has none of that name; Unavailable when no keys could be had."""


class StaticKeys:
    """Keys that are known from the start: the embedded gallery's own."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.kid: key for key in keys}

    async def key(self, kid: str) -> Key | None:
        """The key of that name, if it is one of ours."""
        return self._keys.get(kid)


class JwksKeys:
    """The key set of one issuer (RFC 7517). Its owner runs `keep_fresh` beside the requests.

    `fetch` brings the document of an address and raises Unavailable; `clock` counts seconds, from anywhere.
    """

    def __init__(
        self,
        jwks_uri: str,
        fetch: Callable[[str], Awaitable[bytes]],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._uri, self._fetch, self._clock, self._sleep = jwks_uri, fetch, clock, sleep
        self._keys: Mapping[str, Key] = {}
        self._loaded_at = self._asked_at = -math.inf
        self._flight: asyncio.Task[None] | None = None
        self._absent: Recent[str] = Recent(MOST_ABSENT)
        self.failures = 0
        """Refreshes in a row that brought no keys."""

    @property
    def age_s(self) -> float:
        """Seconds since keys last arrived; infinite before that."""
        return self._clock() - self._loaded_at

    def check(self) -> None:
        """Raise Unavailable when there are no keys to judge tokens by."""
        if not self._usable():
            raise Unavailable("The identity provider's keys are not here yet", retry_after=COLD_PAUSE_S)

    async def key(self, kid: str) -> Key | None:
        """The key of that name; an unknown one is worth one refresh per 30 s, which known ones do not wait for."""
        found = self._usable().get(kid)
        if found is None and self._worth_asking(kid):
            found = await self._asked_for(kid)
        self.check()
        return found

    async def keep_fresh(self) -> NoReturn:
        """Fetch now and every 300 s, sooner after a failure; runs until it is cancelled."""
        while True:
            period = self._pause() if self.failures else REFRESH_S
            await self._sleep(max(0.0, self._asked_at + period - self._clock()))
            await self.refresh()

    async def refresh(self) -> None:
        """Fetch the set once, together with whoever asks meanwhile; a failure keeps the keys we have."""
        flight = self._flight
        if flight is None or flight.done():
            self._asked_at = self._clock()
            flight = self._flight = asyncio.create_task(self._load())
        await asyncio.shield(flight)

    async def _asked_for(self, kid: str) -> Key | None:
        await self.refresh()
        found = self._usable().get(kid)
        if found is None:
            self._absent.put(kid, kid, self._clock() + PAUSE_S)
        return found

    async def _load(self) -> None:
        try:
            self._keys = parse_jwks(await self._fetch(self._uri))
        except (MiraVejaError, OSError) as problem:
            self.failures += 1
            log.warning("signing keys not refreshed", extra={"reason": str(problem), "failures": self.failures})
        else:
            self._loaded_at, self.failures = self._clock(), 0

    def _usable(self) -> Mapping[str, Key]:
        return self._keys if self.age_s <= STALE_S else {}

    def _flying(self) -> bool:
        return self._flight is not None and not self._flight.done()

    def _worth_asking(self, kid: str) -> bool:
        now = self._clock()
        return self._absent.get(kid, now) is None and (self._flying() or now - self._asked_at >= self._pause())

    def _pause(self) -> float:
        return PAUSE_S if self._usable() else COLD_PAUSE_S


def parse_jwks(body: bytes) -> dict[str, Key]:
    """The usable signing keys of a JWKS document by kid; Malformed when it is none, too big, or has none for us."""
    keys = {key.kid: key for entry in _entries(body) if (key := _signing_key(entry)) is not None}
    if not keys:
        raise Malformed("The key set holds no key that we can use")
    return keys


def _entries(body: bytes) -> list[object]:
    if len(body) > MAX_BYTES:
        raise Malformed("The key set is too large")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("The key set is not JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise Malformed("The key set is not a list of at most 20 keys")
    return entries


def _signing_key(entry: object) -> Key | None:
    """An RSA key for signatures of 2,048 bits or more; others are not for us (Keycloak publishes one)."""
    if not isinstance(entry, dict) or entry.get("use") != "sig" or entry.get("kty") != "RSA":
        return None
    kid, algorithm = entry.get("kid"), entry.get("alg")
    if not isinstance(kid, str) or not KID.fullmatch(kid) or not isinstance(algorithm, str | None):
        return None
    public = _rsa(entry)
    return Key(kid, public, algorithm) if public is not None and public.key_size >= LEAST_BITS else None


def _rsa(entry: dict[str, object]) -> RSAPublicKey | None:
    try:
        key = RSAAlgorithm.from_jwk({name: entry[name] for name in ("kty", "n", "e")})
    except (PyJWTError, KeyError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) else None
