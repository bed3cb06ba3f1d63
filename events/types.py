"""Every fact that can happen to an asset, typed and versioned: ids and numbers, never authority."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Protocol, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NAMESPACE: Final = UUID("f2693739-f6e5-5839-888b-c99c0d4a0aea")
"""Fixed for ever: with another one, every fact already seen would look new."""

Counter = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
"""What fits a Postgres integer, so that no event can make a query fail."""
Code = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9_]{1,64}$")]
ModelName = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._:/@+-]{1,128}$")]


class Row(Protocol):
    """The three columns that name one piece of work; an asset has them."""

    @property
    def id(self) -> UUID:
        """The asset."""

    @property
    def generation(self) -> int:
        """Rises with new bytes and with the purge."""

    @property
    def run(self) -> int:
        """Rises with every repair of the same bytes."""


class ChangedRow(Protocol):
    """The three columns that name one change of what search shows."""

    @property
    def id(self) -> UUID:
        """The asset."""

    @property
    def generation(self) -> int:
        """Rises with new bytes and with the purge."""

    @property
    def change(self) -> int:
        """Rises with everything that the vector's payload shows."""


class Fact(BaseModel):
    """Something that happened to one asset; fields that a later v1 adds are read over."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)
    type: ClassVar[str]

    asset_id: UUID

    @property
    def key(self) -> str:
        """The asset id: facts of one asset stay in order."""
        return str(self.asset_id)

    @property
    def event_id(self) -> UUID:
        """The same for the same work, however often and by whomever it is said."""
        return self._name()

    def _name(self, *numbers: int) -> UUID:
        return uuid5(NAMESPACE, "/".join(map(str, (self.type, self.asset_id, *numbers))))


class ObjectArrived(Fact):
    """Bytes lie at `incoming/{asset}`: a notification, the client or the sweeper says so."""

    type = "org.miraveja.object.arrived.v1"


class StepFact(Fact):
    """The outcome of one step on one generation; `run` tells a repair from a duplicate."""

    generation: Counter
    run: Counter

    @classmethod
    def of(cls, row: Row, **more: str) -> Self:
        """The fact about a row; `more` are the fields that this fact has besides (reason, model)."""
        return cls.model_validate({**more, "asset_id": row.id, "generation": row.generation, "run": row.run})

    @property
    def event_id(self) -> UUID:
        """Type, asset, generation and run as one UUID."""
        return self._name(self.generation, self.run)


class AssetUploaded(StepFact):
    """The original is in place; only ingest says so."""

    type = "org.miraveja.asset.uploaded.v1"


class AssetPreviewed(StepFact):
    """Renditions, hashes and metadata exist: thumbnail to embed."""

    type = "org.miraveja.asset.previewed.v1"


class AssetVectorized(StepFact):
    """The vector of that model exists: embed to moderate."""

    type = "org.miraveja.asset.vectorized.v1"
    model: ModelName


class AssetProcessed(StepFact):
    """Renditions, vector and verdict exist."""

    type = "org.miraveja.asset.processed.v1"


class AssetRejected(StepFact):
    """The bytes can never become a picture here; `reason` is an error code."""

    type = "org.miraveja.asset.rejected.v1"
    reason: Code


class AssetEmbedded(StepFact):
    """Indexed: search finds it."""

    type = "org.miraveja.asset.embedded.v1"


class AssetDeleted(StepFact):
    """To be purged: vectors, then renditions, then the original."""

    type = "org.miraveja.asset.deleted.v1"


class AssetChanged(Fact):
    """Something that the vector's payload shows has changed; the row says what."""

    type = "org.miraveja.asset.changed.v1"
    generation: Counter
    change: Counter

    @classmethod
    def of(cls, row: ChangedRow) -> Self:
        """The fact about a row whose `change` counter has just risen."""
        return cls(asset_id=row.id, generation=row.generation, change=row.change)

    @property
    def event_id(self) -> UUID:
        """Type, asset and change as one UUID: a change is one, whatever the generation."""
        return self._name(self.change)


FACTS: Final[Mapping[str, type[Fact]]] = MappingProxyType(
    {
        kind.type: kind
        for kind in (
            ObjectArrived,
            AssetUploaded,
            AssetPreviewed,
            AssetVectorized,
            AssetProcessed,
            AssetRejected,
            AssetEmbedded,
            AssetChanged,
            AssetDeleted,
        )
    }
)
