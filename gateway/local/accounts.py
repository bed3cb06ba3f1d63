"""Signing in without a provider: one-time links, sessions in a cookie, and the tokens they are changed for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from functions.core.errors import Gone, Unauthenticated
from functions.core.identity.callers import Caller, has_left, in_standing, recognise
from functions.core.identity.principal import ROLES, TOKEN_LIFE_S, Principal
from functions.core.ids import UserId
from functions.core.postgres import audit_log
from functions.core.times import utcnow
from functions.core.tx import Database
from gateway.local import sessions
from gateway.local.identity import LocalIdentity


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody new, and the secret of the link by which they sign in for the first time."""

    guest: Caller
    link: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Accounts:
    """The embedded gallery's people."""

    database: Database
    identity: LocalIdentity

    async def owner(self) -> UserId:
        """The person whose gallery this is; a new one, with nothing, after the last has erased their account."""
        issuer = self.identity.issuer
        async with self.database.transaction() as tx:
            if await has_left(tx, issuer, str(self.identity.owner_subject())):
                self.identity.renew_owner()
            subject = str(self.identity.owner_subject())
            principal = Principal(issuer, subject, ROLES, 0, 0, "miraveja-cli", "Owner")
            return (await recognise(tx, principal)).user

    def is_owner(self, principal: Principal) -> bool:
        """Whether a principal is the person whose gallery this is, or a key of theirs."""
        return principal.key == (self.identity.issuer, str(self.identity.owner_subject()))

    async def link(self, user: UserId) -> str:
        """The secret of a new sign-in link for a user."""
        async with self.database.transaction() as tx:
            made = await sessions.create_link(tx, user, utcnow())
            await audit_log.note(tx, None, "link.made", user)
        return made

    async def invite(self, host: UserId, name: str) -> Invited:
        """Make a person, who is a user and nothing more; the link works once, for three days."""
        principal = Principal(self.identity.issuer, str(uuid4()), frozenset({"user"}), 0, 0, "miraveja-web", name)
        now = utcnow()
        async with self.database.transaction() as tx:
            guest = await recognise(tx, principal)
            link = await sessions.create_link(tx, guest.user, now, sessions.INVITATION_LIFETIME)
            await audit_log.note(tx, host, "user.invited", guest.user)
        return Invited(guest, link, now + sessions.INVITATION_LIFETIME)

    async def enter(self, link: str) -> str:
        """Change a link for the secret of a session; raises Gone for one that was used, is too old, or never was."""
        async with self.database.transaction() as tx:
            user = await sessions.redeem_link(tx, link, utcnow())
            if user is None:
                raise Gone("this link was used or is too old: `miraveja link` prints another")
            session = await sessions.create_session(tx, user, utcnow())
            await audit_log.note(tx, user, "session.begun", user)
        return session

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
            user = await sessions.session_user(tx, session, utcnow())
            await sessions.end_session(tx, session)
            if user:
                await audit_log.note(tx, user, "session.ended", user)
