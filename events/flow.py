"""The flow as data, read by runner, bridge and manifests: topics, who reads them, what goes on where."""

from dataclasses import dataclass
from typing import Final

from events import types
from events.types import Fact


@dataclass(frozen=True, slots=True)
class Topic:
    """A log of facts, ordered by key; it is deleted from by age and never compacted."""

    name: str
    carries: tuple[type[Fact], ...]
    key: str = "asset id"
    partitions: int = 6

    @property
    def dead_letters(self) -> str:
        """Where events go that five attempts could not settle."""
        return f"{self.name}.dlq"


@dataclass(frozen=True, slots=True)
class Group:
    """Readers of one topic: each step replies to the next, the last one to the topic `replies_to`."""

    topic: str
    name: str
    steps: tuple[str, ...]
    replies_to: str | None


TOPICS: Final = (
    Topic("storage.events", (types.ObjectArrived,), key="the store's key"),
    Topic("assets.uploaded", (types.AssetUploaded,)),
    Topic("assets.processed", (types.AssetProcessed, types.AssetRejected)),
    Topic("assets.embedded", (types.AssetEmbedded,)),
    Topic("assets.changed", (types.AssetChanged,)),
    Topic("assets.deleted", (types.AssetDeleted,)),
)

FLOW: Final = (
    Group("storage.events", "ingest", ("ingest",), "assets.uploaded"),
    Group("assets.uploaded", "process", ("thumbnail", "embed", "moderate"), "assets.processed"),
    Group("assets.processed", "index", ("index",), "assets.embedded"),
    Group("assets.changed", "reindex", ("index",), None),
    Group("assets.deleted", "purge", ("purge",), None),
)


def group(name: str) -> Group:
    """The group of that name, or KeyError."""
    return {each.name: each for each in FLOW}[name]


def groups_of(topic: str) -> tuple[Group, ...]:
    """Everybody who reads a topic; nobody reads assets.embedded."""
    return tuple(each for each in FLOW if each.topic == topic)


def topic(name: str) -> Topic:
    """The topic of that name, or KeyError."""
    return {each.name: each for each in TOPICS}[name]
