"""What can go wrong between a client and its gallery.

GalleryError
├── Problem        the gallery refused, and said why
├── Unreachable    nothing answers at the address, or it stopped answering
└── FileChanged    the file is not the one that was announced
"""

from collections.abc import Mapping


class GalleryError(Exception):
    """Root of the tree; its text is one sentence for a person."""


class Problem(GalleryError):
    """A refusal: HTTP status, stable code, a sentence, and the facts beside them."""

    def __init__(self, status: int, code: str, detail: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.facts = status, code, detail, dict(facts or {})


class Unreachable(GalleryError):
    """No answer from an address."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"no gallery answers at {url} ({why}): is `miraveja up` running, is --url right?")
        self.url = url


class FileChanged(GalleryError):
    """Its bytes changed between reading and sending."""

    def __init__(self) -> None:
        super().__init__("the file changed while it was sent")
