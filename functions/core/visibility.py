"""Who may see an asset: the one predicate, which every query of assets goes through."""

from dataclasses import dataclass

from functions.core.filters import All, Clause, Is, Not, Some
from functions.core.ids import UserId


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking; without a user it is anybody."""

    user: UserId | None = None
    moderator: bool = False


def others_may_see() -> Clause:
    """Public, approved, not in the trash, and its owner is in good standing."""
    return All((
        Is("visibility", ("public",)),
        Is("moderation", ("approved",)),
        Is("trashed", (False,)),
        Is("banned", (False,)),
    ))  # fmt: skip


def visible_to(viewer: Viewer) -> Clause:
    """What this viewer may find: their own and what others may see. States are the query's own matter."""
    if viewer.user is None:
        return others_may_see()
    return Some((Is("owner", (str(viewer.user),)), others_may_see()))


def findable_by(viewer: Viewer, *, trashed: bool = False) -> Clause:
    """As `visible_to`, for lists and search: the trash is looked into only when asked for."""
    return All((visible_to(viewer), Is("trashed", (True,)) if trashed else Not(Is("trashed", (True,)))))
