"""How the two sides of a decoding child talk: a length, a small JSON head, then plain bytes; nothing is unpickled."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

LENGTH_BYTES: Final = 4
MAX_HEAD_BYTES: Final = 1 << 20
MAX_BLOBS: Final = 3
MAX_ANSWER_BYTES: Final = 24 << 20

PLAIN, THREADED = b"p", b"t"
"""The byte that brings a job to the parent: whether its decoder must start a thread."""

Head = Mapping[str, object]


class BadFrame(ValueError):
    """The other side does not keep to the format."""


def frame(head: Head, blobs: Sequence[bytes] = ()) -> list[bytes]:
    """The parts to send, in order; blobs are not copied."""
    sizes = [len(blob) for blob in blobs]
    packed = json.dumps({**head, "sizes": sizes}, ensure_ascii=False, allow_nan=False).encode()
    return [len(packed).to_bytes(LENGTH_BYTES, "big") + packed, *blobs]


def head_size(prefix: bytes) -> int:
    """How many bytes of head follow the length."""
    size = int.from_bytes(prefix, "big")
    if not 0 < size <= MAX_HEAD_BYTES:
        raise BadFrame("head")
    return size


def parse_head(packed: bytes) -> dict[str, object]:
    """The head as a JSON object."""
    try:
        head = json.loads(packed)
    except (ValueError, RecursionError) as error:
        raise BadFrame("head") from error
    if not isinstance(head, dict):
        raise BadFrame("head")
    return head


def blob_sizes(head: Head) -> list[int]:
    """How many bytes each blob has: few blobs, and no more in all than an answer may hold."""
    sizes = head.get("sizes")
    if not isinstance(sizes, list) or len(sizes) > MAX_BLOBS:
        raise BadFrame("sizes")
    if not all(type(size) is int and size >= 0 for size in sizes) or sum(sizes) > MAX_ANSWER_BYTES:
        raise BadFrame("sizes")
    return sizes
