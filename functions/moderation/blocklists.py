"""What is blocked: bytes by sha256, looks by perceptual hash; blocking rejects what is there already."""

from typing import Final

from functions.core.catalog.read import Desk
from functions.core.errors import Conflict, Invalid, NotFound
from functions.core.model import NEAR, Moderation
from functions.core.postgres import audit_log, upkeep
from functions.core.reasons import BLOCKED
from functions.core.runtime.run import World
from functions.core.signing import seal, unseal
from functions.core.tx import Tx
from functions.moderation import block_rows, cases, rows
from functions.moderation.contract import Block, BlockedOut, BlockOut, BlocksOut, Kind, ListBlocks
from functions.moderation.rows import Word

AT_ONCE: Final = 500
"""How many pictures one request rejects at most; the same request again goes on."""
CURSOR: Final = "blocks"
BITS: Final = 64
REJECTED: Final = Word("reject", Moderation.REJECTED, BLOCKED, "")


async def page(world: World, desk: Desk, asked: ListBlocks) -> BlocksOut:
    """A page of what is blocked, newest first."""
    after = _place(unseal(desk.media, CURSOR, asked.cursor)) if asked.cursor else None
    async with world.database.transaction() as tx:
        found = await block_rows.blocks(tx, asked.kind, after, asked.limit + 1)
    items = [BlockOut.model_validate(row) for row in found[: asked.limit]]
    if len(found) <= asked.limit:
        return BlocksOut(items=items, next_cursor=None)
    last = items[-1]
    cursor = {"blockedAt": last.added_at.isoformat(), "kind": last.kind, "value": last.value}
    return BlocksOut(items=items, next_cursor=seal(desk.media, CURSOR, cursor))


async def add(world: World, desk: Desk, wanted: Block) -> BlockedOut:
    """Block a hash and reject at most 500 pictures that it fits; look-alikes that a person judged stay as they are."""
    me = cases.person(desk)
    async with world.database.transaction() as tx:
        value = await _value(tx, desk, wanted)
        made = await block_rows.block(tx, wanted.kind, value, wanted.note)
        found = await block_rows.alike(tx, wanted.kind, value, AT_ONCE + 1)
        hit = found[:AT_ONCE]
        if hit:
            await rows.decide(tx, me, REJECTED, *hit)
            await upkeep.changed(tx, *hit)
        await audit_log.note(tx, me, "blocklist.added", f"{wanted.kind}:{value}", after={"note": made["note"]})
        for asset in hit:
            await audit_log.note(tx, me, "moderation.reject", f"asset:{asset}", after={"reason": BLOCKED})
    return BlockedOut(kind=wanted.kind, value=value, **made, applied=len(hit), more=len(found) > AT_ONCE)


async def remove(world: World, desk: Desk, kind: Kind, value: str) -> None:
    """Take a hash off the list; what was rejected for it stays so. NotFound where it is not on it."""
    async with world.database.transaction() as tx:
        if not await block_rows.unblock(tx, kind, value):
            raise NotFound("this is not blocked")
        await audit_log.note(tx, cases.person(desk), "blocklist.removed", f"{kind}:{value}")


async def _value(tx: Tx, desk: Desk, wanted: Block) -> str:
    """The hash as hex; Conflict for an asset that has none yet, Invalid for that of a plain picture."""
    value = wanted.value
    if wanted.asset_id:
        sha256, phash = await block_rows.hashes(tx, desk.viewer, wanted.asset_id)
        value = sha256 if wanted.kind == "sha256" else phash
    if value is None:
        raise Conflict("this picture has no perceptual hash yet")
    if wanted.kind == "phash" and not NEAR < int(value, 16).bit_count() < BITS - NEAR:
        raise Invalid("this hash fits every plain picture: block its sha256 instead", code="plain_picture")
    return value


def _place(cursor: dict[str, object]) -> tuple[str, str, str]:
    """Where the page before ended."""
    return str(cursor["blockedAt"]), str(cursor["kind"]), str(cursor["value"])
