"""What bytes are, told from their first bytes alone: names and declared types prove nothing."""

from functions.core.errors import TypeMismatch, Unsupported

HEAD_BYTES = 512
"""As much of the file as `sniff` looks at."""

_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_NEUTRAL = frozenset({b"mif1", b"msf1", b"miaf"})
"""Brands that name the container only: what is inside says one of the brands after them."""


def sniff(head: bytes) -> str | None:
    """The content type of the six formats that we decode, None for everything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _brand(head[:HEAD_BYTES])
    return None


def ensure(head: bytes, declared: str) -> str:
    """The content type, where it is the declared one; else Unsupported or TypeMismatch."""
    found = sniff(head)
    if found is None:
        raise Unsupported(declared=declared)
    if found != declared:
        raise TypeMismatch(declared=declared, found=found)
    return found


def _brand(head: bytes) -> str | None:
    major, end = head[8:12], min(int.from_bytes(head[:4], "big"), len(head))
    brands = {major}
    if major in _NEUTRAL:
        brands = {head[at : at + 4] for at in range(16, end - 3, 4)}
    if brands & _AVIF:
        return "image/avif"
    return "image/heic" if brands & _HEIC else None
