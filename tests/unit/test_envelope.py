"""What is not exactly one of our events is refused with a reason, and nothing ever falls through."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.envelope import Event, from_http, from_json, new_event, to_binary, to_json, to_structured
from events.errors import EnvelopeError, NotAccepted
from events.types import FACTS, AssetProcessed, AssetUploaded, Fact

ASSET = UUID("0199d3a0-7c1e-7b2a-9a3e-2f4c6d8e0a1b")
NOW = datetime(2026, 5, 4, 12, 0, 0, 250_000, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FACT = AssetUploaded(asset_id=ASSET, generation=1, run=2)
EVENT = new_event(FACT, now=NOW, traceparent=TRACE)
ACCEPTS = (AssetUploaded,)
ROW = {"asset_id": ASSET, "generation": 1, "run": 1, "change": 1, "model": "builtin-1", "reason": "blocked"}
EACH = [kind.model_validate(ROW) for kind in FACTS.values()]
STRUCTURED = {"content-type": "application/cloudevents+json"}
Headers = dict[str, str]


class Wire(Mapping[str, str]):
    """Headers as servers hand them over: a name can be there twice."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = pairs

    def __getitem__(self, name: str) -> str:
        return dict(self.pairs)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def items(self) -> Any:
        return list(self.pairs)


def a_post(**attributes: str | None) -> tuple[Headers, bytes]:
    """A good binary POST in which some attributes are other ones, or missing (None)."""
    headers, body = to_binary(EVENT)
    changed = {f"ce-{name}": value for name, value in attributes.items()}
    return {name: value for name, value in {**headers, **changed}.items() if value is not None}, body


def a_document(**members: object) -> bytes:
    """A good structured body in which some members are other ones, or missing (`...`)."""
    whole = {**to_json(EVENT), **members}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def read(headers: Mapping[str, str], body: bytes) -> Event:
    return from_http(headers, body, ACCEPTS, ["/miraveja"])


@pytest.mark.parametrize("fact", EACH, ids=lambda fact: type(fact).__name__)
def test_what_is_written_is_read_in_every_form(fact: Fact) -> None:
    event = new_event(fact, now=NOW, traceparent=TRACE)
    assert from_http(*to_binary(event), [type(fact)]) == event
    assert from_http(*to_structured(event), [type(fact)]) == event
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_a_new_event_has_the_id_of_its_work_and_utc() -> None:
    event = new_event(FACT, now=NOW.astimezone(timezone(timedelta(hours=2))))
    assert event == Event(str(FACT.event_id), "/miraveja", FACT, NOW)
    assert event.time.tzinfo is UTC


def test_binary_mode_has_its_attributes_in_headers_and_data_alone_in_the_body() -> None:
    headers, body = to_binary(EVENT)
    assert headers == {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": str(FACT.event_id),
        "ce-source": "/miraveja",
        "ce-type": "org.miraveja.asset.uploaded.v1",
        "ce-time": "2026-05-04T12:00:00.250000Z",
        "ce-partitionkey": str(ASSET),
        "ce-traceparent": TRACE,
    }
    assert json.loads(body) == {"assetId": str(ASSET), "generation": 1, "run": 2}


@pytest.mark.parametrize("fact", EACH, ids=lambda fact: type(fact).__name__)
def test_attribute_values_need_no_escape_in_any_sdk(fact: Fact) -> None:
    headers, _ = to_binary(new_event(fact, now=NOW))
    assert not [value for value in headers.values() if not value.isascii() or set(value) & set(' "%')]


def test_structured_mode_has_everything_in_the_body() -> None:
    headers, body = to_structured(EVENT)
    assert headers == STRUCTURED
    assert json.loads(body) == to_json(EVENT)


GOOD_HEADERS: list[Headers] = [
    {"content-type": "application/json; charset=utf-8"},
    {"content-type": 'Application/JSON;charset="UTF-8"'},
    {"ce-id": "a"},
    {"ce-id": "A.b_c:d-9" + "x" * 119},
    {"ce-time": "2026-05-04T12:00:00Z"},
    {"ce-time": "2026-05-04t12:00:00.123456789z"},
    {"ce-time": "2026-05-04T14:00:00.1+02:00"},
    {"ce-knativearrivaltime": "whatever it is"},
    {"ce-traceparent": "not a trace"},
    {"ce-partitionkey": "somebody else"},
    {"ce-subject": ""},
]


