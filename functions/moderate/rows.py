"""The SQL of moderate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from psycopg.types.json import Jsonb

from functions.core.model import NEAR, Asset, Moderation
from functions.core.models.embedding import from_bytes
from functions.core.ports import Vector
from functions.core.tx import Tx, one

DECISIONS: Final = {
    Moderation.APPROVED: "approve", Moderation.RESTRICTED: "restrict", Moderation.REJECTED: "reject",
    Moderation.PENDING: "wait",
}  # fmt: skip
REMEMBER: Final = """
    INSERT INTO moderation_decisions (asset_id, by_person, decision, before, reason_before, after, reason, scores)
    SELECT id, false, %(decision)s, moderation, reason, %(after)s, %(reason)s, %(scores)s FROM assets a
    WHERE id = %(asset)s AND NOT judged
        AND jsonb_build_array(%(after)s::text, %(reason)s::text, %(scores)s::jsonb) IS DISTINCT FROM coalesce(
            (SELECT jsonb_build_array(d.after, d.reason, d.scores) FROM moderation_decisions d WHERE d.asset_id = a.id
            ORDER BY d.id DESC LIMIT 1), '["approved", null, {}]')
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the machine says, why, and how much the picture shows of each concept that was looked for, 0 to 1."""

    moderation: Moderation
    reason: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


async def vector(tx: Tx, asset: Asset) -> tuple[str, Vector] | None:
    """The stored vector of this generation, after the name of its model."""
    row = await one(
        tx, "SELECT model, vector FROM embeddings WHERE asset_id = %s AND generation = %s", asset.id, asset.generation
    )
    return (row["model"], from_bytes(row["vector"])) if row else None


async def looks_blocked(tx: Tx, asset: Asset) -> bool:
    """Whether its bytes are blocked, or a blocked perceptual hash is near."""
    row = await one(
        tx,
        "SELECT 1 FROM assets a WHERE a.id = %s AND (EXISTS (SELECT FROM block_sha256 b WHERE b.sha256 = a.sha256)"
        " OR EXISTS (SELECT FROM block_phash b WHERE bit_count((a.phash # b.phash)::bit(64)) <= %s))",
        asset.id, NEAR,
    )  # fmt: skip
    return row is not None


async def store_verdict(tx: Tx, asset: Asset, verdict: Verdict) -> None:
    """Write the verdict, unless a person's stands; the counter rises, since the vector's payload shows it.

    The history tells what is news: a first approval without scores is none.
    """
    said = {
        "asset": asset.id, "after": verdict.moderation, "reason": verdict.reason, "scores": Jsonb(dict(verdict.scores)),
        "decision": DECISIONS[verdict.moderation],
    }  # fmt: skip
    await tx.execute(REMEMBER, said)
    await tx.execute(
        "UPDATE assets SET moderation = %(after)s, reason = %(reason)s, change = change + 1"
        " WHERE id = %(asset)s AND NOT judged",
        said,
    )
