"""The client of a gallery, with and without an event loop; the command line is built on it.

    from gateway.client import Gallery
    from gateway.client.requests import search

    async with Gallery("http://localhost:8080", lambda: "mv_…") as gallery:
        hits = await gallery.ask(search.words("red boat"))

`SyncGallery` says the same without `async`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.client.api import Gallery
    from gateway.client.errors import GalleryError, Problem, Unreachable
    from gateway.client.outcome import Outcome
    from gateway.client.sync import SyncGallery
    from gateway.client.uploads import Wishes

__all__ = ["Gallery", "GalleryError", "Outcome", "Problem", "SyncGallery", "Unreachable", "Wishes"]
HOMES: Final = {
    "Gallery": "api", "GalleryError": "errors", "Outcome": "outcome", "Problem": "errors", "SyncGallery": "sync",
    "Unreachable": "errors", "Wishes": "uploads",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Each where it is first asked for: the command line loads no more than it needs."""
    if name not in HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"gateway.client.{HOMES[name]}"), name)