@pytest.mark.promises("S56")
@pytest.mark.parametrize("change", GOOD_HEADERS, ids=repr)
def test_a_good_envelope_is_read(change: Headers) -> None:
    headers, body = a_post()
    assert read({**headers, **change}, body).fact == FACT


def test_header_names_have_no_case() -> None:
    headers, body = a_post()
    assert read({name.title(): value for name, value in headers.items()}, body) == EVENT


@pytest.mark.parametrize("time", ["2026-05-04T14:00:00.250+02:00", "2026-05-04T12:00:00.25Z"])
def test_time_is_read_as_utc(time: str) -> None:
    assert read(*a_post(time=time)).time == NOW


def test_an_event_without_time_happened_when_it_was_read() -> None:
    before = datetime.now(UTC)
    assert before <= read(*a_post(time=None)).time <= datetime.now(UTC)


def test_a_broken_trace_is_left_out() -> None:
    assert read(*a_post()).traceparent == TRACE
    assert read(*a_post(traceparent="00-x")).traceparent is None


BAD_ATTRIBUTES: list[dict[str, str | None]] = [
    {"specversion": None},
    {"specversion": "0.3"},
    {"specversion": "1"},
    {"specversion": "1.0 "},
    {"specversion": "2.0"},
    {"id": None},
    {"id": ""},
    {"id": "x" * 129},
    {"id": "a b"},
    {"id": "a/b"},
    {"id": "a,b"},
    {"id": "a%20b"},
    {"id": "caf\u00e9"},
    {"id": "a\n"},
    {"source": None},
    {"source": ""},
    {"source": "/mira veja"},
    {"source": '/"'},
    {"source": "/%6d"},
    {"source": "/" * 257},
    {"type": None},
    {"type": ""},
    {"type": "org.miraveja.asset.uploaded.v1\n"},
    {"time": ""},
    {"time": "yesterday"},
    {"time": "2026-05-04"},
    {"time": "2026-05-04 12:00:00Z"},
    {"time": "2026-05-04T12:00:00"},
    {"time": "2026-05-04T12:00Z"},
    {"time": "2026-13-04T12:00:00Z"},
    {"time": "2026-05-04T12:00:60Z"},
    {"time": "2026-05-04T12:00:00+99:99"},
    {"time": "0001-01-01T00:00:00+01:00"},
    {"time": "\u0662026-05-04T12:00:00Z"},
    {"data_base64": "e30="},
]


@pytest.mark.promises("S56")
@pytest.mark.parametrize("change", BAD_ATTRIBUTES, ids=repr)
def test_a_bad_attribute_is_refused_in_both_modes(change: dict[str, str | None]) -> None:
    with pytest.raises(EnvelopeError):
        read(*a_post(**change))
    with pytest.raises(EnvelopeError):
        read(STRUCTURED, a_document(**{name: ... if value is None else value for name, value in change.items()}))


@pytest.mark.promises("S55", "S56")
@pytest.mark.parametrize(
    "change",
    [
        {"source": "/somebody"},
        {"source": "/miraveja/"},
        {"type": "org.miraveja.asset.deleted.v1"},
        {"type": "com.example.other"},
    ],
    ids=repr,
)
def test_what_this_receiver_does_not_take_is_told_apart(change: dict[str, str | None]) -> None:
    with pytest.raises(NotAccepted):
        read(*a_post(**change))
    with pytest.raises(NotAccepted):
        read(STRUCTURED, a_document(**change))


@pytest.mark.promises("R38")
def test_another_major_version_is_refused_and_does_not_crash() -> None:
    with pytest.raises(EnvelopeError, match="type is not accepted"):
        read(*a_post(type="org.miraveja.asset.uploaded.v2"))


@pytest.mark.promises("R38")
def test_fields_that_a_later_v1_adds_do_no_harm() -> None:
    data = {**to_json(EVENT)["data"], "colour": "#ff0000", "more": {"nested": [1]}}
    assert read(STRUCTURED, a_document(data=data)) == EVENT
    headers, _ = a_post()
    assert read(headers, json.dumps(data).encode()) == EVENT


@pytest.mark.promises("S57")
def test_what_a_forged_event_says_besides_the_id_is_not_there() -> None:
    forged = {**to_json(EVENT)["data"], "key": "originals/victim", "owner": "eve", "bucket": "other"}
    assert read(STRUCTURED, a_document(data=forged)).fact == FACT


