"""Signing in without a provider: one-time links, sessions in a cookie, and the tokens they are changed for."""

from dataclasses import dataclass
from uuid import UUID

from functions.core.errors import Gone, Unauthenticated
from functions.core.identity.callers import in_standing, recognise
from functions.core.identity.principal import ROLES, TOKEN_LIFE_S, Principal
from functions.core.ids import UserId
from functions.core.times import utcnow
from functions.core.tx import Database
from gateway.local import sessions
from gateway.local.identity import LocalIdentity


@dataclass(frozen=True, slots=True)
class Accounts:
    """The embedded gallery's people."""

    database: Database
    identity: LocalIdentity

    async def owner(self) -> UserId:
        """The person whose gallery this is."""
        subject, issuer = str(self.identity.owner_subject()), self.identity.issuer
        principal = Principal(issuer, subject, ROLES, 0, 0, "miraveja-cli", "Owner")
        async with self.database.transaction() as tx:
            return (await recognise(tx, principal)).user

    async def link(self, user: UserId) -> str:
        """The secret of a new sign-in link for a user."""
        async with self.database.transaction() as tx:
            return await sessions.create_link(tx, user, utcnow())

    async def enter(self, link: str) -> str:
        """Change a link for the secret of a session; raises Gone for one that was used, is too old, or never was."""
        async with self.database.transaction() as tx:
            user = await sessions.redeem_link(tx, link, utcnow())
            if user is None:
                raise Gone("this link was used or is too old: `miraveja link` prints another")
            return await sessions.create_session(tx, user, utcnow())

    async def token(self, session: str) -> str:
        """An access token for whoever the session belongs to; raises Unauthenticated when it has ended."""
        async with self.database.transaction() as tx:
            user = await sessions.session_user(tx, session, utcnow())
            found = await in_standing(tx, user) if user else None
        if found is None:
            raise Unauthenticated("the session has ended: `miraveja link` prints a new sign-in link")
        return self.token_for(*found)

    def token_for(self, subject: str, name: str) -> str:
        """An access token for a subject; the owner's has every role."""
        owner = self.identity.owner_subject()
        roles = ROLES if subject == str(owner) else {"user"}
        return self.identity.mint(UUID(subject), roles, name, lifetime_s=TOKEN_LIFE_S)

    async def leave(self, session: str) -> None:
        """End a session."""
        async with self.database.transaction() as tx:
            await sessions.end_session(tx, session)
