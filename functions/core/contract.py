"""What requests and answers have in common on the wire: camelCase, nothing unknown, text made fit to show."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from functions.core.text import clean, line

LONGEST_TITLE: Final = 200
LONGEST_DESCRIPTION: Final = 5_000
LONGEST_NOTE: Final = 500
LONGEST_LABEL: Final = 64
LONGEST_TAG: Final = 64
MOST_TAGS: Final = 50
LONGEST_QUERY: Final = 256
LONGEST_NAME: Final = 255


class Wire(BaseModel):
    """A request or an answer; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def _line(limit: int) -> AfterValidator:
    def fit(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"at most {limit} characters")
        return line(text, limit)

    return AfterValidator(fit)


def _text(limit: int) -> AfterValidator:
    def fit(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"at most {limit} characters")
        return clean(text, limit)

    return AfterValidator(fit)


def _tag(text: str) -> str:
    if not text:
        raise ValueError("a tag is not empty")
    return text.lower()


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("not empty")
    return text


Title = Annotated[str, _line(LONGEST_TITLE)]
Name = Annotated[str, _line(LONGEST_NAME)]
Label = Annotated[str, _line(LONGEST_LABEL), AfterValidator(_not_empty)]
"""What people call somebody, or something of theirs."""
Description = Annotated[str, _text(LONGEST_DESCRIPTION)]
Note = Annotated[str, _text(LONGEST_NOTE)]
Query = Annotated[str, _line(LONGEST_QUERY)]
Tag = Annotated[str, _line(LONGEST_TAG), AfterValidator(_tag)]
Time = Annotated[datetime, PlainSerializer(lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), return_type=str)]
"""RFC 3339 in UTC, with Z."""
