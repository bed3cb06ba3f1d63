"""Facts as CloudEvents 1.0, out and strictly in; the only place that knows the CloudEvents SDK.

The SDK writes events. It does not read them: it lets an empty id, a body of any size and a header
`ce-extensions` pass, so what comes in is checked here, attribute by attribute.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cloudevents import conversion
from cloudevents.http import CloudEvent
from pydantic import ValidationError

from events.errors import EnvelopeError, NotAccepted
from events.strict import headers_once, json_object
from events.types import FACTS, Fact

SOURCE: Final = "/miraveja"
JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SOURCE: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=-]{1,256}")
_TYPE: Final = re.compile(r"[a-z0-9.]{1,128}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_MEDIA: Final = re.compile(
    r'(application/(?:cloudevents\+)?json)[ \t]*(?:;[ \t]*charset="?utf-8"?)?', re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Event:
    """One fact in its envelope; only `fact` is acted upon."""

    id: str
    source: str
    fact: Fact
    time: datetime
    """Aware UTC: when it happened, or when it was read where the sender does not say."""
    traceparent: str | None = None


def new_event(fact: Fact, *, source: str = SOURCE, now: datetime, traceparent: str | None = None) -> Event:
    """A fact said for the first time, under the id that the same work always has; `now` is aware."""
    return Event(str(fact.event_id), source, fact, now.astimezone(UTC), traceparent)


def to_binary(event: Event) -> tuple[dict[str, str], bytes]:
    """Headers (`ce-…` and content type) and body (data alone) of a POST."""
    return conversion.to_binary(_written(event))


def to_structured(event: Event) -> tuple[dict[str, str], bytes]:
    """Content type and body (attributes and data) of a POST."""
    return conversion.to_structured(_written(event))


def to_json(event: Event) -> dict[str, Any]:
    """The structured form as a JSON object, for a jsonb column; `from_json` reads it."""
    return conversion.to_dict(_written(event))


def from_http(
    headers: Mapping[str, str],
    body: bytes,
    accepts: Collection[type[Fact]],
    sources: Collection[str] | None = None,
) -> Event:
    """The event of a POST in binary or structured mode.

    Raises NotAccepted for a type outside `accepts` or a source outside `sources` (None: any), EnvelopeError
    for everything else that is not exactly an event; never anything else, whatever the bytes.
    """
    once = headers_once(headers)
    media = _media(once.get("content-type"))
    if media == STRUCTURED:
        return _read(json_object(body), accepts, sources)
    attributes = {name[3:]: value for name, value in once.items() if name.startswith("ce-")}
    return _read({**attributes, "datacontenttype": media, "data": json_object(body)}, accepts, sources)


def from_json(document: Mapping[str, Any], accepts: Collection[type[Fact]] = tuple(FACTS.values())) -> Event:
    """The event that `to_json` wrote, as strictly as one from the network."""
    return _read(document, accepts, None)


def _written(event: Event) -> CloudEvent:
    attributes = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.fact.type,
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": JSON,
        "partitionkey": event.fact.key,
    }
    if event.traceparent is not None:
        attributes["traceparent"] = event.traceparent
    return CloudEvent(attributes, event.fact.model_dump(mode="json", by_alias=True))


def _read(document: Mapping[str, Any], accepts: Collection[type[Fact]], sources: Collection[str] | None) -> Event:
    if document.get("specversion") != "1.0":
        raise EnvelopeError("specversion is not 1.0")
    if _media(document.get("datacontenttype", JSON)) != JSON:
        raise EnvelopeError("datacontenttype is not application/json")
    source = _text(document, "source", _SOURCE)
    if sources is not None and source not in sources:
        raise NotAccepted("source is not accepted here")
    event_id = _text(document, "id", _ID)
    return Event(event_id, source, _fact(document, accepts), _time(document), traceparent(document))


def _fact(document: Mapping[str, Any], accepts: Collection[type[Fact]]) -> Fact:
    name = _text(document, "type", _TYPE)
    kind = next((kind for kind in accepts if kind.type == name), None)
    if kind is None:
        raise NotAccepted("type is not accepted here")
    if "data_base64" in document:
        raise EnvelopeError("data_base64 is for data that is not JSON")
    try:
        return kind.model_validate(document.get("data"), by_alias=True, by_name=False)
    except ValidationError as error:
        fields = ", ".join(sorted({str(part["loc"][0]) for part in error.errors() if part["loc"]}))
        raise EnvelopeError(f"data is not that of {name}: {fields or 'not an object'}") from None


def _text(document: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise EnvelopeError(f"{name} is missing or not as it must be")
    return value


def _media(value: object) -> str:
    match = _MEDIA.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise EnvelopeError("content type is not that of one event in JSON")
    return match[1].lower()


def _time(document: Mapping[str, Any]) -> datetime:
    if "time" not in document:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(_text(document, "time", _TIME).upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise EnvelopeError("time is not RFC 3339") from None


def traceparent(document: Mapping[str, Any]) -> str | None:
    """The trace that a document names; a broken one is started anew (W3C Trace Context), it does not stop the work."""
    value = document.get("traceparent")
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None
