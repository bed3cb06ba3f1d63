"""The embedded gallery's own issuer: it mints what Keycloak would, so that everything behind it is the same."""

import hashlib
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.core.errors import Invalid
from functions.core.identity.keys import Key, StaticKeys
from functions.core.identity.principal import TOKEN_LIFE_S
from functions.core.secret_files import read_or_create
from functions.core.times import utcnow

ISSUER: Final = "urn:miraveja:local"
AUDIENCE: Final = "miraveja-api"
ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2_048
KEY_FILE: Final = "identity.pem"
OWNER_FILE: Final = "owner"


class LocalIdentity:
    """A signing key and an owner that live in the data folder, both made at the first start.

    Whoever can read the key can mint tokens: it is the credential file of the command line on this machine.
    """

    def __init__(self, folder: Path, issuer: str = ISSUER, clock: Callable[[], datetime] = utcnow) -> None:
        self._folder, self.issuer, self._clock = folder, issuer, clock
        self._private = _private_key(read_or_create(folder / KEY_FILE, _new_key))
        self._kid = _kid(self._private.public_key())

    def mint(
        self,
        subject: UUID,
        roles: Iterable[str],
        name: str,
        client: str = "miraveja-web",
        lifetime_s: int = TOKEN_LIFE_S,
    ) -> str:
        """An access token (RFC 9068) with the claims of Keycloak's; give roles in full: admin, moderator, user."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": str(subject),
            "aud": AUDIENCE,
            "azp": client,
            "typ": "Bearer",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + lifetime_s,
            "scope": "openid profile",
            "realm_access": {"roles": sorted(roles)},
            "preferred_username": name,
        }
        return jwt.encode(claims, self._private, ALGORITHM, headers={"typ": "at+jwt", "kid": self._kid})

    def keys(self) -> StaticKeys:
        """What `Verifier` needs to judge these tokens."""
        return StaticKeys([Key(self._kid, self._private.public_key(), ALGORITHM)])

    def owner_subject(self) -> UUID:
        """The subject of the person whose gallery this is."""
        return UUID(read_or_create(self._folder / OWNER_FILE, lambda: str(uuid.uuid4()).encode()).decode())

    def renew_owner(self) -> None:
        """From now on the gallery is somebody else's: the last owner has left."""
        (self._folder / OWNER_FILE).unlink(missing_ok=True)


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
        raise Invalid(f"{KEY_FILE} in the data folder holds no RSA key: remove it to have a new one made")
    return key


def _kid(public: rsa.RSAPublicKey) -> str:
    """A name that follows from the key, so that a new key has a new one."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
