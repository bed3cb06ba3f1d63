"""A bucket notification is one fact or none; nothing that it says besides the key is believed."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import EnvelopeError
from events.minio import NewObject, arrived, from_kafka_source, notification
from events.types import ObjectArrived

ASSET = UUID("0199d3a0-7c1e-7b2a-9a3e-2f4c6d8e0a1b")
OTHER = UUID("0199d3a0-7c1e-7b2a-9a3e-2f4c6d8e0a1c")
KEY = f"incoming/{ASSET}"
FACT = ObjectArrived(asset_id=ASSET)


def minio_record(key: str = quote_plus(KEY), event: str = "s3:ObjectCreated:Post", bucket: str = "miraveja") -> Any:
    """A record as the MinIO server writes it into Kafka."""
    return {
        "eventVersion": "2.0",
        "eventSource": "minio:s3",
        "awsRegion": "",
        "eventTime": "2026-05-04T12:00:00.250Z",
        "eventName": event,
        "userIdentity": {"principalId": "uploader"},
        "requestParameters": {"principalId": "uploader", "region": "", "sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": "182178E8B36AC9DF",
            "x-minio-origin-endpoint": "http://127.0.0.1:9000",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "Config",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "uploader"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {
                "key": key,
                "size": 248682,
                "eTag": "f1671feacb8bbf7b0397c6e9364e8c92",
                "contentType": "image/jpeg",
                "userMetadata": {"content-type": "image/jpeg"},
                "sequencer": "182178E8B4A7D1C3",
            },
        },
        "source": {"host": "127.0.0.1", "port": "", "userAgent": "Mozilla/5.0"},
    }


def aws_record(key: str = KEY) -> Any:
    """A record as Amazon S3 writes it: no prefix in the event's name, slashes left as they are."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-05-04T12:00:00.250Z",
        "eventName": "ObjectCreated:Post",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "incoming",
            "bucket": {"name": "miraveja", "arn": "arn:aws:s3:::miraveja"},
            "object": {"key": key, "size": 248682, "eTag": "f167", "sequencer": "0055AED6DCD90281E5"},
        },
    }


def a_notification(*records: object, **more: object) -> bytes:
    return json.dumps(
        {"EventName": "s3:ObjectCreated:Post", "Key": f"miraveja/{KEY}", "Records": records, **more}
    ).encode()


def facts_of(*records: object) -> list[ObjectArrived]:
    return arrived(a_notification(*records), bucket="miraveja")


@pytest.mark.parametrize(
    "record",
    [
        minio_record(),
        minio_record(event="s3:ObjectCreated:Put"),
        minio_record(event="s3:ObjectCreated:CompleteMultipartUpload"),
        minio_record(key=KEY),
        aws_record(),
        aws_record(key="".join(f"%{byte:02x}" for byte in KEY.encode())),
    ],
)
def test_bytes_at_incoming_are_an_arrival(record: object) -> None:
    assert facts_of(record) == [FACT]


def test_each_asset_of_a_notification_is_said_once() -> None:
    found = facts_of(minio_record(), minio_record(key="other"), aws_record(f"incoming/{OTHER}"), aws_record())
    assert found == [FACT, ObjectArrived(asset_id=OTHER)]


@pytest.mark.promises("S57")
@pytest.mark.parametrize(
    "key",
    [
        "",
        "incoming/",
        f"originals/{ASSET}/1",
        f"/incoming/{ASSET}",
        f"incoming//{ASSET}",
        f"incoming/{ASSET}/",
        f"incoming/{ASSET}/x",
        f"incoming/{ASSET}.jpg",
        f"incoming/{ASSET}\n",
        f"incoming/{ASSET}\x00",
        f"incoming/ {ASSET}",
        f"Incoming/{ASSET}",
        f"incoming/{str(ASSET).upper()}",
        f"incoming/{ASSET.hex}",
        f"incoming/{{{ASSET}}}",
        f"incoming/{ASSET.urn}",
        f"incoming/../originals/{ASSET}",
        f"x/incoming/{ASSET}",
        f"incoming/{ASSET}?versionId=1",
        "incoming/00000000-0000-0000-0000-00000000000g",
        "incoming/\u0660199d3a0-7c1e-7b2a-9a3e-2f4c6d8e0a1b",
    ],
    ids=repr,
)
def test_any_other_key_is_left_out(key: str) -> None:
    assert facts_of(minio_record(key=quote_plus(key)), minio_record(key=key)) == []


@pytest.mark.parametrize("key", [quote(quote(KEY, safe=""), safe=""), "%ff%fe", "incoming%2", "%00"])
def test_a_key_that_is_encoded_twice_or_wrongly_is_left_out(key: str) -> None:
    assert facts_of(minio_record(key=key)) == []


@pytest.mark.parametrize(
    "event",
    [
        "",
        "s3:ObjectCreated",
        "s3:ObjectCreated:",
        "s3:ObjectCreated:*",
        "s3:ObjectRemoved:Delete",
        "s3:ObjectAccessed:Get",
        "s3:objectcreated:Put",
        "s3:s3:ObjectCreated:Put",
        "s3:ObjectCreated:Put\n",
    ],
)
def test_any_other_event_is_left_out(event: str) -> None:
    assert facts_of(minio_record(event=event)) == []


@pytest.mark.promises("S57")
@pytest.mark.parametrize("bucket", ["", "other", "MIRAVEJA", "miraveja "])
def test_any_other_bucket_is_left_out(bucket: str) -> None:
    assert facts_of(minio_record(bucket=bucket)) == []


