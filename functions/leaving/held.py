"""Every table that knows of a person: what they are given of it, and what becomes of it when they go.

A test holds this against the database: a table that mentions people or their assets, and is not here, fails it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Held:
    """One column that names a person."""

    table: str
    column: str = "user_id"
    file: str = ""
    """The JSON file in their zip; empty where `left_out` says why there is none."""
    hidden: tuple[str, ...] = ()
    """Columns that are proofs, and nobody's to read."""
    parts: tuple[tuple[str, str], ...] = ()
    """Tables whose rows are told inside of these rows, each with its column that leads here."""
    left_out: str = ""
    leaves: Literal["deleted", "blanked", "last"] = "deleted"
    """What becomes of the rows: they go, they only forget the person, or they go when nothing else is left."""


PEOPLE: Final = (
    Held("users", "id", "profile.json", leaves="last"),
    Held("assets", "owner", "assets.json", leaves="last"),
    Held("query_images", "owner", left_out="an example's vector, which is no picture and lives an hour"),
    Held("local_link", left_out="one-time proofs of ten minutes"),
    Held("local_session", file="sessions.json", hidden=("hash",)),
    Held("api_keys", file="keys.json", hidden=("hash",)),
    Held("former_handles", file="former_handles.json", hidden=("alike",)),
    Held("recent_searches", file="searches.json"),
    Held(
        "collections",
        "owner",
        "collections.json",
        parts=(("collection_items", "collection_id"),),
    ),
    Held("shares", "maker", "shares.json", hidden=("token", "reach", "salt", "password")),
    Held("moderation_requests", "person", "reports.json"),
    Held("moderation_decisions", "moderator", left_out="verdicts about others, which stay theirs", leaves="blanked"),
    Held("moderation_leases", "moderator", left_out="what a moderator looks at, for two minutes"),
    Held("idempotency_keys", left_out="answers that were given already, kept for when a request comes again"),
    Held("asset_change", "owner", left_out="what live updates replay: assets.json says it as it is now"),
    Held("actor_salts", left_out="what ties the audit log to them: it is destroyed with the account", leaves="last"),
    Held("erased_assets", left_out="there only while an account is being erased", leaves="last"),
)

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "renditions": (), "metadata": (), "tags": (), "pipeline_steps": (), "moderation_decisions": ("moderator", "note"),
}  # fmt: skip
"""What is told inside of each asset, but for columns that are about somebody else; these rows go with it."""
PARTS_LEFT_OUT: Final = {
    "embeddings": "numbers that only a model reads, made anew from the original",
    "collection_items": "told in collections.json; those of others are theirs",
    "moderation_requests": "one's own are told in reports.json; who else reported is not told",
}
PASSING: Final = {
    "tombstones.asset_id": "an id that leads to nobody, kept a month so that late events find nothing to do",
    "share_tries.share_id": "forgotten after a minute",
    "inbox.asset_id": "goes with the asset's last event",
    "inbox.token": "a lease",
    "deliveries.token": "a lease",
}
"""Ids that are no reference, or lead to nobody once the asset is gone."""
