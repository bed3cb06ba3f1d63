"""Which of the embedded processes runs which groups; the flow table says what a group is."""

from collections.abc import Mapping
from typing import Final

from functions.core.runtime.step import Step
from functions.embed.handler import STEP as EMBED
from functions.index.handler import STEP as INDEX
from functions.ingest.handler import STEP as INGEST
from functions.moderate.handler import STEP as MODERATE
from functions.purge.handler import STEP as PURGE
from functions.thumbnail.handler import STEP as THUMBNAIL

STEPS: Final[Mapping[str, Step]] = {step.name: step for step in (INGEST, THUMBNAIL, EMBED, MODERATE, INDEX, PURGE)}
ANSWERS: Final = ("ingest", "index", "reindex", "purge")
"""Groups that run beside the answers: they are quick, or need the vectors, which have one owner."""
WORKS: Final = ("process",)
"""Groups that decode and compute, away from the answers."""
