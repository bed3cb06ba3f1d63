"""/v1/assets: what people see and change."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from functions.assets import bulk, handler
from functions.assets.contract import ChangeAsset, ChangeAssets, ChangedAllOut, ListAssets, ListOut, TimelineOut
from functions.core import metrics
from functions.core.catalog.contract import AssetOut
from functions.search import handler as search
from functions.search.contract import SimilarOut
from gateway import etags
from gateway.door import TheAsset, TheDoor, TheReader, TheViewer, TheWriter
from gateway.etags import IfMatch

router = APIRouter(prefix="/v1/assets", tags=["assets"])


@router.get("", name="listAssets")
async def page(here: TheDoor, looking: TheViewer, asked: Annotated[ListAssets, Query()]) -> ListOut:
    """A page, newest first; without `owner` every ready asset the caller may see."""
    return await handler.page(here.world, here.desk(looking), asked)


@router.post("/bulk", name="changeAssets")
async def change_all(here: TheDoor, who: TheWriter, wanted: ChangeAssets) -> ChangedAllOut:
    """The same change to at most 500 assets of the caller's; which were changed, and why not."""
    return await bulk.change_all(here.world, who.user, wanted)


@router.get("/{assetId}", name="readAsset")
async def read(here: TheDoor, looking: TheViewer, asset_id: TheAsset, response: Response) -> AssetOut:
    """One asset; its ETag is the revision of what may be edited."""
    asset, revision = await handler.one(here.world, here.desk(looking), asset_id)
    etags.tell(response, revision)
    return asset


@router.patch("/{assetId}", name="changeAsset")
async def change(
    here: TheDoor, who: TheWriter, asset_id: TheAsset, wanted: ChangeAsset, response: Response,
    if_match: IfMatch = None,
) -> AssetOut:  # fmt: skip
    """Change the given fields, from the revision that `If-Match` names."""
    asset, revision = await handler.change(
        here.world, here.desk(who.viewer), asset_id, wanted, etags.revision(if_match)
    )
    etags.tell(response, revision)
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
    with metrics.SEARCH_S.labels("similar").time():
        return await search.similar(here.world, here.desk(looking), asset_id, limit)


@router.get("/{assetId}/original", name="assetOriginal", status_code=302, response_class=RedirectResponse)
async def original(here: TheDoor, who: TheReader, asset_id: TheAsset) -> str:
    """To the original, for its owner and moderators, for five minutes."""
    return await handler.original(here.world, here.desk(who.viewer), asset_id)
