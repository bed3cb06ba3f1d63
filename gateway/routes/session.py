"""Signing in to the embedded gallery: a link that works once, a cookie, and short tokens for it."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Cookie, Query, Request, Response
from fastapi.responses import RedirectResponse

from functions.core.contract import Wire
from functions.core.errors import Forbidden, NotFound, Unauthenticated
from functions.core.identity.principal import TOKEN_LIFE_S
from gateway.door import Door, TheDoor
from gateway.local.accounts import Accounts

router = APIRouter(tags=["session"])
COOKIE: Final = "miraveja_session"
COOKIE_S: Final = 30 * 24 * 3600
OWN_PAGE: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this origin: browsers take two slashes, or a backslash for one, as another host; `\\` appears nowhere."""
ReturnTo = Annotated[str, Query(alias="returnTo")]
Session = Annotated[str | None, Cookie(alias=COOKIE, max_length=128)]


class TokenOut(Wire):
    """An access token and the seconds it is good for."""

    access_token: str
    expires_in: int


@router.get("/start/{link}", name="startSession", status_code=303, response_class=RedirectResponse)
async def start(here: TheDoor, link: str, return_to: ReturnTo = "/") -> RedirectResponse:
    """Works once, for ten minutes: sets the cookie and goes to the gallery, or to its page `returnTo`."""
    session = await _accounts(here).enter(link)
    answer = RedirectResponse(return_to if OWN_PAGE.fullmatch(return_to) else "/", 303)
    answer.set_cookie(COOKIE, session, max_age=COOKIE_S, httponly=True, samesite="strict", path="/v1/session")
    return answer


@router.post("/v1/session/token", name="sessionToken")
async def token(here: TheDoor, request: Request, miraveja_session: Session = None) -> TokenOut:
    """Change the cookie for an access token; only a page of this gallery may ask."""
    accounts = _accounts(here)
    _same_origin(here, request)
    if miraveja_session is None:
        raise Unauthenticated
    return TokenOut(access_token=await accounts.token(miraveja_session), expires_in=TOKEN_LIFE_S)


@router.delete("/v1/session", name="endSession", status_code=204)
async def end(here: TheDoor, request: Request, response: Response, miraveja_session: Session = None) -> None:
    """Sign out."""
    accounts = _accounts(here)
    _same_origin(here, request)
    if miraveja_session:
        await accounts.leave(miraveja_session)
    response.delete_cookie(COOKIE, path="/v1/session")


def _accounts(here: Door) -> Accounts:
    if here.accounts is None:
        raise NotFound
    return here.accounts


def _same_origin(here: Door, request: Request) -> None:
    """Browsers name the asking page; another page's request is refused, whatever cookie it brings."""
    if request.headers.get("origin") not in here.origins:
        raise Forbidden("only the gallery's own pages may do this")
