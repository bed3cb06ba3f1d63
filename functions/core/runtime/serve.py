"""A step as a deployed HTTP function: proof of the sender, strict envelope, the step, a status that runners understand."""

import asyncio
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from events import minio, proof
from events.envelope import Event, from_http, new_event, to_binary
from events.errors import EnvelopeError, NotAccepted, ProofError
from events.strict import MAX_BYTES
from events.types import ObjectArrived
from functions.core import logs, wire
from functions.core.errors import MiraVejaError, Unavailable
from functions.core.model import BUCKET
from functions.core.runtime.answer import Answer, Outcome
from functions.core.runtime.run import World, answer
from functions.core.runtime.step import Step
from functions.core.settings import Settings
from functions.core.times import utcnow

Serve = Callable[[Request], Any]
PROBE_S: Final = 2.0


def entry(step: Step) -> Serve:
    """The function that functions-framework serves; nothing connects before the first readiness probe or event."""
    settings = cache(Settings.load)
    world = wire.Once(lambda: _open(step, settings()))

    async def serve(request: Request) -> Response:
        match request.method, request.url.path:
            case "GET", "/_/health":
                return Response(status_code=200)
            case "GET", "/_/ready":
                return await _ready(step, world)
            case "POST", "/":
                return await _take(step, request, settings, world)
        return _problem(405 if request.url.path == "/" else 400, "unknown_route")

    serve.__name__ = step.name
    served: Serve = functions_framework.aio.http(serve)
    return served


async def _open(step: Step, settings: Settings) -> World:
    logs.start(settings, step.name, wire.confidential(settings))
    wire.trace(step.name)
    return await wire.open_world(settings)


async def _ready(step: Step, world: wire.Once) -> Response:
    """200 once rows answer and what the work needs is loaded; loading goes on after a probe that was too short for it."""
    try:
        async with asyncio.timeout(PROBE_S):
            here = await world.get()
            async with here.database.transaction() as tx:
                await tx.execute("SELECT 1")
            if step.warm:
                await step.warm(here.ports)
    except TimeoutError:
        return _problem(503, Unavailable.code())
    except MiraVejaError as error:
        return _problem(503, error.code())
    return Response(status_code=200)


async def _take(step: Step, request: Request, settings: Callable[[], Settings], world: wire.Once) -> Response:
    try:
        body = await _body(request)
        proof.verify(wire.event_keys(settings()), request.headers, body, utcnow())
        events = _events(step, request, body)
        results = [await answer(step, event, await world.get()) for event in events]
    except ProofError:
        return _problem(401, "sender_not_proven")
    except NotAccepted as error:
        return _problem(403, error.reason)
    except EnvelopeError as error:
        return _problem(400, error.reason)
    except MiraVejaError as error:
        return _problem(500, error.code())
    return _told(results)


async def _body(request: Request) -> bytes:
    """At most what an event may weigh; the rest is never read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise EnvelopeError("too_large")
    return body


def _events(step: Step, request: Request, body: bytes) -> list[Event]:
    """One CloudEvent; a bucket notification that KafkaSource wrapped has a rule of its own."""
    if ObjectArrived in step.consumes and request.headers.get("ce-type") == minio.KAFKA_EVENT:
        facts = minio.from_kafka_source(request.headers, body, bucket=BUCKET)
        return [new_event(fact, now=utcnow()) for fact in facts]
    return [from_http(request.headers, body, step.consumes)]


def _told(results: list[Answer]) -> Response:
    """The worst of the answers; a reply travels on as a CloudEvent."""
    worst = max(results, key=lambda result: result.status, default=Answer(Outcome.GONE))
    if worst.status >= 300:
        return _problem(worst.status, worst.error)
    replies = [result.reply for result in results if result.reply]
    if not replies:
        return Response(status_code=204)
    headers, body = to_binary(replies[0])
    return Response(body, 200, headers)


def _problem(status: int, code: str) -> Response:
    return Response(json.dumps({"status": status, "code": code}), status, media_type="application/problem+json")
