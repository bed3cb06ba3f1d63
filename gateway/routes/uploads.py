"""/v1/uploads: forms, what is here already, and word that bytes have come."""

from fastapi import APIRouter, Response

from functions.core.ids import AssetId
from functions.upload_presign import handler
from functions.upload_presign.contract import CheckUploads, CompletedOut, KnownOut, PresignUpload, UploadOut
from gateway.door import TheAsset, TheDoor, TheUploader

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


@router.post("", name="presignUpload", status_code=201, responses={200: {"model": UploadOut}})
async def presign(here: TheDoor, who: TheUploader, wanted: PresignUpload, response: Response) -> UploadOut:
    """A form for exactly these bytes; 200 when the caller's bytes are here already."""
    presigned = await handler.presign(here.world, who.user, wanted, daily=not here.owned_by(who.principal))
    response.status_code = 201 if presigned.created else 200
    return presigned.upload


@router.post("/check", name="checkUploads")
async def check(here: TheDoor, who: TheUploader, asked: CheckUploads) -> KnownOut:
    """Which of these bytes the caller has here."""
    return await handler.check(here.world, who.user, asked)


@router.post("/{assetId}/complete", name="completeUpload", status_code=202, responses={200: {"model": CompletedOut}})
async def complete(here: TheDoor, who: TheUploader, asset_id: TheAsset, response: Response) -> CompletedOut:
    """The bytes are there; 200 when that is no news."""
    done, news = await handler.complete(here.world, who.user, AssetId(asset_id))
    response.status_code = 202 if news else 200
    return done