@pytest.mark.promises("S56")
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/jsonx",
        "application/j\u017fon",
        "application/json; charset=latin-1",
        "application/json, application/json",
        "application/cloudevents",
        "application/cloudevents+xml",
        "application/cloudevents-batch+json",
    ],
)
@pytest.mark.parametrize("body", [to_binary(EVENT)[1], a_document(), b"[" + a_document() + b"]"])
def test_another_content_type_is_refused(content_type: str, body: bytes) -> None:
    headers, _ = a_post()
    with pytest.raises(EnvelopeError):
        read({**headers, "content-type": content_type}, body)
    with pytest.raises(EnvelopeError):
        read({"content-type": content_type}, body)


def test_a_body_without_content_type_is_refused() -> None:
    headers, body = a_post()
    del headers["content-type"]
    with pytest.raises(EnvelopeError):
        read(headers, body)


BAD_MEMBERS: list[dict[str, object]] = [
    {"specversion": 1.0},
    {"id": 7},
    {"id": None},
    {"source": ["/miraveja"]},
    {"type": {"a": 1}},
    {"time": 1777895200},
    {"datacontenttype": "text/plain"},
    {"datacontenttype": "application/cloudevents+json"},
    {"datacontenttype": None},
    {"data": ...},
    {"data": None},
    {"data": []},
    {"data": "{}"},
    {"data_base64": "e30=", "data": ...},
    {"data_base64": None},
]


@pytest.mark.promises("S56")
@pytest.mark.parametrize("change", BAD_MEMBERS, ids=repr)
def test_a_bad_member_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(EnvelopeError):
        read(STRUCTURED, a_document(**change))


def test_a_structured_event_need_not_name_its_data_content_type() -> None:
    assert read(STRUCTURED, a_document(datacontenttype=...)) == EVENT


@pytest.mark.promises("S56")
def test_in_structured_mode_headers_mean_nothing() -> None:
    headers = {**STRUCTURED, "ce-type": "org.miraveja.asset.deleted.v1", "ce-id": "x", "ce-specversion": "9"}
    assert read(headers, a_document()) == EVENT


BAD_DATA: list[dict[str, object]] = [
    {"assetId": ...},
    {"assetId": "7"},
    {"assetId": 7},
    {"assetId": None},
    {"assetId": "\ud800"},
    {"assetId": ..., "asset_id": str(ASSET)},
    {"generation": ...},
    {"generation": "1"},
    {"generation": 1.0},
    {"generation": True},
    {"generation": -1},
    {"generation": 2**31},
    {"generation": 10**400},
    {"run": None},
]


@pytest.mark.promises("S56")
@pytest.mark.parametrize("change", BAD_DATA, ids=lambda change: repr(change)[:40])
def test_data_that_is_not_that_of_its_type_is_refused(change: dict[str, object]) -> None:
    data = {**to_json(EVENT)["data"], **change}
    body = json.dumps({name: value for name, value in data.items() if value is not ...}).encode()
    headers, _ = a_post()
    with pytest.raises(EnvelopeError, match="data is not that of"):
        read(headers, body)


BAD_BODIES = [
    b"",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"{",
    b"{} {}",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b"[" * 30_000,
    b'{"a":' * 12_000,
    b'{"assetId": 1, "assetId": 2}',
    b'{"a": {"b": 1, "\\u0062": 2}}',
    b'{"context": {"eventId": "1", "eventType": "t"}, "data": {"bucket": "b", "name": "n"}}',
]


@pytest.mark.promises("S56")
@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:30]))
def test_a_body_that_is_not_one_plain_json_object_is_refused(body: bytes) -> None:
    headers, _ = a_post()
    for mode in (headers, STRUCTURED, {"content-type": "application/json"}):
        with pytest.raises(EnvelopeError):
            read(mode, body)


@pytest.mark.promises("S56")
@pytest.mark.parametrize(
    "member",
    [
        b'"x": NaN',
        b'"x": Infinity',
        b'"x": -Infinity',
        b'"x": 1e999',
        b'"x": -1e999',
        b'"x": ' + b"9" * 5000,
        b'"x": 1, "x": 1',
        b'"x": {"a": 1, "\\u0061": 1}',
        b'"run": 2',
        b'"x": "\xff"',
        b'"x": 01',
        b'"x": 1,',
    ],
    ids=lambda member: repr(member[:30]),
)
def test_good_data_with_one_member_that_readers_could_differ_on_are_refused(member: bytes) -> None:
    headers, body = a_post()
    with pytest.raises(EnvelopeError):
        read(headers, body[:-1] + b", " + member + b"}")
    with pytest.raises(EnvelopeError):
        read(STRUCTURED, a_document()[:-1] + b", " + member.replace(b"run", b"id") + b"}")


