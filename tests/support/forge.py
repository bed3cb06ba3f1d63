"""Mints access tokens as Keycloak does, and any deviation from them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from functions.core.identity.keys import Key

NOW: Final = 1_800_000_000
ISSUER: Final = "https://id.example.org/realms/miraveja"
SUBJECT: Final = "0f4c6a5e-2b1d-4c3e-9f60-7a8b9c0d1e2f"
KID: Final = "signing-key_1"


@cache
def rsa_key(name: str, bits: int = 2_048) -> rsa.RSAPrivateKey:
    """The same key for the same name, within one run."""
    assert name
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(kid: str, key: rsa.RSAPrivateKey, **changes: object) -> dict[str, object]:
    numbers = key.public_key().public_numbers()
    n, e = (b64(i.to_bytes((i.bit_length() + 7) // 8, "big")) for i in (numbers.n, numbers.e))
    return {"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": n, "e": e} | changes


def jwks(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


@dataclass(frozen=True)
class Forge:
    """Mints tokens that differ from an honest one by exactly what is asked for."""

    issuer: str = ISSUER
    kid: str = KID
    now: int = NOW
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa_key("issuer"))

    @property
    def key(self) -> Key:
        return Key(self.kid, self.private.public_key(), "RS256")

    def header(self, **changes: object) -> dict[str, object]:
        return _without_none({"alg": "RS256", "typ": "at+jwt", "kid": self.kid} | changes)

    def claims(self, **changes: object) -> dict[str, object]:
        honest: dict[str, object] = {
            "iss": self.issuer, "sub": SUBJECT, "aud": "miraveja-api", "azp": "miraveja-web", "typ": "Bearer",
            "iat": self.now, "exp": self.now + 300, "jti": "a1", "scope": "openid profile",
            "realm_access": {"roles": ["user"]}, "preferred_username": "ada", "name": "Ada",
        }  # fmt: skip
        return _without_none(honest | changes)

    def token(self, **changes: object) -> str:
        """Well signed; a claim given as None is left out."""
        return self.sign(self.header(), self.claims(**changes))

    def headed(self, **changes: object) -> str:
        """Well signed, with another header."""
        return self.sign(self.header(**changes), self.claims())

    def sign(self, header: object, claims: object, private: rsa.RSAPrivateKey | None = None) -> str:
        signed = f"{b64(as_bytes(header))}.{b64(as_bytes(claims))}"
        return f"{signed}.{b64(rs256(private or self.private, signed))}"

    def sealed_with(self, mac_key: bytes, **header: object) -> str:
        """Signed by HMAC: what an attacker can do who knows the public key only."""
        signed = f"{b64(as_bytes(self.header(**header)))}.{b64(as_bytes(self.claims()))}"
        return f"{signed}.{b64(hmac.digest(mac_key, signed.encode(), hashlib.sha256))}"

    def unsigned(self, alg: str, signature: str = "") -> str:
        return f"{b64(as_bytes(self.header(alg=alg)))}.{b64(as_bytes(self.claims()))}.{signature}"

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def rs256(private: rsa.RSAPrivateKey, text: str) -> bytes:
    return private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())


def as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _without_none(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
