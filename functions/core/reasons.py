"""Why a picture is not shown, or should not be: codes for programs and rows, sentences for people."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """What people may say is wrong with a picture."""

    NUDITY = "nudity"
    VIOLENCE = "violence"
    HATE = "hate"
    HARASSMENT = "harassment"
    MINORS = "minors"
    ILLEGAL = "illegal"
    COPYRIGHT = "copyright"
    PRIVACY = "privacy"
    SPAM = "spam"
    OTHER = "other"


BLOCKED: Final = "blocked"
"""A moderator blocks exactly these bytes, or pictures that look like this one."""
LOOKS_BLOCKED: Final = "looks_blocked"
OVER_THRESHOLD: Final = "over_threshold"
NEEDS_REVIEW: Final = "needs_review"
SENTENCES: Final = {
    Reason.NUDITY: "It shows nudity in a way that is not allowed here",
    Reason.VIOLENCE: "It shows violence in a way that is not allowed here",
    Reason.HATE: "It shows or spreads hatred",
    Reason.HARASSMENT: "It harasses somebody",
    Reason.MINORS: "It puts children at risk",
    Reason.ILLEGAL: "It shows or does something illegal",
    Reason.COPYRIGHT: "Somebody else holds the rights in it",
    Reason.PRIVACY: "It shows somebody who did not agree, or what is private",
    Reason.SPAM: "It is advertising, or the same again and again",
    Reason.OTHER: "It is not allowed here for another reason",
    LOOKS_BLOCKED: "It looks like a picture that is blocked here",
    OVER_THRESHOLD: "It may show what is not for everybody: a moderator has to look at it",
    NEEDS_REVIEW: "Every picture waits here until a moderator has looked at it",
}
