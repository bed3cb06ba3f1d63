"""The seam for traces: spans go to a tracer where one was started, and nowhere, at no cost, where none was.

A trace is carried as a W3C `traceparent`: in a context variable here, in the events that are born under it elsewhere.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final, Protocol

Fact = str | int | bool
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_here: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: "Tracer | None" = None


class Span(Protocol):
    """One piece of work under way. Names and facts come from few values, or are ids of assets: never people or words."""

    @property
    def traceparent(self) -> str | None:
        """What continues the trace from here."""

    def rename(self, name: str) -> None:
        """A better name, known only now."""

    def say(self, **facts: Fact) -> None:
        """Add facts, `asset_id` as `miraveja.asset_id`."""


class Tracer(Protocol):
    """Records spans and sends them on."""

    def span(self, name: str, parent: str | None, kind: str) -> AbstractContextManager[Span]:
        """A span below `parent`, or the first of a trace; `kind` is `server` or `consumer`."""

    def close(self) -> None:
        """Send what is left."""


class _Nowhere:
    """The span of a process that records none: what came in goes on."""

    __slots__ = ("traceparent",)

    def __init__(self, parent: str | None) -> None:
        self.traceparent = parent

    def rename(self, name: str) -> None:
        """Nothing."""

    def say(self, **facts: Fact) -> None:
        """Nothing."""


def wanted() -> bool:
    """Whether OpenTelemetry's usual variables ask for traces."""
    said = {name: value for name, value in os.environ.items() if value}
    if said.get("OTEL_SDK_DISABLED", "").lower() == "true" or said.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(name in said for name in ENDPOINTS) or said.get("OTEL_TRACES_EXPORTER") == "otlp"


def start(tracer: Tracer | None) -> None:
    """Record by this tracer from now on, or no more."""
    global _tracer  # noqa: PLW0603 -- one for the process, as its log is
    _tracer = tracer


def stop() -> None:
    """Send what is left, and record no more."""
    if _tracer:
        _tracer.close()
    start(None)


def recorded() -> bool:
    """Whether spans go anywhere."""
    return _tracer is not None


def current() -> str | None:
    """The trace that events born here belong to."""
    return _here.get()


@contextmanager
def span(name: str, parent: str | None = None, *, kind: str = "consumer") -> Iterator[Span]:
    """Time the body as one span, below `parent` or as the first of a trace; `current` is within it meanwhile."""
    with _tracer.span(name, parent, kind) if _tracer else nullcontext(_Nowhere(parent)) as begun:
        outer = _here.set(begun.traceparent)
        try:
            yield begun
        finally:
            _here.reset(outer)
