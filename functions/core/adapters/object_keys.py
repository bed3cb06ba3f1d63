"""What may be called a key of the store: one rule for every adapter, so that no key can leave its folder."""

import re
from typing import Final

from functions.core.errors import Invalid

AREAS: Final = ("derived", "incoming", "originals")
MAX_KEY_CHARS: Final = 200

_KEY: Final = re.compile(rf"(?:{'|'.join(AREAS)})(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+")


def is_key(key: str) -> bool:
    """Whether it is an area and then names of letters, digits, dot, dash and underscore, none beginning with a dot."""
    return len(key) <= MAX_KEY_CHARS and _KEY.fullmatch(key) is not None


def check_key(key: str) -> str:
    """The key itself; Invalid when it is none."""
    if not is_key(key):
        raise Invalid("This is not a key of the object store")
    return key
