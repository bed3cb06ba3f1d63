"""Share links: making them, and looking at what they show."""

from urllib.parse import quote
from uuid import UUID

from functions.shares.contract import ChangeShare, MakeShare, SharedOut, ShareMadeOut, ShareOut, SharesOut
from gateway.client import request
from gateway.client.request import Request, get, post, told

UNLOCK = "Share-Unlock"


def page(asset: UUID | str | None = None, collection: UUID | str | None = None, limit: int = 50) -> Request[SharesOut]:
    """A page of the caller's links, newest first."""
    return get("/v1/shares", SharesOut, {"assetId": asset, "collectionId": collection, "limit": limit})


def make(wanted: MakeShare) -> Request[ShareMadeOut]:
    """A new link; its token is told this once."""
    return post("/v1/shares", ShareMadeOut, wanted, again=False)


def change(share: UUID | str, wanted: ChangeShare) -> Request[ShareOut]:
    """Another name, expiry or password."""
    return request.patch(f"/v1/shares/{share}", ShareOut, wanted)


def revoke(share: UUID | str) -> Request[None]:
    """The link shows nothing any more."""
    return request.delete(f"/v1/shares/{share}")


def shown(token: str, unlock: str | None = None) -> Request[SharedOut]:
    """What a link shows; `unlock` is what its password was changed for."""
    headers = {UNLOCK: unlock} if unlock else {}
    return Request("GET", f"/s/{quote(token, safe='')}", told(SharedOut), headers=headers, bare=True)


def unlocked(token: str, password: str) -> Request[SharedOut]:
    """What a link with a password shows, with the value that unlocks its next pages."""
    return Request("POST", f"/s/{quote(token, safe='')}", told(SharedOut), json={"password": password}, bare=True)
