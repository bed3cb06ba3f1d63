"""Files that are small to send and dear to open, written by hand; each builder returns bytes within a second."""

import struct
import zlib
from collections.abc import Callable

import numpy as np

from tests.support.images import a_gif, a_heic, a_jpeg, a_plain, a_png, a_webp, an_avif, an_image, encoded

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def a_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def a_header(width: int, height: int, depth: int = 8, color: int = 2, interlace: int = 0) -> bytes:
    return a_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))


def zeros(count: int) -> bytes:
    """A zlib stream of so many zero bytes; the compressor sees one block, the stream repeats it."""
    block = 1 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(count, block)
    tail = packer.compress(bytes(rest)) + packer.flush()
    # The checksum of n zeros: the low half stays 1, the high half counts them.
    return b"\x78\xda" + body * whole + tail + struct.pack(">I", (count % 65521) << 16 | 1)


def a_png_of_zeros(width: int, height: int, depth: int = 8, color: int = 2) -> bytes:
    row = 1 + (width * depth * {0: 1, 2: 3, 3: 1, 6: 4}[color] + 7) // 8
    return (
        PNG_HEAD + a_header(width, height, depth, color) + a_chunk(b"IDAT", zeros(row * height)) + a_chunk(b"IEND", b"")
    )


def a_png_with(*chunks: bytes) -> bytes:
    """A good small PNG with more chunks behind its header."""
    good = a_png(size=(64, 48))
    return good[:33] + b"".join(chunks) + good[33:]


def an_interlaced_png(size: tuple[int, int] = (50, 37)) -> bytes:
    pixels, rows = np.asarray(an_image(3, size)), b""
    for across, down, step_x, step_y in _ADAM7:
        part = pixels[down::step_y, across::step_x]
        rows += b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""
    head = PNG_HEAD + a_header(*size, interlace=1)
    return head + a_chunk(b"IDAT", zlib.compress(rows)) + a_chunk(b"IEND", b"")


def a_deep_png(color: int) -> bytes:
    """16 bits per channel; color 0 is grey, 2 RGB, 6 RGBA."""
    channels = {0: 1, 2: 3, 6: 4}[color]
    rows = b"".join(b"\0" + np.linspace(0, 65535, 40 * channels).astype(">u2").tobytes() for _ in range(30))
    head = PNG_HEAD + a_header(40, 30, 16, color)
    return head + a_chunk(b"IDAT", zlib.compress(rows)) + a_chunk(b"IEND", b"")


