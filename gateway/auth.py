"""Whose tokens this gallery takes: its own in the embedded mode, an OIDC issuer's elsewhere."""

from functions.core.adapters.jwks_http import fetch_jwks
from functions.core.identity.keys import JwksKeys
from functions.core.identity.tokens import Verifier
from functions.core.settings import Settings
from gateway.local.identity import LocalIdentity


def verifier(settings: Settings, identity: LocalIdentity) -> Verifier:
    """The one judge of access tokens."""
    issuer = settings.identity_url
    if issuer == "local:":
        return Verifier(issuer=identity.issuer, keys=identity.keys())
    keys = JwksKeys(f"{issuer}/protocol/openid-connect/certs", fetch_jwks)
    return Verifier(issuer=issuer, keys=keys, accept_typ_jwt=settings.accept_typ_jwt)
