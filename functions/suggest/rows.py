"""The SQL of suggest: what begins so, as `folded` makes both sides alike."""

from typing import Final

from psycopg.rows import DictRow

from functions.core.catalog.read import seen_by
from functions.core.filters import All, Is
from functions.core.postgres.where import FROM, where
from functions.core.tx import Tx, one
from functions.core.tx import rows as all_rows
from functions.core.visibility import Viewer

MOST: Final = 10
MOST_COUNTED: Final = 10_000
"""How many uses of tags are looked at: a single letter may begin very many."""
BEGINS: Final = "(folded(u.handle) LIKE %s OR folded(u.name) LIKE %s)"
SPECIAL: Final = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


async def pattern(tx: Tx, text: str) -> str:
    """What everything that begins with the text is LIKE; whatever it holds stands for itself."""
    row = await one(tx, "SELECT folded(%s) AS said", text)
    return (str(row["said"]) if row else "").translate(SPECIAL) + "%"


async def tags(tx: Tx, viewer: Viewer, like: str) -> list[DictRow]:
    """Tags of what the viewer finds in lists, the most used first."""
    sql, values = seen_by(viewer, Is("trashed", (False,)))
    return await all_rows(
        tx,
        "WITH typed AS MATERIALIZED"
        f" (SELECT asset_id, name FROM shown_tags WHERE folded(name) LIKE %s LIMIT {MOST_COUNTED})"
        " SELECT t.name, count(*) AS count FROM typed t CROSS JOIN LATERAL"
        # OFFSET 0: one look-up by key for each, whatever the planner believes of a table that has just grown.
        f" (SELECT FROM {FROM} WHERE a.id = t.asset_id AND a.state = 'ready' AND {sql} OFFSET 0) seen"
        f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST}",
        like, *values,
    )  # fmt: skip


async def people(tx: Tx, viewer: Viewer, like: str) -> list[DictRow]:
    """People in good standing; to those who are not signed in only who shows them something."""
    if viewer.user is None:
        return await _showing(tx, viewer, like)
    sql, values = where(Is("banned", (False,)))
    return await all_rows(
        tx,
        f"SELECT handle, name FROM users u WHERE {BEGINS} AND erased_at IS NULL AND {sql} ORDER BY handle LIMIT {MOST}",
        like, like, *values,
    )  # fmt: skip


async def _showing(tx: Tx, viewer: Viewer, like: str) -> list[DictRow]:
    sql, values = seen_by(viewer, All())
    return await all_rows(
        tx,
        f"SELECT u.handle, u.name FROM {FROM} WHERE {BEGINS} AND {sql} GROUP BY u.id ORDER BY u.handle LIMIT {MOST}",
        like, like, *values,
    )  # fmt: skip


async def searches(tx: Tx, viewer: Viewer, like: str) -> list[DictRow]:
    """The viewer's own searches, the last one first."""
    return await all_rows(
        tx,
        "SELECT said FROM recent_searches WHERE user_id = %s AND folded(said) LIKE %s"
        f" ORDER BY searched_at DESC, said LIMIT {MOST}",
        viewer.user, like,
    )  # fmt: skip