def a_jpeg_of_scans(scans: int, side: int = 2000) -> bytes:
    """A progressive JPEG whose last scan is sent again and again."""
    data = encoded(a_plain("#884422", (side, side)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:-2] + data[at:-2] * (scans - data.count(b"\xff\xda")) + data[-2:]


def a_flat_webp(width: int, height: int, alpha: int = 255) -> bytes:
    """Lossless, one symbol per channel: not one bit per pixel."""
    bits = count = 0
    fields = [(0x2F, 8), (width - 1, 14), (height - 1, 14), (int(alpha < 255), 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    simple = [(1, 1), (0, 1), (0, 1), (0, 1)]
    opaque = [(1, 1), (0, 1), (1, 1), (alpha, 8)]
    for value, width_bits in fields + simple * 3 + opaque + simple:
        bits, count = bits | value << count, count + width_bits
    body = bits.to_bytes((count + 7) // 8 + 2, "little")
    body += b"\0" * (len(body) % 2)
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def with_claimed_size(data: bytes, width: int, height: int) -> bytes:
    """An AVIF or HEIC whose boxes claim another size than their pictures have."""
    parts = data.split(b"ispe")
    size = struct.pack(">II", width, height)
    return parts[0] + b"".join(b"ispe" + part[:4] + size + part[12:] for part in parts[1:])


def a_gif_of_frames(frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0x80, 0, 0) + b"\xff\x00\x00\x00\x00\xff"
    frame = b"\x21\xf9\x04\0\x01\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b";"


def a_tiff_of_directories(directories: int = 3_000) -> bytes:
    ends = [8 + 6 * number for number in range(1, directories)] + [0]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(struct.pack("<HI", 0, end) for end in ends)


def a_ycck_jpeg() -> bytes:
    data = a_jpeg(size=(64, 48), mode="CMYK")
    at = data.index(b"Adobe") + 11
    return data[:at] + b"\x02" + data[at + 1 :]


def a_palette_png() -> bytes:
    image = an_image(5, (64, 48)).quantize(16)
    return encoded(image, "PNG", transparency=bytes(range(0, 256, 16)))


def cut(data: bytes) -> list[bytes]:
    """The first 1/16, 2/16 … 15/16 of a file."""
    return [data[: len(data) * part // 16] for part in range(1, 16)]


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a png of 30,000 x 30,000 bits": ("image/png", lambda: a_png_of_zeros(30_000, 30_000, 1, 0)),
    "a png that is only a header of 100k x 100k": ("image/png", lambda: PNG_HEAD + a_header(100_000, 100_000)),
    "a png of 12,000 x 12,000": ("image/png", lambda: a_png_of_zeros(12_000, 12_000)),
    "a png of 49 megapixels": ("image/png", lambda: a_png_of_zeros(7_000, 7_000)),
    "a png of 49 megapixels with alpha": ("image/png", lambda: a_png_of_zeros(7_000, 7_000, 8, 6)),
    "a png with 200 MB of packed text": (
        "image/png", lambda: a_png_with(a_chunk(b"zTXt", b"parameters\0\0" + zeros(200 << 20)))),
    "a png with a profile of 200 MB": ("image/png", lambda: a_png_with(a_chunk(b"iCCP", b"icc\0\0" + zeros(200 << 20)))),
    "a png with 200 MB of packed international text": (
        "image/png", lambda: a_png_with(a_chunk(b"iTXt", b"prompt\0\1\0\0\0" + zeros(200 << 20)))),
    "a png with 70,000 texts": (
        "image/png", lambda: a_png_with(a_chunk(b"tEXt", b"parameters\0" + b"x" * 40) * 70_000)),
    "a jpeg of 2,010 scans": ("image/jpeg", lambda: a_jpeg_of_scans(2_010)),
    "a jpeg of 60 scans": ("image/jpeg", lambda: a_jpeg_of_scans(60)),
    "a webp of 9,000 x 9,000": ("image/webp", lambda: a_flat_webp(9_000, 9_000)),
    "a webp of 49 megapixels": ("image/webp", lambda: a_flat_webp(7_000, 7_000)),
    "a webp of 49 megapixels with alpha": ("image/webp", lambda: a_flat_webp(7_000, 7_000, 128)),
    "an avif of 8,192 x 8,192": ("image/avif", lambda: with_claimed_size(an_avif(), 8_192, 8_192)),
    "a heic of 8,192 x 8,192": ("image/heic", lambda: with_claimed_size(a_heic(), 8_192, 8_192)),
    "an avif that claims 7,000 x 7,000": ("image/avif", lambda: with_claimed_size(an_avif(), 7_000, 7_000)),
    "a heic that claims 7,000 x 7,000": ("image/heic", lambda: with_claimed_size(a_heic(), 7_000, 7_000)),
    "a gif of 20,000 frames": ("image/gif", lambda: a_gif_of_frames(20_000)),
    "a tiff of 3,000 directories": ("image/png", a_tiff_of_directories),
    "nothing": ("image/png", lambda: b""),
    "one zero byte": ("image/jpeg", lambda: b"\0"),
}  # fmt: skip
"""Name -> declared type and builder."""

ODD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "one pixel as png": ("image/png", lambda: a_png(size=(1, 1))),
    "one pixel as jpeg": ("image/jpeg", lambda: a_jpeg(size=(1, 1))),
    "one pixel as gif": ("image/gif", lambda: a_gif(size=(1, 1))),
    "one pixel as webp": ("image/webp", lambda: a_webp(size=(1, 1))),
    "a line of 1 x 16,384 as png": ("image/png", lambda: a_png(size=(1, 16_384))),
    "a line of 16,384 x 1 as jpeg": ("image/jpeg", lambda: a_jpeg(size=(16_384, 1))),
    "cmyk": ("image/jpeg", lambda: a_jpeg(mode="CMYK")),
    "ycck": ("image/jpeg", a_ycck_jpeg),
    "grey jpeg": ("image/jpeg", lambda: a_jpeg(mode="L")),
    "progressive jpeg": ("image/jpeg", lambda: a_jpeg(progressive=True)),
    "16-bit grey": ("image/png", lambda: a_deep_png(0)),
    "16-bit rgb": ("image/png", lambda: a_deep_png(2)),
    "16-bit rgba": ("image/png", lambda: a_deep_png(6)),
    "palette with alpha": ("image/png", a_palette_png),
    "1-bit": ("image/png", lambda: a_png(mode="1")),
    "grey with alpha": ("image/png", lambda: a_png(mode="LA")),
    "interlaced png": ("image/png", an_interlaced_png),
    "interlaced gif": ("image/gif", lambda: a_gif(interlace=1)),
    "webp with alpha": ("image/webp", lambda: a_webp(mode="RGBA")),
    "avif with alpha": ("image/avif", lambda: an_avif(mode="RGBA")),
    "heic with alpha": ("image/heic", lambda: a_heic(mode="RGBA")),
    "an animation": ("image/gif", lambda: a_gif(save_all=True, append_images=[an_image(2), an_image(3)])),
    "an animated webp": ("image/webp", lambda: a_webp(save_all=True, append_images=[an_image(2)])),
    "two pictures in one jpeg": (
        "image/jpeg", lambda: encoded(an_image(1), "MPO", save_all=True, append_images=[an_image(2)])),
}  # fmt: skip
"""Rare but honest files, all of which give a preview."""

POLYGLOTS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gif with script": ("image/gif", lambda: a_gif(comment=b"*/=SENTINEL;alert(1)//") + b"/*SENTINEL*/"),
    "jpeg with zip": ("image/jpeg", lambda: a_jpeg() + b"PK\x03\x04SENTINEL"),
    "png with html": ("image/png", lambda: a_png() + b"<html><script>SENTINEL</script>"),
    "jpeg with php": ("image/jpeg", lambda: a_jpeg(comment=b"<?php SENTINEL ?>")),
}
