"""/v1/keys: the API keys of the caller, who is there in person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path

from functions.keys import handler
from functions.keys.contract import CreateKey, KeyOut, KeysOut, NewKeyOut, RenameKey
from gateway.door import TheDoor, ThePerson

router = APIRouter(prefix="/v1/keys", tags=["keys"])
TheKey = Annotated[UUID, Path(alias="keyId")]


@router.get("", name="listKeys")
async def every(here: TheDoor, who: ThePerson) -> KeysOut:
    """Newest first, without their secrets."""
    return await handler.every(here.world, who.user)


@router.post("", name="createKey", status_code=201)
async def create(here: TheDoor, who: ThePerson, wanted: CreateKey) -> NewKeyOut:
    """A key for a program; `key` is shown this once. At most 50, each for a year at most."""
    return await handler.create(here.world, who.user, wanted)


@router.patch("/{keyId}", name="renameKey")
async def rename(here: TheDoor, who: ThePerson, key_id: TheKey, wanted: RenameKey) -> KeyOut:
    """Another name, and nothing else."""
    return await handler.rename(here.world, who.user, key_id, wanted)


@router.delete("/{keyId}", name="revokeKey", status_code=204)
async def revoke(here: TheDoor, who: ThePerson, key_id: TheKey) -> None:
    """The key works no more, within five seconds."""
    here.callers.forget_key(await handler.revoke(here.world, who.user, key_id))
