"""Holds rows, objects, vectors and events against each other, and names every mismatch."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from functions.core.model import State, Variant, derived_key, incoming_key, original_key
from functions.core.runtime.run import World
from functions.core.tx import Tx
from functions.housekeeping import rows

DONE = frozenset({State.PROCESSED, State.READY})
OPEN = frozenset({State.UPLOADED, State.PROCESSED, State.DELETING})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as the rest says it is."""

    kind: str
    asset_id: UUID | None
    what: str


async def audit(world: World) -> dict[str, Any]:
    """`{counts, mismatches: N, details: [{kind, assetId, what}]}` over everything there is."""
    objects: set[str] = set()
    for prefix in ("incoming/", "originals/", "derived/"):
        objects |= {found.key async for found in world.ports.objects.list(prefix)}
    points = await world.ports.vectors.ids()
    async with world.database.transaction() as tx:
        expected = await rows.expectations(tx, world.ports.embedding.model.model_id)
        counts, found = await rows.counts(tx), await _compare(tx, expected, objects, points)
    details = [
        {"kind": each.kind, "assetId": str(each.asset_id) if each.asset_id else None, "what": each.what}
        for each in found
    ]
    return {
        "counts": counts | {"objects": len(objects), "vectors": len(points)},
        "mismatches": len(details),
        "details": details,
    }


async def _compare(tx: Tx, expected: list[dict[str, Any]], objects: set[str], points: set[UUID]) -> list[Mismatch]:
    found = [mismatch for row in expected for mismatch in _of_asset(row, objects, points)]
    wanted = {key for row in expected for key in _keys(row) | _awaited(row)}
    open_ends = {
        str(row["id"]) for row in expected if row["under_way"] or row["state"] in (State.DELETING, State.FAILED)
    }
    strays = [key for key in objects - wanted if key.split("/")[1] not in open_ends]
    found += [Mismatch("stray_object", None, key) for key in sorted(strays)]
    return found + [
        Mismatch("ghost_vector", point, "no row wants this point") for point in await rows.ghosts(tx, points)
    ]


def _keys(row: dict[str, Any]) -> set[str]:
    """The objects that an asset must have."""
    asset, generation = row["id"], row["generation"]
    keys = {original_key(asset, generation)} if row["content_type"] else set()
    return keys | {derived_key(asset, generation, variant, kind) for variant, kind in row["renditions"]}


def _awaited(row: dict[str, Any]) -> set[str]:
    """The object that an asset may have before it is taken in."""
    return {incoming_key(row["id"])} if row["state"] == State.NEW else set()


def _of_asset(row: dict[str, Any], objects: set[str], points: set[UUID]) -> list[Mismatch]:
    asset, state = row["id"], row["state"]
    if state == State.DELETING:
        return [] if row["under_way"] else [Mismatch("stuck", asset, "deleting, and nothing is under way")]
    found = [Mismatch("missing_object", asset, key) for key in sorted(_keys(row) - objects)]
    if state in OPEN and not row["under_way"]:
        found.append(Mismatch("stuck", asset, f"{state}, and nothing is under way"))
    if state == State.READY and row["moderation"] == "rejected" and not row["renditions"]:
        return found  # stripped when its owner could appeal no more
    if state in DONE and len(row["renditions"]) != len(Variant):
        found.append(Mismatch("missing_rendition", asset, f"{len(row['renditions'])} of {len(Variant)}"))
    if state in DONE and not row["embedded"]:
        found.append(Mismatch("missing_embedding", asset, "no stored vector of this model"))
    if state == State.READY and row["moderation"] != "rejected" and asset not in points:
        found.append(Mismatch("missing_vector", asset, "not in the index"))
    return found
