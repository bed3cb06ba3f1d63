"""What clients look for, and what they get."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, model_validator

from functions.core.catalog.contract import HitOut
from functions.core.catalog.facets import FacetNames, Facets
from functions.core.catalog.filters import AssetFilters
from functions.core.contract import Query, Time, Wire

NOT_WEIGHT: Final = -0.5
"""How far what is not wanted pulls away."""
MOST_QUERY_BYTES: Final = 10 << 20
"""The largest example picture, in bytes."""
Weight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=1, le=100)]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Cursor = Annotated[str, Field(max_length=1024)]


class Words(Wire):
    """Something said; a negative weight means away from it."""

    q: Annotated[Query, Field(min_length=1)]
    weight: Weight = 1.0


class Example(Wire):
    """A picture to go by: an asset, or a query image of the caller's."""

    asset_id: UUID | None = None
    query_image_id: UUID | None = None
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _one(self) -> "Example":
        if (self.asset_id is None) == (self.query_image_id is None):
            raise ValueError("an example is either assetId or queryImageId")
        return self


class Search(Wire):
    """Words and examples with weights, narrowed by filters."""

    texts: Annotated[list[Words], Field(max_length=10)] = []
    images: Annotated[list[Example], Field(max_length=10)] = []
    filters: AssetFilters = AssetFilters()
    facets: FacetNames = []
    min_score: Score | None = None
    limit: Limit = 50
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _something(self) -> "Search":
        weights = [text.weight for text in self.texts] + [image.weight for image in self.images]
        if not any(weight > 0 for weight in weights):
            raise ValueError("say what to look for: at least one text or image with a positive weight")
        return self


class SearchByAddress(AssetFilters):
    """The same in the address: `q`, `like` and `not`, each `not` pulling away by half."""

    q: Query | None = None
    like: Annotated[list[UUID], Field(max_length=10)] = []
    not_: Annotated[list[Query], Field(alias="not", max_length=9)] = []
    facets: FacetNames = []
    min_score: Score | None = None
    limit: Limit = 50
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _something(self) -> "SearchByAddress":
        if not self.q and not self.like:
            raise ValueError("say what to look for in `q` or `like`")
        return self

    def as_search(self) -> Search:
        """The search that this address means."""
        texts = ([Words(q=self.q)] if self.q else []) + [
            Words(q=words, weight=NOT_WEIGHT) for words in self.not_ if words
        ]
        filters = {name: getattr(self, name) for name in AssetFilters.model_fields}
        return Search(
            texts=texts, images=[Example(asset_id=asset) for asset in self.like], filters=AssetFilters(**filters),
            facets=self.facets, min_score=self.min_score, limit=self.limit, cursor=self.cursor,
        )  # fmt: skip


class Hits(Wire):
    """A page of hits, best first; without `nextCursor` it is the last one. Facets count what words found, or all matches."""

    items: list[HitOut]
    next_cursor: str | None = None
    facets: Facets = {}
    took_ms: float


class SimilarOut(Wire):
    """Assets that look like one asset, most alike first."""

    items: list[HitOut]


class QueryImageOut(Wire):
    """An example picture that can be searched by for an hour."""

    query_image_id: UUID
    expires_at: Time
