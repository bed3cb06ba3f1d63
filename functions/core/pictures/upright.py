"""From whatever a decoder gives to an upright sRGB canvas that carries nothing but pixels."""

from contextlib import suppress
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageCms

from functions.core.pictures.decode import BROKEN, fitted

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_ORIENTATION: Final = 0x0112
_MAX_PROFILE_BYTES: Final = 4 << 20
_GAP: Final = 2.0


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is nonsense."""
    with suppress(*BROKEN):
        value = image.getexif().get(_ORIENTATION)
        return value if value in _TURNS else 1
    return 1


def upright(image: Image.Image, longest: int) -> Image.Image:
    """A new RGB canvas (RGBA where transparency is really used), fitted to `longest`, turned, in sRGB, without info."""
    profile, turn = image.info.get("icc_profile"), orientation(image)
    small = _resizable(image)
    size = fitted(small.size, longest)
    if size != small.size:
        small = small.resize(size, Image.Resampling.LANCZOS, reducing_gap=_GAP)
    if turn in _TURNS:
        small = small.transpose(_TURNS[turn])
    return _fresh(_srgb(small, profile))


def _resizable(image: Image.Image) -> Image.Image:
    """Palettes and bits cannot be averaged; everything else is resized as it is, before dearer conversions."""
    if image.mode in {"P", "PA"} or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L") if image.mode == "1" else image


def _srgb(image: Image.Image, profile: object) -> Image.Image:
    """The picture's colours in sRGB; a profile that is broken or of another colour model is ignored."""
    image = _eight_bits(image)
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    if alpha is not None:
        image = image.convert("L" if image.mode == "LA" else "RGB")
    flat = _managed(image, profile) or image.convert("RGB")
    if alpha is None or _minimum(alpha) == 255:
        return flat
    flat.putalpha(alpha)
    return flat


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit greys by their high byte: Pillow's own conversion would clip them."""
    if not image.mode.startswith("I"):
        return image
    deep = np.clip(np.asarray(image), 0, 0xFFFF).astype(np.uint16)
    return Image.fromarray((deep >> 8).astype(np.uint8))


def _managed(image: Image.Image, profile: object) -> Image.Image | None:
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= _MAX_PROFILE_BYTES:
        return None
    with suppress(*BROKEN, ImageCms.PyCMSError):
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode == "RGB" and ImageCms.getProfileDescription(source).startswith("sRGB"):
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    return None


def _fresh(image: Image.Image) -> Image.Image:
    """New canvas + paste: plain copies keep comments and profiles, and encoders write them out again."""
    canvas = Image.new(image.mode, image.size)
    canvas.paste(image)
    return canvas


def _minimum(channel: Image.Image) -> int:
    return int(np.asarray(channel).min())
