"""Everything MiraVeja raises on purpose.

    MiraVejaError
    ├── Invalid               the request makes no sense as written
    │   ├── Malformed         it cannot even be read
    │   │   └── CursorExpired the list that it continues is no more
    │   ├── TooLarge          it is over a limit of size
    │   └── IdempotencyMismatch
    ├── Unauthenticated       nobody we know is asking
    ├── Forbidden             somebody we know may not do this
    │   └── PasswordRequired  a share link opens for its password
    ├── NotFound              no such thing, or none this caller may see
    ├── Gone                  it was there and has expired
    │   └── QueryImageExpired
    ├── Conflict              the thing is in another state
    │   ├── PreconditionFailed
    │   ├── PreconditionRequired
    │   ├── IdempotencyInProgress
    │   ├── HandleTaken       somebody has this handle, or one that looks like it
    │   └── TooMany           there are as many as there may be
    ├── Limited               too much, too fast
    ├── TooSlow               what was announced did not come in time
    ├── Unavailable           a dependency is down: the only kind worth retrying
    │   └── ModelBroken       the shipped model is not the one that was published
    └── Rejected              the bytes can never become a picture here
        ├── UnreadableImage   ├── Unsupported     ├── TypeMismatch    ├── TooManyPixels
        └── ChecksumMismatch  └── DecodeLimit     └── Blocked         └── SizeMismatch

A class says what is the case, never which HTTP status that is: see problem.py.
"""

import re
from typing import ClassVar


class MiraVejaError(Exception):
    """Root of the tree; its title is safe to show, its detail is written for the caller."""

    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts

    @classmethod
    def code(cls) -> str:
        """UnreadableImage -> unreadable_image; clients, logs, rows and the docs share it."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class Invalid(MiraVejaError):
    """The caller can fix this by sending something else."""

    title = "The request is not valid"


class Malformed(Invalid):
    """Not JSON, not a cursor, not an event: nothing to look at field by field."""

    title = "The request cannot be read"


class TooLarge(Invalid):
    """Over a limit of size."""

    title = "The request is too large"


class IdempotencyMismatch(Invalid):
    """A key that stands for one request came with another."""

    title = "This Idempotency-Key was used for another request"


class Unauthenticated(MiraVejaError):
    """No proof of identity, or one that does not hold; why is for the log only."""

    title = "Sign in to do this"


class Forbidden(MiraVejaError):
    """Known caller, refused action."""

    title = "Not allowed"


class PasswordRequired(Forbidden):
    """The link is there, and so is a password that has not been shown, or not the right one."""

    title = "This link opens with a password"


class NotFound(MiraVejaError):
    """No such thing, or none this caller may see: the two are told apart nowhere."""

    title = "Not found"


class Gone(MiraVejaError):
    """It was there for a while, and that while is over."""

    title = "This has expired"


class CursorExpired(Malformed):
    """The cursor goes on in a list that another model made."""

    title = "This list cannot be continued: search again"


class QueryImageExpired(Gone):
    """The example's vector is of another model by now."""

    title = "The example picture has expired: send it again"


class Conflict(MiraVejaError):
    """The asset is not in a state where this can happen."""

    title = "The asset is in another state"


class PreconditionFailed(Conflict):
    """Somebody changed the thing since the caller read it."""

    title = "This was changed meanwhile"


class PreconditionRequired(Conflict):
    """A change must say which revision it was made from."""

    title = "If-Match is required"


class HandleTaken(Conflict):
    """Somebody has this handle, or one that looks like it, or nobody may."""

    title = "This handle cannot be had"


class TooMany(Conflict):
    """One more than a person may have; the fact `limit` says how many that is."""

    title = "There are as many as there may be"


class IdempotencyInProgress(Conflict):
    """The first request of the key is being carried out; the fact `retry_after` says when to ask again, in seconds."""

    title = "The same request is under way"


class Limited(MiraVejaError):
    """Too much or too fast; the fact `retry_after` says when to come back, in seconds."""

    title = "Too many requests"


class TooSlow(MiraVejaError):
    """The rest of a request did not come in time."""

    title = "The request took too long to arrive"


class Unavailable(MiraVejaError):
    """A dependency did not answer; the same call may succeed later."""

    title = "A service MiraVeja relies on is unavailable"


class ModelBroken(Unavailable):
    """A model file is missing or does not have the published sha256."""

    title = "The embedding model is damaged"


class Rejected(MiraVejaError):
    """The bytes can never become a picture here; titles are what the owner reads."""

    title = "The file was rejected"


class UnreadableImage(Rejected):
    """The decoder of its own format refuses the bytes."""

    title = "The file is damaged or not a readable image"


class Unsupported(Rejected):
    """Not one of the formats we decode."""

    title = "This kind of file is not supported (JPEG, PNG, GIF, WebP, AVIF and HEIC are)"


class TypeMismatch(Rejected):
    """The bytes are another format than the upload declared."""

    title = "The file is not the kind of image that it was declared to be"


class TooManyPixels(Rejected):
    """More pixels, or a longer side, than we decode."""

    title = "The image has too many pixels"


class ChecksumMismatch(Rejected):
    """Other bytes arrived than were declared."""

    title = "The bytes that arrived are not the bytes that were declared"


class SizeMismatch(Rejected):
    """More or fewer bytes arrived than were declared."""

    title = "The file has another size than was declared"


class DecodeLimit(Rejected):
    """Decoding needed more time or memory than one image may have."""

    title = "The image needs too much time or memory to decode"


class Blocked(Rejected):
    """The operator blocks exactly these bytes."""

    title = "This file is blocked here"
