"""People: oneself, others, and those who are asked in."""

from urllib.parse import quote

from functions.people.contract import ChangeMe, MeOut, ProfileOut, UsageOut
from gateway.client.request import Request, get, nothing, patch, post
from gateway.contract import InvitationOut


def me() -> Request[MeOut]:
    """Who the token belongs to."""
    return get("/v1/me", MeOut)


def change_me(wanted: ChangeMe) -> Request[MeOut]:
    """Another handle, name or settings."""
    return patch("/v1/me", MeOut, wanted)


def usage() -> Request[UsageOut]:
    """Bytes and counts against their limits."""
    return get("/v1/me/usage", UsageOut)


def erase_me(handle: str) -> Request[None]:
    """Leave for good, with everything; `handle` is one's own, typed by hand."""
    return Request("DELETE", "/v1/me", nothing, json={"confirm": handle})


def profile(handle: str) -> Request[ProfileOut]:
    """Somebody as others see them."""
    return get(f"/v1/users/{quote(handle, safe='')}", ProfileOut)


def invite(name: str) -> Request[InvitationOut]:
    """Ask somebody in, where the gallery signs people in itself."""
    return post("/v1/invitations", InvitationOut, {"name": name}, again=False)
