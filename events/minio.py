"""Bucket notifications as the fact they mean: bytes arrived for an asset. MinIO's form and Amazon's."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import quote_plus, unquote_plus
from uuid import UUID

from events.errors import EnvelopeError
from events.strict import headers_once, json_object
from events.types import ObjectArrived

T = TypeVar("T")

KAFKA_EVENT: Final = "dev.knative.kafka.event"
"""The type under which Knative's KafkaSource wraps a record that is not a CloudEvent."""
_KAFKA_ID: Final = re.compile(r"partition:[0-9]{1,10}/offset:[0-9]{1,19}")
_INCOMING: Final = re.compile(r"incoming/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_CREATED: Final = re.compile(r"(?:s3:)?ObjectCreated:[A-Za-z]{1,64}")


@dataclass(frozen=True, slots=True)
class NewObject:
    """What a store says about an object that has just been posted; `size` in bytes, `at` aware."""

    bucket: str
    key: str
    size: int
    content_type: str
    etag: str
    sequencer: str
    at: datetime


def arrived(body: bytes, *, bucket: str) -> list[ObjectArrived]:
    """One fact for each asset that has new bytes at `incoming/{asset}` of `bucket`.

    Other events, buckets and keys mean nothing here and are left out; what is not a notification at all
    raises EnvelopeError. Size, type and everything else that a record says is left to the store itself.
    """
    document = json_object(body)
    if document.get("Event") == "s3:TestEvent":
        return []
    records = _member(document, "Records", list)
    return list(dict.fromkeys(fact for record in records for fact in _arrival(record, bucket)))


def from_kafka_source(headers: Mapping[str, str], body: bytes, *, bucket: str) -> list[ObjectArrived]:
    """The facts of a notification that KafkaSource wrapped; EnvelopeError when it is not such a POST.

    The rule differs from `envelope.from_http`: the id holds a slash, the body has no content type, and
    nothing in the wrapping is more than a position in a log.
    """
    once = headers_once(headers)
    if once.get("content-type", "").lower().startswith("application/cloudevents"):
        raise EnvelopeError("a wrapped record comes in binary mode")
    if once.get("ce-specversion") != "1.0":
        raise EnvelopeError("specversion is not 1.0")
    if once.get("ce-type") != KAFKA_EVENT:
        raise EnvelopeError("type is not that of a wrapped record")
    if not _KAFKA_ID.fullmatch(once.get("ce-id", "")):
        raise EnvelopeError("id is not a position in a log")
    return arrived(body, bucket=bucket)


def notification(new: NewObject) -> bytes:
    """What MinIO would send for a presigned POST; the embedded store says it so."""
    time = new.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    held = {
        "key": quote_plus(new.key),
        "size": new.size,
        "eTag": new.etag,
        "contentType": new.content_type,
        "sequencer": new.sequencer,
    }
    place = {"name": new.bucket, "arn": f"arn:aws:s3:::{new.bucket}"}
    record = {
        "eventVersion": "2.0",
        "eventSource": "minio:s3",
        "eventName": "s3:ObjectCreated:Post",
        "eventTime": time,
        "s3": {"s3SchemaVersion": "1.0", "bucket": place, "object": held},
    }
    whole = {"EventName": record["eventName"], "Key": f"{new.bucket}/{new.key}", "Records": [record]}
    return json.dumps(whole).encode()


def _arrival(record: object, bucket: str) -> list[ObjectArrived]:
    if not _CREATED.fullmatch(_member(record, "eventName", str)):
        return []
    s3 = _member(record, "s3", dict)
    if _member(_member(s3, "bucket", dict), "name", str) != bucket:
        return []
    key = unquote_plus(_member(_member(s3, "object", dict), "key", str))
    match = _INCOMING.fullmatch(key)
    return [ObjectArrived(asset_id=UUID(match[1]))] if match else []


def _member(holder: object, name: str, kind: type[T]) -> T:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, kind):
        raise EnvelopeError(f"not a bucket notification: {name} is missing or of another kind")
    return value
