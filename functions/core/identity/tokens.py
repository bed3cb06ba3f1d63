"""The one strict reading of access tokens (RFC 8725, 9068) that the gateway, functions and live updates share."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import jwt

from functions.core.errors import Unauthenticated
from functions.core.identity.api_keys import KEY
from functions.core.identity.claims import Terms, judge, principal
from functions.core.identity.jose import (
    ACCESS_TOKEN,
    MAX_CHARS,
    Refused,
    read_header,
    read_json,
    segments,
)
from functions.core.identity.keys import KeySource
from functions.core.identity.principal import Principal
from functions.core.identity.recent import Recent
from functions.core.times import utcnow

SCHEME: Final = "Bearer "
API_KEY: Final = "mv_"
REMEMBERED_S: Final = 30
MOST_REMEMBERED: Final = 10_000
RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
OPTIONS: Final[jwt.types.Options] = {
    "require": ["exp", "iat", "iss", "aud", "sub", "azp"],
    # Times are judged by our own rules: stricter types, and a clock that tests can set.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}

log = logging.getLogger(__name__)


def bearer(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The value of the only Authorization header, for `api_key` and `Verifier.verify`; None without one.

    Unauthenticated when it is there twice, not ASCII, too long, or almost an API key.
    """
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if not values:
        return None
    try:
        if len(values) > 1:
            raise Refused("two_headers")
        _said(value := values[0].decode("latin-1"))
    except Refused as refusal:
        raise _refusal(refusal) from None
    return value


def api_key(authorization: str) -> str | None:
    """The API key of a Bearer value, told apart before anything is parsed; None where it is a token."""
    said = authorization[len(SCHEME) :]
    return said if said.startswith(API_KEY) else None


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Judges access tokens of one issuer, and remembers for 30 s at most what it found."""

    issuer: str
    keys: KeySource
    audience: str = "miraveja-api"
    clients: Sequence[str] = ("miraveja-web", "miraveja-cli")
    algorithms: Sequence[str] = ("RS256",)
    accept_typ_jwt: bool = False
    """For issuers without RFC 9068: header typ JWT is taken too, and the claim typ must then be Bearer."""
    clock: Callable[[], datetime] = utcnow
    _recent: Recent[Principal] = field(default_factory=lambda: Recent(MOST_REMEMBERED), init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise ValueError("an issuer and an audience are needed: without them any would do")
        if not self.algorithms or not RSA_ALGORITHMS.issuperset(self.algorithms):
            raise ValueError(f"only RSA signatures are judged here: {sorted(RSA_ALGORITHMS)}")

    async def verify(self, authorization: str | None) -> Principal:
        """Who sends this Authorization value.

        Unauthenticated, always in the same words, for whatever does not hold; Unavailable while there are no keys.
        """
        if authorization is None:
            raise Unauthenticated
        try:
            return await self._remembered(_token_of(authorization))
        except Refused as refusal:
            raise _refusal(refusal) from None

    async def _remembered(self, token: str) -> Principal:
        now, digest = self.clock().timestamp(), hashlib.sha256(token.encode()).digest()
        known = self._recent.get(digest, now)
        if known is None:
            known = await self._judged(token, now)
            self._recent.put(digest, known, min(known.expires_at, now + REMEMBERED_S))
        return known

    async def _judged(self, token: str, now: float) -> Principal:
        header_segment, claims_segment = segments(token)[:2]
        types = ACCESS_TOKEN | {"jwt"} if self.accept_typ_jwt else ACCESS_TOKEN
        header = read_header(header_segment, self.algorithms, types)
        await self._check_signature(token, header.kid, header.alg)
        claims = read_json(claims_segment)
        try:
            judge(claims, Terms(self.clients, now, typ_required=header.typ == "jwt"))
            return principal(claims)
        except Refused as refusal:
            refusal.about = {name: str(claims.get(name))[:64] for name in ("sub", "jti")}
            raise

    async def _check_signature(self, token: str, kid: str, alg: str) -> None:
        key = await self.keys.key(kid)
        if key is None:
            raise Refused("unknown_key")
        if key.algorithm not in (None, alg):
            raise Refused("key_algorithm")
        try:
            jwt.decode(
                token,
                key.public,
                algorithms=self.algorithms,
                audience=self.audience,
                issuer=self.issuer,
                options=OPTIONS,
            )
        except (jwt.PyJWTError, RecursionError) as problem:
            raise Refused(type(problem).__name__) from None


def _token_of(authorization: str) -> str:
    """The token of a Bearer value; an API key is none."""
    token = _said(authorization)
    if token.startswith(API_KEY):
        raise Refused("api_key")
    return token


def _said(authorization: str) -> str:
    """What a Bearer value holds."""
    if len(authorization) > len(SCHEME) + MAX_CHARS or not authorization.isascii():
        raise Refused("authorization")
    if authorization[: len(SCHEME)].lower() != SCHEME.lower():
        raise Refused("scheme")
    said = authorization[len(SCHEME) :]
    if said.startswith(API_KEY) and KEY.fullmatch(said) is None:
        raise Refused("api_key")
    return said


def _refusal(refusal: Refused) -> Unauthenticated:
    """The same words for every reason, which only the log learns."""
    log.info("token refused", extra={"reason": refusal.reason, **refusal.about})
    return Unauthenticated(code="invalid_token")
