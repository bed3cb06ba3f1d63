"""/v1/assets: what people see and change."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import RedirectResponse

from functions.assets import handler
from functions.assets.contract import ChangeAsset, ListAssets, TimelineOut
from functions.core.catalog.contract import AssetOut, Page
from functions.core.errors import Invalid, PreconditionRequired
from functions.search import handler as search
from functions.search.contract import SimilarOut
from gateway.door import TheAsset, TheDoor, TheReader, TheViewer, TheWriter

router = APIRouter(prefix="/v1/assets", tags=["assets"])


@router.get("", name="listAssets")
async def page(here: TheDoor, looking: TheViewer, asked: Annotated[ListAssets, Query()]) -> Page:
    """A page, newest first; without `owner` every ready asset the caller may see."""
    return await handler.page(here.world, here.desk(looking), asked)


@router.get("/{assetId}", name="readAsset")
async def read(here: TheDoor, looking: TheViewer, asset_id: TheAsset, response: Response) -> AssetOut:
    """One asset; its ETag is the revision of what may be edited."""
    asset, revision = await handler.one(here.world, here.desk(looking), asset_id)
    response.headers["ETag"] = f'"{revision}"'
    return asset


@router.patch("/{assetId}", name="changeAsset")
async def change(
    here: TheDoor, who: TheWriter, asset_id: TheAsset, wanted: ChangeAsset, response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> AssetOut:  # fmt: skip
    """Change the given fields, from the revision that `If-Match` names."""
    asset, revision = await handler.change(here.world, here.desk(who.viewer), asset_id, wanted, _revision(if_match))
    response.headers["ETag"] = f'"{revision}"'
    return asset


@router.delete("/{assetId}", name="deleteAsset", status_code=204)
async def delete(here: TheDoor, who: TheWriter, asset_id: TheAsset, *, permanent: bool = False) -> None:
    """Into the trash; with `permanent` away for good."""
    await handler.delete(here.world, here.desk(who.viewer), asset_id, permanent=permanent)


@router.post("/{assetId}/restore", name="restoreAsset")
async def restore(here: TheDoor, who: TheWriter, asset_id: TheAsset) -> AssetOut:
    """Out of the trash."""
    return await handler.restore(here.world, here.desk(who.viewer), asset_id)


@router.post("/{assetId}/retry", name="retryAsset", status_code=202)
async def retry(here: TheDoor, who: TheWriter, asset_id: TheAsset) -> AssetOut:
    """A new run after a failure."""
    return await handler.retry(here.world, here.desk(who.viewer), asset_id)


@router.get("/{assetId}/timeline", name="assetTimeline")
async def timeline(here: TheDoor, who: TheReader, asset_id: TheAsset) -> TimelineOut:
    """Each step of each run."""
    return await handler.timeline(here.world, here.desk(who.viewer), asset_id)


@router.get("/{assetId}/similar", name="similarAssets")
async def similar(
    here: TheDoor, looking: TheViewer, asset_id: TheAsset, limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> SimilarOut:
    """What looks like it, most alike first."""
    return await search.similar(here.world, here.desk(looking), asset_id, limit)


@router.get("/{assetId}/original", name="assetOriginal", status_code=302, response_class=RedirectResponse)
async def original(here: TheDoor, who: TheReader, asset_id: TheAsset) -> str:
    """To the original, for its owner and moderators, for five minutes."""
    return await handler.original(here.world, here.desk(who.viewer), asset_id)


def _revision(if_match: str | None) -> int:
    if if_match is None:
        raise PreconditionRequired("send If-Match with the ETag that you have seen")
    digits = if_match.strip().removeprefix('"').removesuffix('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise Invalid("If-Match is not an ETag of an asset")
    return int(digits)
