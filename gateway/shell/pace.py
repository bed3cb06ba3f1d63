"""How fast a caller may go: one table, by the names of routes, that every request passes."""

from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from functions.core.asked import asked
from functions.core.identity.tokens import bearer
from gateway.door import Door, anybody, door
from gateway.shell.rates import MINUTE_S


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings that name the most in a minute; `anonymous` counts by network, `turns` names what work it is."""

    user: str = ""
    anonymous: str = ""
    turns: str = ""


SEARCH: Final = Rule("rate_search", "rate_search_anonymous", "searching")
RULES: Final = {
    "presignUpload": Rule("rate_presign"),
    "checkUploads": Rule("rate_presign"),
    "completeUpload": Rule("rate_complete"),
    "search": SEARCH,
    "searchWeighted": SEARCH,
    "suggest": SEARCH,
    "similarAssets": Rule("rate_similar", "rate_search_anonymous", "searching"),
    "listAssets": Rule(turns="searching"),
    "listCollections": Rule(turns="searching"),
    "listItems": Rule(turns="searching"),
    "moderationQueue": Rule(turns="searching"),
    "changeAssets": Rule("rate_bulk", turns="changing"),
    "addItems": Rule(turns="changing"),
    "removeItems": Rule(turns="changing"),
    "removeItem": Rule(turns="changing"),
    "moveItem": Rule(turns="changing"),
    "createQueryImage": Rule("rate_query_images", turns="sending"),
    "exportMe": Rule(turns="exporting"),
    "createShare": Rule("rate_shares"),
    "changeShare": Rule("rate_shares"),
    "startSession": Rule(anonymous="rate_sign_in"),
}
"""What is not here is cheap, or has limits of its own where it is done."""


async def paced(request: Request) -> AsyncIterator[None]:
    """Let a request through at the pace of its rule; raises Limited with the seconds to wait."""
    rule = RULES.get(request.scope["route"].name)
    if rule is None:
        yield
        return
    here = door(request)
    who, most = await _whose(request, here, rule)
    if most:
        here.buckets.take((most, who), getattr(here.settings, most), MINUTE_S)
    if not rule.turns:
        yield
        return
    async with here.turns[rule.turns].of(who):
        yield


async def _whose(request: Request, here: Door, rule: Rule) -> tuple[Hashable, str]:
    """Whose bucket, and which setting fills it; an embedded gallery's owner has no limits."""
    if not (rule.user or rule.turns):
        return asked.get().origin, rule.anonymous
    if bearer(request.headers.raw) is None:
        # Where the gallery is closed the route itself refuses, which is cheaper than counting.
        return asked.get().origin, rule.anonymous if here.settings.anonymous_read else ""
    caller = await anybody(request)
    return caller.user, "" if here.owned_by(caller.principal) else rule.user
