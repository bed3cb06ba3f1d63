"""API keys; a key itself can ask none of this."""

from uuid import UUID

from functions.keys.contract import CreateKey, KeyOut, KeysOut, NewKeyOut, RenameKey
from gateway.client import request
from gateway.client.request import Request, get, post


def every() -> Request[KeysOut]:
    """Every key of the caller."""
    return get("/v1/keys", KeysOut)


def create(wanted: CreateKey) -> Request[NewKeyOut]:
    """A new key; its secret is told this once."""
    return post("/v1/keys", NewKeyOut, wanted, again=False)


def rename(key: UUID | str, name: str) -> Request[KeyOut]:
    """Another name."""
    return request.patch(f"/v1/keys/{key}", KeyOut, RenameKey(name=name))


def revoke(key: UUID | str) -> Request[None]:
    """It opens nothing any more."""
    return request.delete(f"/v1/keys/{key}")
