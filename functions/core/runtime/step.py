"""What a step is: two functions, and where needed four more, with the states between which they stand."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from events.types import Fact
from functions.core.ids import AssetId
from functions.core.model import Asset, State
from functions.core.models.embedding import Embedding
from functions.core.ports import Objects, Pictures, Vectors
from functions.core.tx import Tx


class TooEarly(Exception):
    """What the step needs is not there yet: the event comes again."""


class Moved(Exception):
    """The row changed in a way that matters while the step worked: it does its work again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that functions look at; 0 is no limit where it says so."""

    max_bytes: int
    quota_bytes: int
    """0 is no limit."""
    quota_count: int
    """0 is no limit."""
    uploads_pending: int
    uploads_per_day: int
    """0 is no limit."""
    review: bool
    thresholds: tuple[tuple[str, float], ...]
    """What a picture may show at most: a concept in words, and the score from which it is restricted."""
    appeal_days: int
    """How long the pictures of what was rejected are kept, and its owner may appeal."""


class Ports(Protocol):
    """What the world offers; adapters load what they need at their first use."""

    @property
    def rules(self) -> Rules:
        """The settings that functions look at."""

    @property
    def objects(self) -> Objects:
        """The store."""

    @property
    def pictures(self) -> Pictures:
        """The decoder of strangers' bytes."""

    @property
    def vectors(self) -> Vectors:
        """The index; one process owns it."""

    @property
    def embedding(self) -> Embedding:
        """The model."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Names the effects of one generation of an asset, whether its row is there or not."""

    id: AssetId
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One function of the pipeline.

    `work(asset, ports)` is everything slow and has no database; with a `load(tx, asset)` it is `work(asset, ports, needs)`.
    `record(tx, asset, result)` is only SQL and returns the reply. `undo(ref, ports)` removes the effects when a later
    generation or a tombstone is met; `settle(ref, ports)` tidies up after the commit, and may be repeated.
    """

    name: str
    consumes: tuple[type[Fact], ...]
    after: State
    """The state that the step starts from; an asset that is not there yet makes the event come again."""
    to: State | None = None
    """The state that it leads to, for an asset that still is in `after`."""
    work: Callable[..., Awaitable[Any]]
    record: Callable[[Tx, Asset, Any], Awaitable[Fact | None]]
    load: Callable[[Tx, Asset], Awaitable[Any]] | None = None
    undo: Callable[[Ref, Ports], Awaitable[None]] | None = None
    settle: Callable[[Ref, Ports], Awaitable[None]] | None = None
    warm: Callable[[Ports], Awaitable[None]] | None = None
    """Loads what the work needs, before the first event comes; cheap when done again."""
    by_generation: bool = False
    """Whether `undo` takes only what bears the generation's name, so that it may run while a later one lives."""
    at_ends: bool = False
    """Whether it also works on assets at an end, to remove what they left."""
    once: bool = False
    """Whether an asset that is further on is left alone instead of worked on again."""
