"""What the child does with one image, from bytes to Preview; callable anywhere, safe for strangers only in the child."""

from functions.core.pictures import colors, hashes, metadata
from functions.core.pictures.decode import decode
from functions.core.pictures.limits import Limits
from functions.core.pictures.renditions import LONGEST, QUERY_LONGEST, chain, encode, webp
from functions.core.pictures.upright import orientation, upright
from functions.core.ports import Preview

_SIDEWAYS = frozenset({5, 6, 7, 8})


def preview(data: bytes, content_type: str, limits: Limits) -> Preview:
    """Renditions, hashes and metadata from one decode; width and height are those of the upright original."""
    decoded = decode(data, content_type, longest=LONGEST, limits=limits)
    exif, ai = metadata.read(decoded.image)
    width, height = decoded.size
    if orientation(decoded.image) in _SIDEWAYS:
        width, height = height, width
    pictures = dict(chain(upright(decoded.image, LONGEST)))
    smallest = list(pictures.values())[-1]
    return Preview(
        width=width,
        height=height,
        renditions=tuple(encode(variant, picture) for variant, picture in pictures.items()),
        thumbhash=hashes.thumbhash(smallest),
        colors=colors.dominant(smallest),
        phash=hashes.phash(smallest),
        exif=exif,
        ai=ai,
    )


def query(data: bytes, content_type: str, limits: Limits) -> bytes:
    """One WebP, longest side 512."""
    decoded = decode(data, content_type, longest=QUERY_LONGEST, limits=limits)
    return webp(upright(decoded.image, QUERY_LONGEST), 80)
