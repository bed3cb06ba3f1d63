"""Spans by OpenTelemetry, sent over OTLP/HTTP to where its usual variables say."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from functions.core.traces import Fact

CLOSE_S: Final = 1.0
KINDS: Final[Mapping[str, SpanKind]] = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER}


class OtelSpan:
    """One span of the SDK."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """Version, trace, span and flags, as W3C Trace Context writes them."""
        here = self._span.get_span_context()
        return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"

    def rename(self, name: str) -> None:
        """Another name."""
        self._span.update_name(name)

    def say(self, **facts: Fact) -> None:
        """Attributes below `miraveja.`."""
        self._span.set_attributes({f"miraveja.{name}": value for name, value in facts.items()})


class OtelTracer:
    """Spans of one process; the sampler and limits are those of the SDK's variables."""

    def __init__(self, process: str, processor: SpanProcessor | None = None) -> None:
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "miraveja"}
        resource = Resource.create({**named, "service.instance.id": process})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("miraveja")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, parent: str | None, kind: str) -> Iterator[OtelSpan]:
        """Below `parent` where that is a trace; of an exception only its class is told, for its words may be somebody's."""
        context = self._propagator.extract({"traceparent": parent}, Context()) if parent else Context()
        begun = self._tracer.start_span(name, context, KINDS[kind])
        try:
            yield OtelSpan(begun)
        except Exception as error:
            begun.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            begun.end()

    def close(self) -> None:
        """Send what is left, for a second: a collector that does not answer must not hold up the end."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(CLOSE_S)
