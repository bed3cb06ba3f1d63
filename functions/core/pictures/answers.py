"""What a child answers, and how far it is believed: it held a stranger's bytes, so every field is checked again."""

import re
from collections.abc import Sequence
from typing import Final

from functions.core.errors import (
    DecodeLimit,
    MiraVejaError,
    TooManyPixels,
    TypeMismatch,
    UnreadableImage,
    Unsupported,
)
from functions.core.model import EXTENSIONS, Variant
from functions.core.pictures.facts import tidy_ai, tidy_exif
from functions.core.pictures.frames import BadFrame, Head
from functions.core.pictures.limits import MAX_SIDE
from functions.core.pictures.sniff import sniff
from functions.core.ports import Preview, Rendition

_REFUSALS: Final = {
    error.code(): error for error in (UnreadableImage, Unsupported, TypeMismatch, TooManyPixels, DecodeLimit)
}
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")
_MAX_COLORS: Final = 5
_MAX_THUMBHASH: Final = 32


def of_preview(found: Preview) -> tuple[Head, list[bytes]]:
    """Head and blobs of a frame."""
    head = {
        "width": found.width,
        "height": found.height,
        "renditions": [[r.variant, r.width, r.height, r.content_type] for r in found.renditions],
        "thumbhash": found.thumbhash.hex(),
        "colors": list(found.colors),
        "phash": found.phash,
        "exif": dict(found.exif),
        "ai": dict(found.ai),
    }
    return head, [rendition.data for rendition in found.renditions]


def of_error(error: MiraVejaError) -> Head:
    """A refusal; its facts stay behind, its name and detail are for the owner."""
    return {"error": error.code(), "detail": error.detail}


def raise_refusal(head: Head) -> None:
    """Raise what the child refused with, if it did."""
    code = head.get("error")
    if code is None:
        return
    if code in _REFUSALS:
        raise _REFUSALS[str(code)]
    raise MiraVejaError("The picture could not be processed", code=str(code)[:80], said=str(head.get("detail"))[:200])


def preview(head: Head, blobs: Sequence[bytes]) -> Preview:
    """The Preview that the head and blobs describe; BadFrame for anything that we would not have written."""
    listed = head.get("renditions")
    if not isinstance(listed, list) or len(listed) != len(blobs) or len(blobs) != len(Variant):
        raise BadFrame("renditions")
    renditions = tuple(_rendition(entry, blob) for entry, blob in zip(listed, blobs, strict=True))
    if {rendition.variant for rendition in renditions} != set(Variant):
        raise BadFrame("variants")
    return Preview(
        width=_whole(head.get("width"), 1, MAX_SIDE),
        height=_whole(head.get("height"), 1, MAX_SIDE),
        renditions=renditions,
        thumbhash=_thumbhash(head.get("thumbhash")),
        colors=_colors(head.get("colors")),
        phash=_whole(head.get("phash"), 0, (1 << 64) - 1),
        exif=tidy_exif(_mapping(head.get("exif"))),
        ai=tidy_ai(_mapping(head.get("ai"))),
    )


def picture(blobs: Sequence[bytes]) -> bytes:
    """The one WebP of a query picture."""
    if len(blobs) != 1 or sniff(blobs[0]) != "image/webp":
        raise BadFrame("picture")
    return blobs[0]


def _rendition(entry: object, data: bytes) -> Rendition:
    if not isinstance(entry, list) or len(entry) != 4:
        raise BadFrame("rendition")
    variant, width, height, content_type = entry
    if variant not in set(Variant) or content_type not in EXTENSIONS or sniff(data) != content_type:
        raise BadFrame("rendition")
    longest = int(variant)
    return Rendition(str(variant), _whole(width, 1, longest), _whole(height, 1, longest), str(content_type), data)


def _whole(value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise BadFrame("number")
    return value


def _thumbhash(value: object) -> bytes:
    if not isinstance(value, str) or not 0 < len(value) <= 2 * _MAX_THUMBHASH:
        raise BadFrame("thumbhash")
    try:
        return bytes.fromhex(value)
    except ValueError as error:
        raise BadFrame("thumbhash") from error


def _colors(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_COLORS:
        raise BadFrame("colors")
    if not all(isinstance(color, str) and _COLOR.fullmatch(color) for color in value):
        raise BadFrame("colors")
    return tuple(value)


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadFrame("facts")
    return value
