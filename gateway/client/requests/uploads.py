"""Sending pictures: what is here, forms, and word that bytes have come."""

from collections.abc import Iterable
from uuid import UUID

from functions.upload_presign.contract import CompletedOut, KnownOut, PresignUpload, UploadOut
from gateway.client.request import Request, post


def check(digests: Iterable[str]) -> Request[KnownOut]:
    """Which of at most 500 sha256 (hex) are here."""
    return post("/v1/uploads/check", KnownOut, {"sha256": list(digests)})


def presign(wanted: PresignUpload) -> Request[UploadOut]:
    """An asset with a form for exactly these bytes, or the asset that has them."""
    return post("/v1/uploads", UploadOut, wanted)


def complete(asset: UUID | str) -> Request[CompletedOut]:
    """Say that the bytes are there."""
    return post(f"/v1/uploads/{asset}/complete", CompletedOut)
