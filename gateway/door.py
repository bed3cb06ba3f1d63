"""What the routes stand on: the world, the keys, and who is asking."""

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path, Request

from functions.core import written
from functions.core.asked import asked
from functions.core.catalog.media import Shown
from functions.core.catalog.read import Desk
from functions.core.errors import Forbidden, Unauthenticated
from functions.core.identity.api_keys import ApiKeys
from functions.core.identity.callers import Caller, recognise
from functions.core.identity.principal import Principal
from functions.core.identity.tokens import Verifier, api_key, bearer
from functions.core.passwords import Passwords
from functions.core.ports import Vector
from functions.core.runtime.run import World
from functions.core.settings import Settings
from functions.core.signing import Keyring, Picture
from functions.core.times import utcnow
from functions.core.visibility import Viewer
from gateway.live import Live
from gateway.local.accounts import Accounts
from gateway.shell.rates import MINUTE_S, Buckets
from gateway.shell.turns import Turns, lanes

REMEMBERED_S: Final = 5.0
MOST_REMEMBERED: Final = 10_000
MOST_SHOWN: Final = 20_000
EmbedQuery = Callable[[bytes], Awaitable[tuple[str, Vector]]]


@dataclass(slots=True)
class Callers:
    """Users by principal, looked up again after five seconds, so that a ban works at once."""

    world: World
    _known: dict[tuple[str, str], tuple[float, Caller | None]] = field(default_factory=dict)
    _keys: ApiKeys = field(init=False)

    def __post_init__(self) -> None:
        self._keys = ApiKeys(self.world.database)

    async def with_key(self, key: str) -> Caller:
        """Who made an API key, with what it may do; raises Unauthenticated for one that does not hold, Forbidden as `find`."""
        return await self.find(await self._keys.principal(key))

    def knows_key(self, key: str) -> bool:
        """Whether a key was found good just now, so that asking for it costs nothing."""
        return self._keys.known(key) is not None

    async def find(self, principal: Principal) -> Caller:
        """The caller; raises Forbidden for one who is banned."""
        until, known = self._known.get(principal.key, (0.0, None))
        if until <= time.monotonic():
            known = await self._look(principal)
        if known is None:
            raise Forbidden("this account is suspended")
        # What is remembered is the user; roles are those of the token that is shown now.
        return replace(known, principal=principal)

    def forget(self, principal: Principal) -> None:
        """Look somebody up anew when they ask next."""
        self._known.pop(principal.key, None)

    def forget_key(self, hashed: bytes) -> None:
        """Look a key up anew when it is shown next."""
        self._keys.forget(hashed)

    async def _look(self, principal: Principal) -> Caller | None:
        found: Caller | None
        try:
            async with self.world.database.transaction() as tx:
                found = await recognise(tx, principal)
        except Forbidden:
            found = None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[principal.key] = (time.monotonic() + REMEMBERED_S, found)
        return found


