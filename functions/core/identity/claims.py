"""What the claims of a well-signed token must say: one rule, one function."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from functions.core.identity.jose import Json, Refused
from functions.core.identity.principal import ROLES, Principal
from functions.core.text import line

LEEWAY_S: Final = 30
LONGEST_LIFE_S: Final = 3_600
MOST_ROLES: Final = 100
LONGEST_NAME: Final = 200
SUBJECT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a token is held against; `now` is Unix seconds."""

    clients: Collection[str]
    now: float
    typ_required: bool = False


def not_expired(claims: Json, terms: Terms) -> bool:
    """`exp` is ahead, give or take the leeway."""
    return terms.now < _seconds(claims, "exp") + LEEWAY_S


def issued_in_the_past(claims: Json, terms: Terms) -> bool:
    """`iat` is behind us, give or take the leeway."""
    return _seconds(claims, "iat") <= terms.now + LEEWAY_S


def already_valid(claims: Json, terms: Terms) -> bool:
    """`nbf`, where there is one, is behind us, give or take the leeway."""
    return "nbf" not in claims or _seconds(claims, "nbf") <= terms.now + LEEWAY_S


def lives_shortly(claims: Json, _terms: Terms) -> bool:
    """At most an hour from `iat` to `exp`, and in that order."""
    return 0 < _seconds(claims, "exp") - _seconds(claims, "iat") <= LONGEST_LIFE_S


def subject_is_a_uuid(claims: Json, _terms: Terms) -> bool:
    """`sub` in the one spelling that Keycloak and we mint."""
    return SUBJECT.fullmatch(str(claims["sub"])) is not None


def client_is_ours(claims: Json, terms: Terms) -> bool:
    """`azp` names a client that may call us; tokens of the realm's other clients are not for us."""
    return isinstance(claims["azp"], str) and claims["azp"] in terms.clients


def type_is_bearer(claims: Json, terms: Terms) -> bool:
    """The claim `typ` tells access tokens from ID and refresh tokens, where the header does not."""
    return claims.get("typ", None if terms.typ_required else "Bearer") == "Bearer"


Rule = Callable[[Json, Terms], bool]
RULES: Final[tuple[Rule, ...]] = (
    not_expired, issued_in_the_past, already_valid, lives_shortly,
    subject_is_a_uuid, client_is_ours, type_is_bearer,
)  # fmt: skip


def judge(claims: Json, terms: Terms) -> None:
    """Refused, with the name of the first rule that does not hold; issuer and audience were checked before."""
    for rule in RULES:
        if not rule(claims, terms):
            raise Refused(rule.__name__)


def principal(claims: Json) -> Principal:
    """The caller, from claims that were judged."""
    return Principal(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        roles=_roles(claims),
        issued_at=_seconds(claims, "iat"),
        expires_at=_seconds(claims, "exp"),
        client=str(claims["azp"]),
        name=_shown(claims.get("name")) or _shown(claims.get("preferred_username")) or None,
    )


def _roles(claims: Json) -> frozenset[str]:
    """The roles we know of `realm_access.roles`, which is a list of at most 100 strings, or not there."""
    access = claims.get("realm_access", {})
    roles = access.get("roles", []) if isinstance(access, dict) else None
    if not isinstance(roles, list) or len(roles) > MOST_ROLES:
        raise Refused("roles")
    if not all(isinstance(role, str) for role in roles):
        raise Refused("roles")
    return ROLES.intersection(roles)


def _shown(name: object) -> str:
    """A name fit to be displayed, or none."""
    return line(name, LONGEST_NAME) if isinstance(name, str) else ""


def _seconds(claims: Json, name: str) -> int:
    """A time that JSON wrote as a whole number; True is an int to Python, 1e10 and "5" are times to others."""
    value = claims[name]
    if type(value) is not int:
        raise Refused(f"{name}_type")
    return value
