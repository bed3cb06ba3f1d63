"""Strangers' text made fit to store and show: no control characters, no tricks of direction, no more than agreed."""

import re
from typing import Final

_UNFIT: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"  # letters and marks that show nothing
    "\u200b\u2028\u2029\u2060-\u2064\u206a-\u206f\ufeff"  # invisible, or line breaks of their own
    "\ufff9-\uffff\ufdd0-\ufdef"  # annotations, replacement and noncharacters
    "\ud800-\udfff"  # lone surrogates, which no encoder takes
    "\U000e0000\U000e0001"
    "]+"
)
_LONE: Final = re.compile(
    "(?<!\\S)[\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]++"  # joins nothing, marks nothing
    "|(?<![\u200c\u200d])[\u200c\u200d]++(?!\\S)"
)
"""Inside of a word these hold emoji and some scripts together; alone nobody sees them."""
_SLACK: Final = 4
"""How many characters are looked at for each one kept: the work is bounded by the limit, never by the input."""


def clean(text: str, limit: int) -> str:
    """At most `limit` characters of plain text; tabs and newlines stay, the ends are stripped."""
    seen = text[: _SLACK * limit].replace("\r\n", "\n").replace("\r", "\n")
    return _LONE.sub("", _UNFIT.sub("", seen)).strip()[:limit].rstrip()


def line(text: str, limit: int) -> str:
    """The same on one line: every run of white space becomes one space."""
    return " ".join(clean(text, _SLACK * limit).split())[:limit].rstrip()
