"""What somebody has besides a picture, under names that follow from the picture's id."""

import hashlib

from functions.core.ids import AssetId
from tests.support.doors import Gallery, Person

THINGS = (
    ("INSERT INTO api_keys (id, user_id, name, scopes, hash, expires_at)"
     " VALUES (%(id)s, %(owner)s, 'Camera', '{read}', %(hash)s, now() + interval '1 day')"),
    "UPDATE users SET handle = %(handle)s WHERE id = %(owner)s",
    "INSERT INTO collections (id, owner, title) VALUES (%(id)s, %(owner)s, 'Harbours')",
    "INSERT INTO collection_items VALUES (%(id)s, %(id)s, 1)",
    "INSERT INTO shares (id, maker, asset_id, token) VALUES (%(id)s, %(owner)s, %(id)s, %(hash)s)",
)  # fmt: skip


async def with_things(gallery: Gallery, owner: Person, asset: AssetId) -> AssetId:
    """A key, a handle, a collection with the picture in it and a link to it; all rows have the picture's id."""
    values = {
        "id": asset,
        "owner": owner.user,
        "handle": handle_of(asset),
        "hash": hashlib.sha256(asset.bytes).digest(),
    }
    async with gallery.world.database.transaction() as tx:
        for sql in THINGS:
            await tx.execute(sql.encode(), values)
    return asset


def handle_of(asset: AssetId) -> str:
    """Its owner's."""
    return f"of-{asset.hex[-12:]}"


async def a_key(gallery: Gallery, owner: Person, *scopes: str) -> Person:
    """A program of the owner's, by a key that was made for these scopes."""
    made = await gallery.post("/v1/keys", owner, json={"name": "Camera", "scopes": list(scopes)})
    return Person(owner.user, owner.subject, str(made.json["key"]))
