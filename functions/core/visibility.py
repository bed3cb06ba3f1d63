"""Who may see an asset: the one predicate, which every query of assets goes through."""

from dataclasses import dataclass
from uuid import UUID

from functions.core.filters import All, Clause, Is, Not, Some
from functions.core.ids import UserId


@dataclass(frozen=True, slots=True)
class Link:
    """A share link that somebody came by: whose it is, and the name by which addresses of pictures know it."""

    reach: UUID
    maker: UserId


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking; without a user it is anybody, with a link anybody who has it."""

    user: UserId | None = None
    moderator: bool = False
    link: Link | None = None
    judging: bool = False
    """On a route for moderators that tells the audit log what it showed: also what is hidden from others."""


def others_may_see() -> Clause:
    """Public, approved, not in the trash, and its owner is in good standing."""
    return All((Is("visibility", ("public",)), fit_for_others()))


def fit_for_others() -> Clause:
    """What a share link may lead to, whatever its visibility: approved, not in the trash, the owner in good standing."""
    return All((Is("moderation", ("approved",)), Is("trashed", (False,)), Is("banned", (False,))))


def visible_to(viewer: Viewer) -> Clause:
    """What this viewer may find: their own and what others may see. States are the query's own matter.

    For a moderator at work that is everything. With a link it is what of its maker's is fit for others; how much of that
    the link leads to is for its query to say.
    """
    if viewer.link:
        return All((Is("owner", (str(viewer.link.maker),)), fit_for_others()))
    if viewer.user is None:
        return others_may_see()
    if viewer.moderator and viewer.judging:
        return All()
    return Some((Is("owner", (str(viewer.user),)), others_may_see()))


def findable_by(viewer: Viewer, *, trashed: bool = False) -> Clause:
    """As `visible_to`, for lists and search: the trash is looked into only when asked for."""
    return All((visible_to(viewer), Is("trashed", (True,)) if trashed else Not(Is("trashed", (True,)))))
