"""Assets: list, read, change one or many, trash, restore, try again, what is alike, what others think of them."""

from collections.abc import Iterable
from typing import TypedDict, Unpack
from uuid import UUID

from functions.assets.contract import Change, ChangeAsset, ChangedAllOut, ListOut, TimelineOut
from functions.core.catalog.contract import AssetOut
from functions.moderation.contract import Appeal, CaseOut, Report, ReportOut
from functions.search.contract import SimilarOut
from gateway.client import request
from gateway.client.request import Request, Revised, get, post, revised, said


class Filters(TypedDict, total=False):
    """What narrows a list or a search; times as RFC 3339."""

    owner: str
    state: str
    visibility: str
    tag: list[str]
    collection: str
    orientation: str
    color: str
    type: str
    from_: str
    to: str
    trashed: bool
    facets: list[str]


class Listed(Filters, total=False):
    """What narrows and orders a list of assets; at most 100 ids."""

    id: list[str]
    sort: str
    limit: int
    cursor: str


def page(**query: Unpack[Listed]) -> Request[ListOut]:
    """A page of assets; without `owner` every ready one that the caller may see."""
    return get("/v1/assets", ListOut, query)


def one(asset: UUID | str) -> Request[Revised[AssetOut]]:
    """One asset and its revision."""
    return Request("GET", f"/v1/assets/{asset}", revised(AssetOut))


def change(asset: UUID | str, wanted: ChangeAsset, etag: str) -> Request[Revised[AssetOut]]:
    """Change the fields that are set, from the revision `etag`; Problem 412 when it is another by now."""
    return request.change(f"/v1/assets/{asset}", AssetOut, wanted, etag)


def change_all(ids: Iterable[UUID | str], wanted: Change) -> Request[ChangedAllOut]:
    """The same change to at most 500 assets of one's own."""
    body = {"ids": [str(asset) for asset in ids], "change": said(wanted)}
    return post("/v1/assets/bulk", ChangedAllOut, body, once=True)


def delete(asset: UUID | str, *, permanent: bool = False) -> Request[None]:
    """Into the trash, or away for good."""
    return request.delete(f"/v1/assets/{asset}", {"permanent": permanent})


def restore(asset: UUID | str) -> Request[AssetOut]:
    """Out of the trash."""
    return post(f"/v1/assets/{asset}/restore", AssetOut)


def retry(asset: UUID | str) -> Request[AssetOut]:
    """A new run after a failure."""
    return post(f"/v1/assets/{asset}/retry", AssetOut, once=True)


def timeline(asset: UUID | str) -> Request[TimelineOut]:
    """Each step of each run."""
    return get(f"/v1/assets/{asset}/timeline", TimelineOut)


def similar(asset: UUID | str, limit: int = 50) -> Request[SimilarOut]:
    """What looks like it, most alike first."""
    return get(f"/v1/assets/{asset}/similar", SimilarOut, {"limit": limit})


def report(asset: UUID | str, wanted: Report) -> Request[ReportOut]:
    """Tell the moderators that something is wrong with it."""
    return post(f"/v1/assets/{asset}/report", ReportOut, wanted)


def appeal(asset: UUID | str, wanted: Appeal) -> Request[CaseOut]:
    """Ask the moderators to look again at a decision on one's own."""
    return post(f"/v1/assets/{asset}/appeal", CaseOut, wanted)


def verdicts(asset: UUID | str) -> Request[CaseOut]:
    """What was decided on it and why, for its owner and for moderators."""
    return get(f"/v1/assets/{asset}/moderation", CaseOut)
