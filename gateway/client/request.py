"""Requests as values: what to send and how to read the answer; sending is a gallery's matter, awaited or waited for."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from gateway.client.errors import GalleryError

Json = dict[str, Any]
Query = Mapping[str, object]
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
NOT_OURS: Final = "the answer is not one of a gallery: is --url right?"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body as it was sent, and the revision of the thing where there is one."""

    body: bytes
    etag: str = ""

    def json(self) -> Json:
        """The body, which every route of ours sends as an object."""
        try:
            said = json.loads(self.body)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise GalleryError(NOT_OURS)
        return said


@dataclass(frozen=True, slots=True)
class Revised(Generic[T]):
    """A thing and its revision, which the next change of it names."""

    it: T
    etag: str


class Paged(Protocol):
    """One page of a list; without a cursor it is the last."""

    @property
    def items(self) -> list[Any]:
        """What is on it."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next one begins."""


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One request; `read` makes its result of a good answer, and raises GalleryError for one that is not ours."""

    method: str
    path: str
    read: Callable[[Answer], T]
    query: tuple[tuple[str, str], ...] = ()
    json: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False
    """Whether it goes without the bearer."""
    once: bool = False
    """Whether a second try must not do it a second time: a key that the gallery remembers sees to it."""
    again: bool = True
    """Whether it may be sent again when the answer was lost."""

    def raw(self) -> "Request[Answer]":
        """The same, with the answer as it was sent."""
        return Request(
            self.method, self.path, same, self.query, self.json, self.headers, self.bare, self.once, self.again
        )

    def keyed(self) -> "Request[T]":
        """As it is sent, however often."""
        return replace(self, headers={**self.headers, "Idempotency-Key": uuid4().hex}) if self.once else self

    def after(self, cursor: str) -> "Request[T]":
        """The same list from where a page ended."""
        if self.json is not None:
            return replace(self, json={**self.json, "cursor": cursor})
        return replace(
            self, query=(*((name, said) for name, said in self.query if name != "cursor"), ("cursor", cursor))
        )


def told(kind: type[M]) -> Callable[[Answer], M]:
    """Read a thing of the contract; what a newer gallery adds to it is passed over."""

    def read(answer: Answer) -> M:
        try:
            return kind.model_validate_json(answer.body, extra="ignore")
        except ValidationError:
            raise GalleryError(NOT_OURS) from None

    return read


def revised(kind: type[M]) -> Callable[[Answer], Revised[M]]:
    """Read a thing with its ETag."""
    read = told(kind)
    return lambda answer: Revised(read(answer), answer.etag)


def same(answer: Answer) -> Answer:
    """The answer as it was sent."""
    return answer


def nothing(_: Answer) -> None:
    """Read an answer without a body."""


def get(path: str, kind: type[M], query: Query | None = None) -> Request[M]:
    """Ask for a thing."""
    return Request("GET", path, told(kind), asked(query or {}))


def post(
    path: str,
    kind: type[M],
    body: BaseModel | Mapping[str, object] | None = None,
    *,
    once: bool = False,
    again: bool = True,
) -> Request[M]:
    """Do something, and be told of it."""
    return Request("POST", path, told(kind), json=said(body), once=once, again=again)


def patch(path: str, kind: type[M], body: BaseModel) -> Request[M]:
    """Change a thing that has no revision."""
    return Request("PATCH", path, told(kind), json=said(body))


def change(path: str, kind: type[M], body: BaseModel, etag: str) -> Request[Revised[M]]:
    """Change a thing from the revision `etag`; Problem 412 when it is another by now."""
    return Request("PATCH", path, revised(kind), json=said(body), headers={"If-Match": etag})


def delete(path: str, query: Query | None = None) -> Request[None]:
    """Take a thing away."""
    return Request("DELETE", path, nothing, asked(query or {}))


def said(body: BaseModel | Mapping[str, object] | None) -> Mapping[str, object] | None:
    """A body as JSON; what nobody set is left out."""
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return body


def asked(query: Query) -> tuple[tuple[str, str], ...]:
    """A query as pairs: lists repeat their name, None is left out, `from_` is `from`."""
    return tuple((name.rstrip("_"), _word(part)) for name, value in query.items() for part in _parts(value))


def _parts(value: object) -> Iterable[object]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
