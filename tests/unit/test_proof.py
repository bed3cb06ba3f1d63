"""Only what one of our keys signed within five minutes, for exactly this type and id, is let in."""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.envelope import Event, new_event, to_binary, to_structured
from events.errors import ProofError
from events.proof import sign, verify
from events.types import AssetUploaded

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
KEY, NEW, STRANGE = b"k" * 32, b"n" * 32, b"s" * 32
EVENT = new_event(AssetUploaded(asset_id=UUID(int=9), generation=1, run=1), now=NOW)
Post = tuple[dict[str, str], bytes]


def a_post(mode: Callable[[Event], Post] = to_binary, keys: Sequence[bytes] = (KEY,)) -> Post:
    headers, body = mode(EVENT)
    return {**headers, **sign(keys, EVENT.id, headers, body, NOW)}, body


@pytest.mark.promises("S54")
@pytest.mark.parametrize("mode", [to_binary, to_structured])
def test_a_signed_event_is_let_in_and_named(mode: Callable[[Event], Post]) -> None:
    headers, body = a_post(mode)
    assert verify([KEY], headers, body, NOW) == EVENT.id


def test_the_signature_of_a_structured_event_is_that_of_standard_webhooks() -> None:
    headers, body = a_post(to_structured)
    signed = f"{EVENT.id}.{int(NOW.timestamp())}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.promises("S54")
def test_keys_rotate_without_losing_an_event() -> None:
    old, body = a_post(keys=[KEY])
    new, _ = a_post(keys=[NEW, KEY])
    both = {**old, "webhook-signature": f"{new['webhook-signature']} {old['webhook-signature']}"}
    assert verify([NEW, KEY], old, body, NOW) == EVENT.id
    assert verify([NEW, KEY], new, body, NOW) == EVENT.id
    assert verify([KEY], both, body, NOW) == EVENT.id


@pytest.mark.promises("S54")
def test_the_first_key_signs() -> None:
    headers, body = a_post(keys=[NEW, KEY])
    with pytest.raises(ProofError):
        verify([KEY], headers, body, NOW)


@pytest.mark.promises("S54", "S59")
@pytest.mark.parametrize("seconds", [-301, 301, 10**9])
def test_a_proof_outside_the_window_is_refused(seconds: int) -> None:
    headers, body = a_post()
    with pytest.raises(ProofError):
        verify([KEY], headers, body, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_proof_inside_the_window_holds(seconds: int) -> None:
    headers, body = a_post()
    assert verify([KEY], headers, body, NOW + timedelta(seconds=seconds)) == EVENT.id


@pytest.mark.promises("S54", "S55")
@pytest.mark.parametrize("mode", [to_binary, to_structured])
@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": "v1,\u00e9\u00e9"},
        {"webhook-signature": "v1,\ud800"},
        {"webhook-id": ""},
        {"webhook-id": "another"},
        {"webhook-id": "with space"},
        {"webhook-id": "x" * 129},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "\u0661\u0662"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    ],
    ids=repr,
)
def test_a_proof_that_is_missing_malformed_or_of_something_else_is_refused(
    mode: Callable[[Event], Post], change: dict[str, str]
) -> None:
    headers, body = a_post(mode)
    with pytest.raises(ProofError):
        verify([KEY], {**headers, **change}, body, NOW)


@pytest.mark.promises("S54")
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_proof_without_one_of_its_headers_is_refused(name: str) -> None:
    headers, body = a_post()
    del headers[name]
    with pytest.raises(ProofError):
        verify([KEY], headers, body, NOW)


@pytest.mark.promises("S54")
@pytest.mark.parametrize("name", ["Webhook-Id", "WEBHOOK-TIMESTAMP", "Webhook-Signature", "CE-Type"])
def test_a_header_that_is_there_twice_is_refused(name: str) -> None:
    headers, body = a_post()
    with pytest.raises(ProofError):
        verify([KEY], {**headers, name: headers[name.lower()]}, body, NOW)


@pytest.mark.promises("S54")
@pytest.mark.parametrize("mode", [to_binary, to_structured])
def test_another_body_is_refused(mode: Callable[[Event], Post]) -> None:
    headers, body = a_post(mode)
    with pytest.raises(ProofError):
        verify([KEY], headers, body.replace(b'"run": 1', b'"run": 2'), NOW)


@pytest.mark.promises("S54", "S56")
@pytest.mark.parametrize(
    "change",
    [
        {"ce-type": "org.miraveja.asset.deleted.v1"},
        {"ce-id": "another"},
        {"ce-id": "another", "webhook-id": "another"},
        {"content-type": "application/cloudevents+json"},
        {"content-type": "Application/CloudEvents+JSON; charset=utf-8"},
    ],
    ids=repr,
)
def test_a_signed_body_cannot_be_sent_again_as_something_else(change: dict[str, str]) -> None:
    headers, body = a_post()
    with pytest.raises(ProofError):
        verify([KEY], {**headers, **change}, body, NOW)


@pytest.mark.promises("S54")
@pytest.mark.parametrize("name", ["ce-type", "ce-id"])
def test_a_signed_body_cannot_lose_what_it_is(name: str) -> None:
    headers, body = a_post()
    del headers[name]
    with pytest.raises(ProofError):
        verify([KEY], headers, body, NOW)


@pytest.mark.promises("S54")
def test_a_structured_event_cannot_be_sent_again_in_binary_mode() -> None:
    headers, body = a_post(to_structured)
    binary, _ = to_binary(EVENT)
    with pytest.raises(ProofError):
        verify([KEY], {**headers, **binary}, body, NOW)


def test_what_else_travels_in_headers_may_change_on_the_way() -> None:
    headers, body = a_post()
    assert verify([KEY], {**headers, "ce-traceparent": "x", "x-request-id": "y"}, body, NOW) == EVENT.id


@pytest.mark.parametrize("keys", [[], [b""], [b"short"], [KEY, b""], [KEY, NEW, STRANGE]], ids=repr)
def test_unsafe_keys_neither_sign_nor_verify(keys: list[bytes]) -> None:
    headers, body = a_post()
    with pytest.raises(ValueError, match="keys"):
        verify(keys, headers, body, NOW)
    with pytest.raises(ValueError, match="keys"):
        sign(keys, EVENT.id, headers, body, NOW)


def test_a_sender_without_the_key_is_refused() -> None:
    headers, body = a_post(keys=[STRANGE])
    with pytest.raises(ProofError):
        verify([KEY, NEW], headers, body, NOW)


NAMES = st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "ce-id", "ce-type", "content-type"])


@given(st.dictionaries(NAMES, st.text(max_size=40)), st.binary(max_size=40))
def test_whatever_comes_the_answer_is_a_refusal(changes: Mapping[str, str], junk: bytes) -> None:
    headers, _ = a_post()
    with pytest.raises(ProofError):
        verify([KEY], {**headers, **changes}, junk, NOW)
