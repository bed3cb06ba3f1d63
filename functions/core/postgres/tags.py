"""What people say of assets in tags; what machines say stays beside it, and where a person says no it is not shown."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from functions.core.tx import Tx, rows

PERSON: Final = "person"
"""The source of what people say; a machine writes under its own name, and its rows only."""
ADD: Final = """
INSERT INTO tags (asset_id, name, source) SELECT a, n, 'person' FROM unnest(%s::uuid[]) a, unnest(%s::text[]) n
ON CONFLICT (asset_id, name, source) DO UPDATE SET confidence = 1
"""
# A no has to last only where a machine has said yes: a redo says it again under the same key.
REFUSE: Final = """
INSERT INTO tags (asset_id, name, source, confidence)
SELECT DISTINCT asset_id, name, 'person', 0::real FROM tags WHERE asset_id = ANY(%s) AND name = ANY(%s) AND source <> 'person'
ON CONFLICT (asset_id, name, source) DO UPDATE SET confidence = 0
"""
FORGET: Final = """
DELETE FROM tags t WHERE asset_id = ANY(%s) AND name = ANY(%s) AND source = 'person' AND confidence > 0
"""


async def add(tx: Tx, assets: Sequence[UUID], names: Sequence[str]) -> None:
    """A person says these of all of the assets."""
    await tx.execute(ADD, [list(assets), list(dict.fromkeys(names))])


async def remove(tx: Tx, assets: Sequence[UUID], names: Sequence[str]) -> None:
    """A person takes these back from all of the assets, and refuses them where a machine said them, for good."""
    await tx.execute(REFUSE, [list(assets), list(names)])
    await tx.execute(FORGET, [list(assets), list(names)])


async def replace(tx: Tx, asset: UUID, names: Sequence[str]) -> None:
    """What a person says of an asset becomes exactly this; a machine's tags stay, but for those of names taken back."""
    said = await of_people(tx, [asset])
    await remove(tx, [asset], sorted(said[asset].difference(names)))
    await add(tx, [asset], names)


async def of_people(tx: Tx, assets: Sequence[UUID]) -> dict[UUID, set[str]]:
    """The names that people have given each of the assets."""
    found = await rows(
        tx, "SELECT asset_id, name FROM tags WHERE asset_id = ANY(%s) AND source = 'person' AND confidence > 0",
        list(assets),
    )  # fmt: skip
    said: dict[UUID, set[str]] = {asset: set() for asset in assets}
    for row in found:
        said[row["asset_id"]].add(row["name"])
    return said
