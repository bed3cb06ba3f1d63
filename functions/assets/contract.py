"""What clients ask of their assets."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from functions.core.catalog.filters import AssetFilters
from functions.core.contract import MOST_TAGS, Description, Tag, Time, Title, Wire


class ListAssets(AssetFilters):
    """A page of a list, newest first."""

    id: Annotated[list[UUID], Field(max_length=100, description="any of them")] = []
    sort: Literal["-createdAt", "createdAt"] = "-createdAt"
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=1024)] | None = None


class ChangeAsset(Wire):
    """What of an asset people may change; what is left out stays."""

    title: Title | None = None
    description: Description | None = None
    alt: Title | None = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = None
    visibility: Literal["private", "unlisted", "public"] | None = None
    licence: Title | None = None
    rating: Literal["general", "sensitive", "explicit"] | None = None


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
