"""Lets clients send a POST again that may have been heard: under a key of their choice it has one effect and one answer."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.core.errors import Invalid, MiraVejaError, Unavailable
from functions.core.identity.callers import Caller
from functions.core.model import FORM_LIFE
from functions.core.postgres import idempotency
from functions.core.postgres.idempotency import Answered, Repeatable
from gateway.door import anybody, door
from gateway.problems import number, problem

HEADER: Final = b"idempotency-key"
KEY: Final = re.compile(rb"[\x21-\x7e]{1,128}")
KEPT: Final = timedelta(hours=24)
SHORTER: Final[Mapping[str, timedelta]] = {"/v1/uploads": FORM_LIFE - timedelta(minutes=1)}
"""Answers that are of no use for that long; the same bytes of one owner are one asset in any case."""
SECRETS: Final = re.compile(r"/(keys|shares|invitations|session)\b")
"""Paths whose answers hold what is shown once and kept nowhere."""
NO_ACTS: Final = ("/v1/uploads/check", "/v1/query-images")
"""What changes nothing, or is too large to compare."""
PASSING: Final = frozenset({401, 403, 409, 429})
"""Refusals that may be another answer in a moment: nothing was done, and they are not kept."""
REPLAYED: Final = ("content-type", "etag", "location")
PARAMETER: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "description": "The same request under the same key has one effect, and the same answer for a day.",
}  # fmt: skip


def takes_key(route: APIRoute) -> bool:
    """Whether a route that somebody known POSTs to keeps its answers under keys."""
    return "POST" in (route.methods or ()) and route.path not in NO_ACTS and not SECRETS.search(route.path)


@dataclass(slots=True)
class Answer:
    """What the application answers, collected so that it is kept before it is sent."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def collect(self, message: Message) -> None:
        """For the application to send to."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        else:
            self.body += message.get("body", b"")

    @property
    def kept(self) -> Answered | None:
        """What those get that come again; None for what may be another answer then."""
        if self.status >= 500 or self.status in PASSING:
            return None
        return Answered(self.status, {name: self.headers[name] for name in REPLAYED if name in self.headers}, self.body)


class OneEffect:
    """Looks at the key of a request before the application does."""

    def __init__(self, app: ASGIApp, routes: Sequence[APIRoute]) -> None:
        self._app, self._routes = app, [route for route in routes if "POST" in (route.methods or ())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests without a key, or to routes where nothing can happen twice, pass."""
        keys = [value for name, value in scope.get("headers", ()) if name.lower() == HEADER]
        route = self._route(scope) if keys and scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None or route.path in NO_ACTS:
            await self._app(scope, receive, send)
            return
        scope["route"] = route  # for those who count, also where the application is not asked again
        request, path = Request(scope, receive), route.path
        try:
            answer = await self._once(request, path, _key(keys, path))
        except MiraVejaError as error:
            answer = problem(error, number(request))
        await answer(scope, receive, send)

    def _route(self, scope: Scope) -> APIRoute | None:
        return next((route for route in self._routes if route.path_regex.match(scope["path"])), None)

    async def _once(self, request: Request, path: str, key: str) -> Response:
        who = await anybody(request)
        body = await request.body()
        asked = Repeatable(who.user, key, digest(request, who, body))
        async with door(request).world.database.transaction() as tx:
            claimed = await idempotency.claim(tx, asked, SHORTER.get(path, KEPT))
        if isinstance(claimed, Answered):
            return Response(claimed.body, claimed.status, {**claimed.headers, "Idempotency-Replayed": "true"})
        answer = await self._carried_out(request, body, asked, claimed)
        return Response(answer.body, answer.status, answer.headers)

    async def _carried_out(self, request: Request, body: bytes, asked: Repeatable, token: UUID) -> Answer:
        answer, waiting = Answer(), [body]

        async def again() -> Message:
            return {"type": "http.request", "body": waiting.pop()} if waiting else await request.receive()

        try:
            await self._app(request.scope, again, answer.collect)
        except Exception:
            await _settle(request, asked, token, None)
            raise
        await _settle(request, asked, token, answer.kept)
        return answer


async def _settle(request: Request, asked: Repeatable, token: UUID, kept: Answered | None) -> None:
    """Keep the answer, or free the key; a database that is away now is no reason to keep the answer from its client."""
    with suppress(Unavailable):
        async with door(request).world.database.transaction() as tx:
            if kept:
                await idempotency.keep(tx, asked, token, kept)
            else:
                await idempotency.let_go(tx, asked, token)


def _key(keys: Sequence[bytes], path: str) -> str:
    if SECRETS.search(path):
        raise Invalid("this answer is shown once and kept nowhere: send no Idempotency-Key", code="idempotency_refused")
    if len(keys) > 1 or not KEY.fullmatch(keys[0]):
        raise Invalid("Idempotency-Key is one value of 1 to 128 visible ASCII characters")
    return keys[0].decode()


def digest(request: Request, who: Caller, body: bytes) -> bytes:
    """What makes this request this one: where it goes, what it says, and the rights it comes with."""
    rights = sorted(who.principal.roles), sorted(who.principal.scopes or ()), who.principal.scopes is None
    asked = request.method, request.scope["path"], request.scope["query_string"].decode("latin-1")
    return hashlib.sha256(json.dumps([asked, rights]).encode() + b"\n" + body).digest()
