"""Takes quarantined bytes in: the right bytes, of the right kind, not blocked; then they are the original."""

import hashlib
from dataclasses import dataclass

from events.types import AssetUploaded, ObjectArrived
from functions.core.errors import Blocked, ChecksumMismatch, NotFound, SizeMismatch
from functions.core.model import Asset, State, incoming_key, original_key
from functions.core.pictures.sniff import HEAD_BYTES, ensure
from functions.core.ports import Objects
from functions.core.runtime.step import Ports, Ref, Step, TooEarly
from functions.core.tx import Tx
from functions.ingest import rows


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the bytes are, whatever was said of them."""

    head: bytes
    size: int
    sha256: bytes


async def load(tx: Tx, asset: Asset) -> bool:
    """Whether exactly these bytes are blocked here."""
    return await rows.is_blocked(tx, asset.sha256)


async def work(asset: Asset, ports: Ports, blocked: bool) -> str:  # noqa: FBT001 -- what load found
    """The content type, once the bytes are at the original's place; raises of the Rejected family."""
    found = await fingerprint(ports.objects, asset.incoming_key)
    if found.size != asset.size:
        raise SizeMismatch(declared=asset.size, found=found.size)
    if found.sha256 != asset.sha256:
        raise ChecksumMismatch
    if blocked:
        raise Blocked
    content_type = ensure(found.head, asset.declared_type)
    await ports.objects.copy(asset.incoming_key, asset.original_key)
    return content_type


async def record(tx: Tx, asset: Asset, content_type: str) -> AssetUploaded:
    """What kind of picture it is."""
    await rows.store_type(tx, asset, content_type)
    return AssetUploaded.of(asset)


async def settle(ref: Ref, ports: Ports) -> None:
    """Empty the quarantine."""
    await ports.objects.delete(incoming_key(ref.id))


async def undo(ref: Ref, ports: Ports) -> None:
    """Nothing of this generation stays."""
    await ports.objects.delete(original_key(ref.id, ref.generation))
    await ports.objects.delete(incoming_key(ref.id))


async def fingerprint(objects: Objects, key: str) -> Fingerprint:
    """Size, sha256 and first bytes of an object, in one pass; raises TooEarly when it is not there."""
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        async for chunk in objects.chunks(key):
            digest.update(chunk)
            size += len(chunk)
            head = head or chunk[:HEAD_BYTES]
    except NotFound:
        raise TooEarly from None
    return Fingerprint(head, size, digest.digest())


STEP = Step(
    name="ingest", consumes=(ObjectArrived,), after=State.NEW, to=State.UPLOADED, once=True,
    load=load, work=work, record=record, settle=settle, undo=undo, by_generation=True,
)  # fmt: skip