@pytest.mark.promises("S57")
def test_only_the_record_counts_and_not_what_stands_above_it() -> None:
    body = a_notification(minio_record(event="s3:ObjectRemoved:Delete"), Key=f"miraveja/incoming/{OTHER}")
    assert arrived(body, bucket="miraveja") == []


def test_the_test_event_of_amazon_means_nothing() -> None:
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "miraveja"}).encode()
    assert arrived(body, bucket="miraveja") == []


def test_a_notification_of_nothing_means_nothing() -> None:
    assert arrived(a_notification(), bucket="miraveja") == []


def without(name: str) -> Any:
    record = minio_record()
    record.pop(name)
    return record


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"Records": {}}',
        b'{"Records": [], "Records": []}',
        b'{"Records": "text"}',
        b'{"Records": [[]]}',
        b'{"Records": [null]}',
        b'{"Records": [{"eventName": 1}]}',
        a_notification(without("eventName")),
        a_notification(without("s3")),
        a_notification({**minio_record(), "s3": []}),
        a_notification({**minio_record(), "s3": {"bucket": {"name": "miraveja"}}}),
        a_notification({**minio_record(), "s3": {"bucket": {"name": 1}, "object": {"key": KEY}}}),
        a_notification({**minio_record(), "s3": {"bucket": {"name": "miraveja"}, "object": {"key": [KEY]}}}),
        a_notification(minio_record()).ljust(64 * 1024 + 1),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(EnvelopeError):
        arrived(body, bucket="miraveja")


NEW = NewObject(
    bucket="miraveja",
    key=KEY,
    size=7,
    content_type="image/png",
    etag="abc",
    sequencer="17A9AB4FA93B35D8",
    at=datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC),
)


def test_the_embedded_store_speaks_as_minio_does() -> None:
    body = notification(NEW)
    assert arrived(body, bucket="miraveja") == [FACT]
    said, real = json.loads(body), json.loads(a_notification(minio_record()))
    assert (said["EventName"], said["Key"]) == (real["EventName"], real["Key"])
    record, model = said["Records"][0], real["Records"][0]
    assert {name: record[name] for name in ("eventVersion", "eventSource", "eventName", "eventTime")} == {
        name: model[name] for name in ("eventVersion", "eventSource", "eventName", "eventTime")
    }
    assert record["s3"]["bucket"] == {"name": "miraveja", "arn": "arn:aws:s3:::miraveja"}
    assert record["s3"]["object"] == {
        "key": quote_plus(KEY),
        "size": 7,
        "eTag": "abc",
        "contentType": "image/png",
        "sequencer": "17A9AB4FA93B35D8",
    }


WRAPPED = {
    "Ce-Id": "partition:0/offset:167",
    "Ce-Source": "/apis/v1/namespaces/miraveja/kafkasources/storage-events#storage.events",
    "Ce-Specversion": "1.0",
    "Ce-Subject": "partition:0#167",
    "Ce-Time": "2026-05-04T12:00:00.499Z",
    "Ce-Type": "dev.knative.kafka.event",
    "Ce-Key": f"miraveja/{KEY}",
    "Ce-Partitionkey": f"miraveja/{KEY}",
}


@pytest.mark.promises("S54")
@pytest.mark.parametrize("more", [{}, {"content-type": "application/json"}], ids=repr)
def test_a_record_that_knative_wrapped_is_the_same_fact(more: dict[str, str]) -> None:
    body = a_notification(minio_record())
    assert from_kafka_source({**WRAPPED, **more}, body, bucket="miraveja") == [FACT]


@pytest.mark.promises("S54", "S56")
@pytest.mark.parametrize(
    "change",
    [
        {"Ce-Id": ""},
        {"Ce-Id": "partition:0"},
        {"Ce-Id": "partition:x/offset:1"},
        {"Ce-Id": "partition:0/offset:1\n"},
        {"Ce-Id": "partition:0/offset:\u0661"},
        {"Ce-Id": "0199d3a0-7c1e-7b2a-9a3e-2f4c6d8e0a1b"},
        {"Ce-Specversion": "0.3"},
        {"Ce-Type": "org.miraveja.object.arrived.v1"},
        {"Ce-Type": "dev.knative.kafka.event.v2"},
        {"ce-id": "partition:0/offset:168"},
        {"content-type": "application/cloudevents+json"},
        {"content-type": "application/cloudevents-batch+json"},
    ],
    ids=repr,
)
def test_a_wrapping_that_knative_does_not_make_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(EnvelopeError):
        from_kafka_source({**WRAPPED, **change}, a_notification(minio_record()), bucket="miraveja")


@pytest.mark.parametrize("name", ["Ce-Id", "Ce-Specversion", "Ce-Type"])
def test_a_wrapping_that_lacks_an_attribute_is_refused(name: str) -> None:
    headers = {key: value for key, value in WRAPPED.items() if key != name}
    with pytest.raises(EnvelopeError):
        from_kafka_source(headers, a_notification(minio_record()), bucket="miraveja")


MEMBERS = st.sampled_from(["Records", "Event", "eventName", "s3", "bucket", "object", "name", "key"])
ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=12) | st.sampled_from(["s3:ObjectCreated:Put", "miraveja", KEY]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(MEMBERS, ANYTHING), st.binary(max_size=60))
def test_whatever_a_store_sends_nothing_but_a_refusal_is_raised(document: dict[str, Any], junk: bytes) -> None:
    for body in (json.dumps(document).encode(), a_notification(document), junk):
        with suppress(EnvelopeError):
            assert set(arrived(body, bucket="miraveja")) <= {FACT}
