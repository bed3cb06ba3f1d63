"""Magic bytes: the six formats, everything that pretends to be one, and how large a file says it is."""

from collections.abc import Callable

import pytest

from functions.core.errors import DecodeLimit, TooManyPixels, TypeMismatch, Unsupported
from functions.core.pictures.headers import claimed_size, jpeg_scans
from functions.core.pictures.limits import Limits, check_memory, check_scans, check_size
from functions.core.pictures.sniff import HEAD_BYTES, ensure, sniff
from tests.support.bombs import a_flat_webp, a_jpeg_of_scans, a_tiff_of_directories
from tests.support.images import FORMATS, a_jpeg, a_webp

Builder = Callable[..., bytes]

REFUSED = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "xml": b"<?xml version='1.0'?><svg/>",
    "html": b"<!doctype html><script>1</script>",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "pdf": b"%PDF-1.7\n",
    "tiff": a_tiff_of_directories(2),
    "big-endian tiff": b"MM\0*\0\0\0\x08",
    "psd": b"8BPS\0\x01" + bytes(20),
    "ico": b"\0\0\x01\0\x01\0" + bytes(16),
    "bmp": b"BM" + bytes(30),
    "jpeg xl": b"\xff\x0a" + bytes(20),
    "jpeg xl in boxes": b"\0\0\0\x0cJXL \r\n\x87\n",
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "mp4": b"\0\0\0\x18ftypisom\0\0\x02\0isommp41",
    "mp4 that names heic": b"\0\0\0\x18ftypmp42\0\0\0\0heicavif",
    "quicktime": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "webm": b"\x1aE\xdf\xa3" + bytes(20),
    "avi": b"RIFF\0\0\0\0AVI LIST",
    "wave": b"RIFF\0\0\0\0WAVEfmt ",
    "neutral container of nothing known": b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf",
    "zip": b"PK\x03\x04" + bytes(20),
    "text before a jpeg": b" \xff\xd8\xff\xe0",
    "nothing": b"",
}


@pytest.mark.promises("S31")
@pytest.mark.parametrize(("content_type", "build"), FORMATS.items(), ids=FORMATS)
def test_each_accepted_format_is_known_by_its_first_bytes(content_type: str, build: Builder) -> None:
    assert sniff(build()[:HEAD_BYTES]) == content_type
    assert ensure(build(), content_type) == content_type


@pytest.mark.promises("S31")
@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_unsupported_whatever_it_was_declared(data: bytes) -> None:
    with pytest.raises(Unsupported):
        ensure(data, "image/png")


@pytest.mark.promises("S31")
@pytest.mark.parametrize("declared", [other for other in FORMATS if other != "image/jpeg"])
def test_a_jpeg_declared_as_something_else_is_a_mismatch(declared: str) -> None:
    with pytest.raises(TypeMismatch) as caught:
        ensure(a_jpeg(), declared)
    assert caught.value.facts == {"declared": declared, "found": "image/jpeg"}


@pytest.mark.parametrize(
    ("brands", "found"), [(b"mif1\0\0\0\0mif1heic", "image/heic"), (b"mif1\0\0\0\0mif1avifmiaf", "image/avif")]
)
def test_a_neutral_container_is_told_by_the_brands_after_it(brands: bytes, found: str) -> None:
    assert sniff((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands) == found


@pytest.mark.parametrize(("content_type", "build"), FORMATS.items(), ids=FORMATS)
def test_the_size_of_every_format_is_read_from_its_header(content_type: str, build: Builder) -> None:
    assert claimed_size(build(size=(320, 240)), content_type) == (320, 240)


def test_the_other_kinds_of_webp_say_their_size_too() -> None:
    assert claimed_size(a_webp(size=(100, 50), lossless=True), "image/webp") == (100, 50)
    assert claimed_size(a_webp(size=(100, 50), mode="RGBA", lossless=False), "image/webp") == (100, 50)


@pytest.mark.parametrize("content_type", FORMATS)
def test_a_header_without_a_size_is_no_error(content_type: str) -> None:
    assert claimed_size(b"\xff\xd8\xff", content_type) in {None, (0, 0)}


@pytest.mark.promises("S32")
@pytest.mark.parametrize(
    ("size", "fine"),
    [((16_384, 1), True), ((16_385, 1), False), ((1, 16_385), False), ((8_000, 6_250), True), ((8_001, 6_250), False)],
)
def test_sides_and_areas_are_limited(size: tuple[int, int], fine: bool) -> None:
    if fine:
        check_size(size, 50_000_000)
        return
    with pytest.raises(TooManyPixels):
        check_size(size, 50_000_000)


@pytest.mark.promises("S32")
def test_a_jpeg_may_have_64_scans_and_no_more() -> None:
    check_scans(a_jpeg_of_scans(64, side=64))
    with pytest.raises(DecodeLimit):
        check_scans(a_jpeg_of_scans(65, side=64))


def test_what_follows_the_end_of_a_jpeg_is_no_scan() -> None:
    """Phones append a film to the picture; its bytes look like anything."""
    assert jpeg_scans(a_jpeg() + b"\xff\xda" * 1000, 100) == 1


def test_a_webp_too_large_for_its_decoders_memory_is_refused_before_decoding() -> None:
    check_memory((7680, 4320), "image/webp", Limits())
    with pytest.raises(DecodeLimit):
        check_memory((7000, 7000), "image/webp", Limits())
    assert claimed_size(a_flat_webp(7000, 7000), "image/webp") == (7000, 7000)
