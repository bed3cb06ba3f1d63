"""One upload is one trace, from the request that brought its bytes to the index; where nobody asks, nothing is traced."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import aiohttp
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext

from events.envelope import new_event
from events.types import AssetUploaded, ObjectArrived
from functions.core import traces
from functions.core.adapters.tracer_otel import OtelSpan, OtelTracer
from functions.core.ids import AssetId
from functions.core.runtime.run import World, answer
from functions.core.times import utcnow
from gateway.local.steps import STEPS
from tests.support.doors import Gallery, Person
from tests.support.images import a_jpeg
from tests.support.runs import said_of
from tests.support.worlds import a_user, an_upload, ended, quiet, running

Spans = Callable[[], list[ReadableSpan]]
OTHER = "00-11111111111111111111111111111111-2222222222222222-01"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CHAIN = ("POST /store", "ingest", "thumbnail", "embed", "moderate", "index")


@pytest.fixture
def recorded() -> Iterator[Spans]:
    """What was traced until now."""
    kept = InMemorySpanExporter()
    traces.start(OtelTracer("test", SimpleSpanProcessor(kept)))
    yield lambda: list(kept.get_finished_spans())
    traces.stop()


def told(span: ReadableSpan) -> dict[str, object]:
    return {name.removeprefix("miraveja."): value for name, value in (span.attributes or {}).items()}


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context
    return context


def trace_of(span: ReadableSpan) -> int:
    return context_of(span).trace_id


async def uploaded(gallery: Gallery, who: Person, data: bytes) -> AssetId:
    """As a browser does it: a form, the bytes, word that they are there."""
    wanted = {
        "name": "secret name.jpg", "size": len(data), "contentType": "image/jpeg", "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
    asked = (await gallery.post("/v1/uploads", who, json=wanted)).json
    form = aiohttp.FormData(asked["upload"]["fields"])
    form.add_field("file", data, filename="x.jpg", content_type="image/jpeg")
    body = form()
    kind = {"Content-Type": str(body.content_type)}
    assert (await gallery.post(asked["upload"]["url"], data=body, headers=kind)).status == 201
    assert (await gallery.post(f"/v1/uploads/{asked['assetId']}/complete", who)).status in (200, 202)
    return AssetId(asked["assetId"])


@pytest.mark.promises("S73")
async def test_one_upload_is_one_trace_from_its_bytes_to_the_index(gallery: Gallery, recorded: Spans) -> None:
    ann = await gallery.a_person("Secret Ann")
    asset = await uploaded(gallery, ann, a_jpeg(31))
    async with running(gallery.world):
        await ended(gallery.world, asset)
        await quiet(gallery.world)
    await gallery.get("/v1/search?q=secret+words", ann)
    spans = recorded()
    [index] = [span for span in spans if span.name == "index"]
    of_upload = {span.name: span for span in spans if trace_of(span) == trace_of(index)}
    assert of_upload.keys() == set(CHAIN)
    assert len(of_upload) == sum(trace_of(span) == trace_of(index) for span in spans), "each step once"
    for before, after in pairwise(CHAIN):
        parent = of_upload[after].parent
        assert parent
        assert parent.span_id == context_of(of_upload[before]).span_id, after
    assert told(of_upload["embed"]) == {"asset_id": str(asset), "attempt": 1, "outcome": "done"}
    everything = " ".join(f"{span.name} {told(span)} {span.status.description} {list(span.events)}" for span in spans)
    assert "GET /v1/search" in everything
    for secret in ("secret", "Secret", str(ann.user), ann.subject, ann.token):
        assert secret not in everything


async def test_what_begins_in_a_request_belongs_to_its_trace(gallery: Gallery, recorded: Spans) -> None:
    ann = await gallery.a_person()
    asset = await gallery.a_picture(ann)
    await gallery.ask("DELETE", f"/v1/assets/{asset}", ann)
    row = await gallery.row("SELECT event FROM outbox WHERE key = %s", str(asset))
    [span] = recorded()
    assert span.name == "DELETE /v1/assets/{assetId}"
    assert told(span) == {"status": 204}
    assert row["event"]["traceparent"].split("-")[1] == f"{trace_of(span):032x}"


async def test_a_duplicate_gets_the_reply_with_the_trace_of_the_work(world: World, recorded: Spans) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(32))
    await world.ports.objects.copy(f"incoming/{asset}", f"originals/{asset}/1")
    async with world.database.transaction() as tx:
        await tx.execute("UPDATE assets SET state = 'uploaded', content_type = 'image/jpeg' WHERE id = %s", [asset])
    fact = await said_of(world, AssetUploaded, asset)
    done = await answer(STEPS["thumbnail"], new_event(fact, now=utcnow(), traceparent=PARENT), world)
    again = await answer(STEPS["thumbnail"], new_event(fact, now=utcnow(), traceparent=OTHER), world)
    assert done.reply
    assert again.reply == done.reply
    [span] = recorded()
    assert f"{trace_of(span):032x}" == PARENT.split("-")[1]
    assert done.reply.traceparent == OtelSpan(NonRecordingSpan(context_of(span))).traceparent


async def test_a_trace_goes_on_through_a_process_that_records_none(world: World) -> None:
    asset = await an_upload(world, await a_user(world), a_jpeg(33))
    told = new_event(ObjectArrived(asset_id=asset), now=utcnow(), traceparent=PARENT)
    done = await answer(STEPS["ingest"], told, world)
    assert done.reply
    assert done.reply.traceparent == PARENT


async def test_a_broken_trace_is_begun_anew(recorded: Spans) -> None:
    for broken in ("00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff" + PARENT[2:], "00-x"):
        with traces.span("step", broken):
            assert (traces.current() or "").split("-")[1] != PARENT.split("-")[1]
    assert all(span.parent is None for span in recorded())


async def test_tasks_beside_each_other_keep_their_traces_apart(recorded: Spans) -> None:
    async def one() -> tuple[str | None, str | None]:
        with traces.span("step"):
            before = traces.current()
            await asyncio.sleep(0)
            return before, traces.current()

    seen = await asyncio.gather(*(one() for _ in range(5)))
    assert all(before == after for before, after in seen)
    assert len({trace_of(span) for span in recorded()}) == 5
    assert traces.current() is None


@pytest.mark.parametrize(
    ("environ", "is_wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, False),
    ],
)
def test_the_usual_variables_say_whether_traces_are_wanted(
    environ: dict[str, str], is_wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", *traces.ENDPOINTS):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert traces.wanted() is is_wanted


def test_nobody_who_asks_for_no_traces_loads_what_they_need() -> None:
    code = (
        "import sys, gateway.local.answer, gateway.local.work; from functions.core import wire; wire.trace('x');"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    without = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=without)
    assert done.stdout == "[]\n"


def test_a_span_that_goes_nowhere_costs_microseconds() -> None:
    best = min(_each_s(2_000) for _ in range(5))
    assert best < 20e-6


def _each_s(number: int) -> float:
    began = time.perf_counter()
    for _ in range(number):
        with traces.span("step", PARENT) as span:
            span.say(asset_id="x", attempt=1)
    return (time.perf_counter() - began) / number
