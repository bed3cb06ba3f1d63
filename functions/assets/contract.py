"""What clients ask of their assets."""

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from functions.core.catalog.contract import Page
from functions.core.catalog.facets import FacetNames, Facets
from functions.core.catalog.filters import AssetFilters
from functions.core.contract import MOST_TAGS, Description, Tag, Time, Title, Wire

MOST_AT_ONCE: Final = 500


class ListAssets(AssetFilters):
    """A page of a list, newest first."""

    id: Annotated[list[UUID], Field(max_length=100, description="any of them")] = []
    sort: Literal["-createdAt", "createdAt"] = "-createdAt"
    facets: FacetNames = []
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=1024)] | None = None


class ListOut(Page):
    """A page of a list, and what was asked for as facets of the whole list."""

    facets: Facets = {}


class ChangeAsset(Wire):
    """What of an asset people may change; what is left out stays."""

    title: Title | None = None
    description: Description | None = None
    alt: Title | None = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = None
    visibility: Literal["private", "unlisted", "public"] | None = None
    licence: Title | None = None
    rating: Literal["general", "sensitive", "explicit"] | None = None


class Change(Wire):
    """What is done to many assets at once; what is left out stays."""

    add_tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] = []
    remove_tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] = []
    visibility: Literal["private", "unlisted", "public"] | None = None
    trash: bool = False
    restore: bool = False
    collection: Annotated[UUID | None, Field(description="of the caller's, to add them to")] = None

    @property
    def edits(self) -> bool:
        """Whether it touches what an ETag stands for."""
        return bool(self.add_tags or self.remove_tags or self.visibility)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.trash and self.restore:
            raise ValueError("either trash or restore")
        if set(self.add_tags) & set(self.remove_tags):
            raise ValueError("a tag is either added or removed")
        if not (self.edits or self.trash or self.restore or self.collection):
            raise ValueError("say what to change")
        return self


class ChangeAssets(Wire):
    """The same change to each of the caller's assets that are named."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]
    change: Change


class ChangedOut(Wire):
    """Whether one asset was changed, or the code of the problem that kept it as it was."""

    id: UUID
    ok: bool
    code: str | None = None


class ChangedAllOut(Wire):
    """What became of each asset that was named, in the order of their names; a name given twice is answered once."""

    items: list[ChangedOut]


class StepOut(Wire):
    """One step of one run."""

    step: str
    state: str
    run: int
    attempts: int
    started_at: Time
    finished_at: Time | None
    error: str | None


class TimelineOut(Wire):
    """How an asset went through the pipeline."""

    items: list[StepOut]
