"""The few EXIF fields that photographers look for; where a picture was taken is never read."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from numbers import Real
from typing import Final

from PIL import Image

from functions.core.pictures.decode import BROKEN

_MAKE, _MODEL, _SOFTWARE, _DESCRIPTION, _EXIF_IFD = 0x010F, 0x0110, 0x0131, 0x010E, 0x8769
_EXPOSURE, _F_NUMBER, _ISO, _TAKEN, _OFFSET = 0x829A, 0x829D, 0x8827, 0x9003, 0x9011
_FOCAL_LENGTH, _COMMENT, _LENS = 0x920A, 0x9286, 0xA434
_MAX_BYTES: Final = 1 << 20
_FASTEST_S, _SLOWEST_S = 1e-7, 1e5
_TIME: Final = "%Y:%m:%d %H:%M:%S"
_OFFSET_SHAPE: Final = re.compile(r"[+-]\d\d:\d\d")
_WORKFLOW: Final = re.compile(r"\s{0,8}(prompt|workflow)\s{0,8}:", re.IGNORECASE)

Tags = Mapping[int, object]


def tags(image: Image.Image) -> Tags:
    """Main and EXIF directory in one mapping; empty when there are none, or too many."""
    raw = image.info.get("exif", b"")
    if not isinstance(raw, bytes) or len(raw) > _MAX_BYTES:
        return {}
    with suppress(*BROKEN):
        exif = image.getexif()
        return dict(exif) | exif.get_ifd(_EXIF_IFD)
    return {}


def facts(found: Tags) -> dict[str, object]:
    """camera, lens, exposure, aperture, iso, focalLength (mm), takenAt (ISO 8601), software; not yet tidied."""
    return {
        "camera": _camera(_text(found, _MAKE), _text(found, _MODEL)),
        "lens": _text(found, _LENS),
        "exposure": _exposure(_float(found, _EXPOSURE)),
        "aperture": _float(found, _F_NUMBER),
        "iso": _float(found, _ISO),
        "focalLength": _float(found, _FOCAL_LENGTH),
        "takenAt": _taken(_text(found, _TAKEN), _text(found, _OFFSET)),
        "software": _text(found, _SOFTWARE),
    }


def texts(found: Tags) -> dict[str, str]:
    """Where generators leave their parameters: the user comment, and workflows posing as camera names."""
    named = {"UserComment": comment(found.get(_COMMENT)), "Software": _text(found, _SOFTWARE)}
    for tag in (_MAKE, _MODEL, _DESCRIPTION):
        value = _text(found, tag)
        if start := _WORKFLOW.match(value):
            named[start[1].lower()] = value[start.end() :]
    return {key: value for key, value in named.items() if value}


def comment(value: object) -> str:
    """An EXIF user comment: eight bytes that name the encoding, then text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return ""
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        return body.decode(_byte_order(body), "replace")
    return (body if code in {b"ASCII\0\0\0", bytes(8)} else value).decode("utf-8", "replace")


def _byte_order(body: bytes) -> str:
    """The standard is silent on it and writers differ; most text has its zeros in the high bytes."""
    return "utf-16-be" if body[::2].count(0) > body[1::2].count(0) else "utf-16-le"


def _camera(make: str, model: str) -> str:
    if _WORKFLOW.match(make) or _WORKFLOW.match(model):
        return ""
    return model if model.lower().startswith(make.lower()) else f"{make} {model}"


def _exposure(seconds: float | None) -> str:
    if seconds is None or not _FASTEST_S <= seconds <= _SLOWEST_S:
        return ""
    return f"1/{round(1 / seconds)}" if seconds < 0.3 else f"{seconds:g}"


def _taken(at: str, offset: str) -> str:
    with suppress(ValueError):
        moment = datetime.strptime(at[:19], _TIME).isoformat()  # noqa: DTZ007 - cameras know no time zone
        return moment + offset if _OFFSET_SHAPE.fullmatch(offset) else moment
    return ""


def _text(found: Tags, tag: int) -> str:
    value = found.get(tag)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""


def _float(found: Tags, tag: int) -> float | None:
    value = found.get(tag)
    if isinstance(value, tuple) and value:
        value = value[0]
    with suppress(*BROKEN):
        return float(value) if isinstance(value, Real) else None
    return None
