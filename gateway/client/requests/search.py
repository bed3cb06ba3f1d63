"""Finding: by words, by example, by both."""

from collections.abc import Iterable
from typing import Unpack

from functions.search.contract import Hits, Search
from functions.suggest.contract import SuggestOut
from gateway.client.request import Request, get, post
from gateway.client.requests.assets import Filters


def words(q: str, unwanted: Iterable[str] = (), limit: int = 50, **filters: Unpack[Filters]) -> Request[Hits]:
    """Hits for words, away from others."""
    return get("/v1/search", Hits, {"q": q, "not": list(unwanted), "limit": limit, **filters})


def weighted(wanted: Search) -> Request[Hits]:
    """Hits for weighted words and examples."""
    return post("/v1/search", Hits, wanted)


def suggest(beginning: str) -> Request[SuggestOut]:
    """Tags, people and one's own searches that begin like this."""
    return get("/v1/suggest", SuggestOut, {"q": beginning})
