"""A moderator's work."""

from uuid import UUID

from functions.moderation.contract import Block, BlockedOut, BlocksOut, CaseOut, Decide, QueueOut
from gateway.client import request
from gateway.client.request import Request, get, post


def queue(take: int) -> Request[QueueOut]:
    """What is to be looked at next, kept for the caller for two minutes."""
    return get("/v1/moderation/queue", QueueOut, {"take": take})


def decide(asset: UUID | str, wanted: Decide) -> Request[CaseOut]:
    """Approve, restrict, reject, or take the last decision back."""
    return post(f"/v1/moderation/{asset}/decision", CaseOut, wanted, once=True)


def blocks(kind: str | None = None, limit: int = 50) -> Request[BlocksOut]:
    """A page of what is blocked."""
    return get("/v1/moderation/blocklists", BlocksOut, {"kind": kind, "limit": limit})


def block(wanted: Block) -> Request[BlockedOut]:
    """Block bytes, or what looks like them, also where it is here already."""
    return post("/v1/moderation/blocklists", BlockedOut, wanted)


def unblock(kind: str, value: str) -> Request[None]:
    """Take an entry back; what was rejected for it stays so until somebody decides otherwise."""
    return request.delete(f"/v1/moderation/blocklists/{kind}/{value}")