def nested(levels: int) -> object:
    return {"deeper": nested(levels - 1)} if levels else 1


@pytest.mark.promises("S56")
def test_twenty_levels_are_read_and_one_more_is_refused() -> None:
    data = to_json(EVENT)["data"]
    headers, _ = a_post()
    assert read(headers, json.dumps({**data, "x": nested(19)}).encode()) == EVENT
    with pytest.raises(EnvelopeError, match="20 levels"):
        read(headers, json.dumps({**data, "x": nested(20)}).encode())
    with pytest.raises(EnvelopeError, match="20 levels"):
        read(headers, json.dumps({**data, "x": [nested(19)]}).encode())


@pytest.mark.promises("S56")
def test_64_kib_are_read_and_one_byte_more_is_refused() -> None:
    headers, body = a_post()
    assert read(headers, body.ljust(64 * 1024)) == EVENT
    with pytest.raises(EnvelopeError, match="64 KiB"):
        read(headers, body.ljust(64 * 1024 + 1))


@pytest.mark.promises("S56")
@pytest.mark.parametrize("name", ["ce-id", "ce-type", "ce-anything", "content-type"])
def test_a_header_that_is_there_twice_is_refused(name: str) -> None:
    headers, body = a_post(anything="x")
    with pytest.raises(EnvelopeError, match="twice"):
        read(Wire(*headers.items(), (name, headers[name])), body)
    with pytest.raises(EnvelopeError, match="twice"):
        read({**headers, name.upper(): headers[name]}, body)


def test_other_headers_may_be_there_twice() -> None:
    headers, body = a_post()
    assert read(Wire(*headers.items(), ("x-forwarded-for", "a"), ("x-forwarded-for", "b")), body) == EVENT


def test_a_reason_never_repeats_what_was_sent() -> None:
    headers, _ = a_post()
    for body in (b'{"secret": ', b'{"assetId": "secret"}', b'{"secret": 1, "secret": 2}'):
        with pytest.raises(EnvelopeError) as caught:
            read(headers, body)
        assert "secret" not in caught.value.reason
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_kept_event_is_read_as_strictly_as_one_from_the_network() -> None:
    with pytest.raises(EnvelopeError):
        from_json({**to_json(EVENT), "id": ""})
    with pytest.raises(NotAccepted):
        from_json(to_json(EVENT), [AssetProcessed])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ATTRIBUTES = ["specversion", "id", "source", "type", "time", "datacontenttype", "data", "data_base64", "traceparent"]
NAMES = st.sampled_from(["content-type", *(f"ce-{name}" for name in ATTRIBUTES)]) | st.text(max_size=12)


def refused_or_read(headers: Mapping[str, str], body: bytes) -> None:
    try:
        event = from_http(headers, body, tuple(FACTS.values()))
    except EnvelopeError:
        return
    assert from_json(to_json(event)) == event


@pytest.mark.promises("S56")
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, st.text(max_size=40)), st.binary(max_size=200), st.booleans())
def test_whatever_bytes_and_headers_come_nothing_but_a_refusal_is_raised(
    junk: dict[str, str], body: bytes, good_headers: bool
) -> None:
    headers, good = a_post()
    refused_or_read({**(headers if good_headers else {}), **junk}, body)
    refused_or_read({**headers, **junk}, good)


@pytest.mark.promises("S56")
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(ATTRIBUTES), ANYTHING, max_size=3))
def test_whatever_a_structured_event_holds_nothing_but_a_refusal_is_raised(members: dict[str, Any]) -> None:
    refused_or_read(STRUCTURED, a_document(**members))


@pytest.mark.promises("S56")
@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(FACTS)),
    st.dictionaries(st.sampled_from(["assetId", "generation", "run", "model", "reason", "x"]), ANYTHING),
)
def test_whatever_the_data_are_nothing_but_a_refusal_is_raised(kind: str, data: dict[str, Any]) -> None:
    headers, _ = a_post(type=kind)
    refused_or_read(headers, json.dumps(data).encode())
    refused_or_read(headers, json.dumps({**to_json(EVENT)["data"], **data}).encode())
