"""Whom a verified token speaks for, reduced to what decisions may rest on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

SCOPES: Final = frozenset({"read", "upload", "write"})
"""What an API key can be made for: look, send pictures, change what one owns."""
INCLUDED_IN: Final = {"read": "write"}
"""Whoever changes something is told what it is then: a key to write is one to read."""
ROLES: Final = frozenset({"user", "moderator", "admin"})
TOKEN_LIFE_S: Final = 300
"""How long a token of the embedded gallery is good."""
FRESH_S: Final = 300
"""Privileges need a token at most this old, so that a role taken away is gone within its life."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller; times are Unix seconds. `name` is for display and decides nothing."""

    issuer: str
    subject: str
    roles: frozenset[str]
    issued_at: int
    expires_at: int
    client: str
    name: str | None
    scopes: frozenset[str] | None = None
    """What an API key may do; None for a token, which may do all that its roles allow."""

    @property
    def key(self) -> tuple[str, str]:
        """Who this is: the issuer and its subject, never an e-mail or a name."""
        return self.issuer, self.subject

    def may(self, scope: str) -> bool:
        """Whether this is a token, or a key that was given the scope, or one that includes it."""
        return self.scopes is None or not self.scopes.isdisjoint({scope, INCLUDED_IN.get(scope)})

    def is_moderator(self, now: datetime) -> bool:
        """Whether this fresh token carries the moderator's role, or the admin's, which includes it."""
        return self._fresh(now) and not self.roles.isdisjoint({"moderator", "admin"})

    def is_admin(self, now: datetime) -> bool:
        """Whether this fresh token carries the admin's role."""
        return self._fresh(now) and "admin" in self.roles

    def _fresh(self, now: datetime) -> bool:
        return now.timestamp() - self.issued_at <= FRESH_S
