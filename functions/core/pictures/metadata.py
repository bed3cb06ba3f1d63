"""What an original says about itself, read before the canvas forgets it; all of it is a stranger's word."""

from collections.abc import Mapping

from PIL import Image

from functions.core.pictures import ai, exif
from functions.core.pictures.decode import BROKEN
from functions.core.pictures.facts import Facts, tidy_ai, tidy_exif


def read(image: Image.Image) -> tuple[Facts, Facts]:
    """EXIF and generator parameters of a loaded image; hostile metadata never costs the picture, only itself."""
    try:
        tags = exif.tags(image)
        return tidy_exif(exif.facts(tags)), tidy_ai(ai.facts(_texts(image.info) | exif.texts(tags)))
    except BROKEN:
        return {}, {}


def _texts(info: Mapping[str | tuple[int, int], object]) -> dict[str, str]:
    found = {key: value for key, value in info.items() if isinstance(key, str)}
    return {key: value for key, value in found.items() if isinstance(value, str)}
