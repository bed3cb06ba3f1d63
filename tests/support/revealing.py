"""Files that say more than their owners meant to show: the same word in every place that a format has for words."""

from io import BytesIO

import pillow_heif
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from tests.support.images import an_image, encoded

MARK = "SENTINEL"


def _everything() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x8298] = f"{MARK} description", f"{MARK} artist", f"{MARK} copyright"
    exif.get_ifd(ExifTags.IFD.Exif)[0x9286] = b"ASCII\0\0\0" + f"{MARK} comment".encode()
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[1], place[2], place[27] = "N", (52.0, 31.0, 12.0), f"{MARK} place".encode()
    return exif


def _profile() -> bytes:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = made[:24] + bytes(12) + made[36:]  # the same bytes, whenever it was made
    return profile.replace("sRGB built-in".encode("utf-16-be"), f"{MARK} icc".ljust(13).encode("utf-16-be"))


def a_revealing(content_type: str) -> bytes:
    """A file that says the sentinel everywhere its format has a place for words."""
    image, xmp = an_image(4, (400, 300)), f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{MARK}</x:xmpmeta>".encode()
    common = {"exif": _everything().tobytes(), "icc_profile": _profile()}
    if content_type == "image/jpeg":
        data = encoded(image, "JPEG", comment=f"{MARK} com".encode(), xmp=xmp, **common)
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0d\x1c\x02\x78\0\x08" + MARK.encode() + b"\0"
        return data[:2] + b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc + data[2:]
    if content_type == "image/png":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", f"{MARK} text")
        texts.add_text("parameters", f"{MARK} packed", zip=True)
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return encoded(image, "PNG", pnginfo=texts, **common)
    if content_type == "image/gif":
        return encoded(image, "GIF", comment=f"{MARK} com".encode())
    if content_type == "image/heic":
        out = BytesIO()
        image.info.update(common | {"xmp": xmp})
        pillow_heif.from_pillow(image).save(out, quality=60)
        return out.getvalue()
    return encoded(image, content_type.removeprefix("image/").upper(), xmp=xmp, **common)