@dataclass(slots=True)
class Health:
    """What was down when the parts were last looked at, and until when (monotonic seconds) that counts."""

    until: float = 0.0
    down: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One gateway's parts."""

    settings: Settings
    world: World
    verifier: Verifier
    media: Keyring
    embed_query: EmbedQuery
    """A stranger's picture -> the model's name and its vector; runs where images are decoded."""
    others: Mapping[str, Callable[[], Awaitable[str]]] = field(default_factory=dict)
    """Other processes of ours, by name, and how to ask each for its metrics."""
    callers: Callers
    accounts: Accounts | None
    """One-time links and sessions, in the embedded mode only."""
    shown: dict[Picture, tuple[float, Shown | None]] = field(default_factory=dict)
    """What renditions show, remembered for five seconds."""
    health: Health = field(default_factory=Health)
    passwords: Passwords = field(default_factory=Passwords)
    live: Live = field(default_factory=Live)
    """The streams of live updates."""
    buckets: Buckets = field(default_factory=Buckets)
    turns: dict[str, Turns] = field(default_factory=lanes)

    @property
    def origins(self) -> frozenset[str]:
        """The origins of the gallery's own pages."""
        port = self.settings.port
        return frozenset({self.settings.address, f"http://localhost:{port}", f"http://127.0.0.1:{port}"})

    @property
    def readers(self) -> frozenset[str]:
        """The origins whose pages may read answers."""
        return self.origins | written.origins(self.settings.cors_origins)

    def owned_by(self, principal: Principal) -> bool:
        """Whether this is an embedded gallery of the principal's own."""
        return self.accounts is not None and self.accounts.is_owner(principal)

    def forget(self, principal: Principal) -> None:
        """Nothing that is remembered of somebody who left counts any more."""
        self.callers.forget(principal)
        self.shown.clear()

    def count_failure(self) -> None:
        """A proof of identity did not hold; raises Limited when too many from one network do not."""
        self.buckets.take(*self._failures())

    def ensure_few_failures(self) -> None:
        """Before a proof is looked up: raises Limited for a network whose guesses are used up."""
        self.buckets.ask(*self._failures())

    def _failures(self) -> tuple[Hashable, int, float]:
        return ("rate_failures", asked.get().origin), self.settings.rate_failures, MINUTE_S

    def desk(self, viewer: Viewer) -> Desk:
        """What telling of assets needs."""
        return Desk(viewer, self.media, utcnow(), self.remember)

    def remember(self, picture: Picture, shown: Shown | None) -> None:
        """What a row has just said of a rendition, for five seconds."""
        if len(self.shown) >= MOST_SHOWN:
            self.shown.clear()
        self.shown[picture] = (time.monotonic() + REMEMBERED_S, shown)


def door(request: Request) -> Door:
    """The parts of this gateway."""
    found: Door = request.app.state.door
    return found


async def anybody(request: Request) -> Caller:
    """Who asks, by token or by key; raises Unauthenticated without one that holds."""
    return await _known(request, bearer(request.headers.raw))


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody known, by what they may; a route that depends on one lets nobody else in."""

    check: Callable[[Principal], None]

    async def __call__(self, request: Request) -> Caller:
        """Who asks; raises Unauthenticated, and Forbidden for somebody who may not."""
        who = await anybody(request)
        self.check(who.principal)
        return who


def _may(scope: str) -> Callable[[Principal], None]:
    """A person, or a key that was made for this."""

    def check(principal: Principal) -> None:
        if not principal.may(scope):
            raise Forbidden(f"this key was not made for {scope!r}", code="insufficient_scope")

    return check


READ: Final = _may("read")


def _person(principal: Principal) -> None:
    """Accounts, keys and sign-in are nothing for a key."""
    if principal.scopes is not None:
        raise Forbidden("an API key cannot do this: sign in", code="insufficient_scope")


def _moderator(principal: Principal) -> None:
    _person(principal)
    if not principal.is_moderator(utcnow()):
        raise Forbidden("only moderators may do this", code="insufficient_scope")


def _admin(principal: Principal) -> None:
    _person(principal)
    if not principal.is_admin(utcnow()):
        raise Forbidden("only admins may do this", code="insufficient_scope")


async def viewer(request: Request) -> Viewer:
    """Who looks: anybody where the gallery is open, else as `caller`."""
    authorization = bearer(request.headers.raw)
    if authorization is None and door(request).settings.anonymous_read:
        return Viewer()
    who = await _known(request, authorization)
    READ(who.principal)
    return who.viewer


async def _known(request: Request, authorization: str | None) -> Caller:
    if authorization is None:
        raise Unauthenticated
    here, key = door(request), api_key(authorization)
    try:
        if key is not None:
            if not here.callers.knows_key(key):
                here.ensure_few_failures()
            return await here.callers.with_key(key)
        return await here.callers.find(await here.verifier.verify(authorization))
    except Unauthenticated:
        here.count_failure()
        raise


TheDoor = Annotated[Door, Depends(door)]
TheReader = Annotated[Caller, Depends(Known(READ))]
TheUploader = Annotated[Caller, Depends(Known(_may("upload")))]
TheWriter = Annotated[Caller, Depends(Known(_may("write")))]
ThePerson = Annotated[Caller, Depends(Known(_person))]
TheModerator = Annotated[Caller, Depends(Known(_moderator))]
TheAdmin = Annotated[Caller, Depends(Known(_admin))]
TheViewer = Annotated[Viewer, Depends(viewer)]
TheAsset = Annotated[UUID, Path(alias="assetId")]
