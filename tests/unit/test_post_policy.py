"""A presigned POST allows one object of one size, type and checksum, and only for those who got it from us."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.adapters.post_policy import Credentials, Grant, PolicyRefused, VerifiedForm, sign_form, verify_form

NOW = datetime(2026, 11, 23, 22, 0, 0, tzinfo=UTC)
KEYS = Credentials("upload-signer", "a secret of the store", "eu-central-1")
DIGEST = hashlib.sha256(b"picture").digest()
GRANT = Grant("miraveja", "incoming/0193a5c7", "image/png", 7, DIGEST, NOW + timedelta(minutes=10))

Fields = list[tuple[str, str]]
Document = dict[str, object]


def a_form(grant: Grant = GRANT, credentials: Credentials = KEYS) -> dict[str, str]:
    return dict(sign_form(credentials, grant, url="http://localhost/store/miraveja", now=NOW).fields)


def signed_by_hand(fields: dict[str, str], credentials: Credentials = KEYS) -> Fields:
    """Signature V4 as its specification says it, so that both sides of our own code are measured against it."""
    key = b"AWS4" + credentials.secret_key.encode()
    for part in (fields["x-amz-date"][:8], credentials.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    fields["x-amz-signature"] = hmac.new(key, fields["policy"].encode(), hashlib.sha256).hexdigest()
    return list(fields.items())


def conditions_of(form: dict[str, str]) -> list[object]:
    document = json.loads(b64decode(form["policy"]))
    conditions: list[object] = document["conditions"]
    return conditions


def with_document(change: Callable[[Document, list[object]], object]) -> Fields:
    """A form whose policy somebody who holds the secret has written differently."""
    form = a_form()
    document: Document = json.loads(b64decode(form["policy"]))
    conditions = document["conditions"]
    assert isinstance(conditions, list)
    change(document, conditions)
    form["policy"] = b64encode(json.dumps(document).encode()).decode()
    return signed_by_hand(form)


def with_text(text: str | bytes) -> Fields:
    data = text.encode() if isinstance(text, str) else text
    return signed_by_hand(a_form() | {"policy": b64encode(data).decode()})


def with_value(name: str, value: str) -> Fields:
    """The field and its condition changed alike, and signed again."""
    form = a_form()
    conditions = [{name: value} if isinstance(one, dict) and name in one else one for one in conditions_of(form)]
    document = {"expiration": "2026-11-23T22:10:00.000Z", "conditions": conditions}
    form |= {name: value, "policy": b64encode(json.dumps(document).encode()).decode()}
    return signed_by_hand(form)


def refusal(fields: Fields, now: datetime = NOW, bucket: str = "miraveja") -> str:
    with pytest.raises(PolicyRefused) as caught:
        verify_form(KEYS, fields, bucket=bucket, now=now)
    return caught.value.code


@pytest.mark.promises("S23")
def test_a_form_fixes_bucket_key_size_type_status_and_checksum() -> None:
    form = a_form()
    signed = {name: value for name, value in form.items() if name not in {"policy", "x-amz-signature"}}
    assert signed == {
        "key": "incoming/0193a5c7",
        "Content-Type": "image/png",
        "success_action_status": "201",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": b64encode(DIGEST).decode(),
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "upload-signer/20261123/eu-central-1/s3/aws4_request",
        "x-amz-date": "20261123T220000Z",
    }
    expected = [{"bucket": "miraveja"}, ["content-length-range", 7, 7], *({name: signed[name]} for name in signed)]
    assert json.loads(b64decode(form["policy"])) == {
        "expiration": "2026-11-23T22:10:00.000Z",
        "conditions": expected,
    }


def test_the_signature_is_signature_v4() -> None:
    form = a_form()
    assert dict(signed_by_hand(dict(form)))["x-amz-signature"] == form["x-amz-signature"]


@pytest.mark.promises("S23")
def test_an_honest_form_says_what_it_allows() -> None:
    allowed = verify_form(KEYS, list(a_form().items()), bucket="miraveja", now=NOW + timedelta(minutes=10))
    assert allowed == VerifiedForm("incoming/0193a5c7", "image/png", 7, 7, DIGEST)


def test_conditions_may_be_spelled_as_lists() -> None:
    def spell(document: Document, conditions: list[object]) -> None:
        document["conditions"] = [
            ["eq", f"${name}", value] for one in conditions if isinstance(one, dict) for name, value in one.items()
        ] + [["content-length-range", 1, 9]]

    allowed = verify_form(KEYS, with_document(spell), bucket="miraveja", now=NOW)
    assert (allowed.min_size, allowed.max_size) == (1, 9)


@pytest.mark.promises("S23")
@pytest.mark.parametrize(
    "key", ["originals/a/1", "derived/a", "incoming/", "incoming/../x", "/incoming/a", "incoming/a/b"]
)
def test_no_form_is_made_for_a_key_outside_incoming(key: str) -> None:
    with pytest.raises(ValueError, match="no form"):
        a_form(replace(GRANT, key=key))


@pytest.mark.promises("S24")
def test_a_form_ends_when_it_says() -> None:
    assert refusal(list(a_form().items()), NOW + timedelta(minutes=10, seconds=1)) == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize("age", [timedelta(minutes=-16), timedelta(days=7, seconds=1)])
def test_a_form_from_the_future_or_of_last_week_is_refused(age: timedelta) -> None:
    form = sign_form(KEYS, replace(GRANT, expires_at=NOW + timedelta(days=99)), url="", now=NOW - age)
    assert refusal(list(form.fields.items())) == "AccessDenied"


@pytest.mark.promises("S24")
def test_a_form_for_another_bucket_is_refused() -> None:
    assert refusal(list(a_form().items()), bucket="other") == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize("name", sorted(a_form()))
def test_no_field_may_be_left_out(name: str) -> None:
    assert refusal([(field, value) for field, value in a_form().items() if field != name]) == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize("name", sorted(a_form()))
@pytest.mark.parametrize("spell", [str, str.upper, str.title, str.swapcase])
def test_no_field_may_be_there_twice_in_any_spelling(name: str, spell: Callable[[str], str]) -> None:
    form = a_form()
    assert refusal([*form.items(), (spell(name), form[name])]) == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    "name",
    ["acl", "tagging", "success_action_redirect", "redirect", "x-amz-meta-name", "x-minio-fanout-list", "bucket", "file",
     "x-amz-server-side-encryption-customer-key", "x-amz-storage-class", "X-Amz-Security-Token", "x-ignore-a", "", "кey"],
)  # fmt: skip
def test_no_other_field_is_taken_even_when_the_policy_names_it(name: str) -> None:
    form = a_form()
    assert refusal([*form.items(), (name, "x")]) == "AccessDenied"
    named = with_document(lambda _, conditions: conditions.append({name: "x"}))
    assert refusal([*named, (name, "x")]) == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("x-amz-signature", "0" * 64, "SignatureDoesNotMatch"),
        ("x-amz-signature", "ü", "SignatureDoesNotMatch"),
        ("x-amz-signature", "", "SignatureDoesNotMatch"),
        ("x-amz-credential", "upload-signer/20261123/us-east-1/s3/aws4_request", "AccessDenied"),
        ("x-amz-credential", "upload-signer/20261122/eu-central-1/s3/aws4_request", "AccessDenied"),
        ("x-amz-credential", "upload-signer/20261123/eu-central-1/iam/aws4_request", "AccessDenied"),
        ("x-amz-credential", "upload-signer", "AccessDenied"),
        ("x-amz-credential", "somebody/20261123/eu-central-1/s3/aws4_request", "InvalidAccessKeyId"),
        ("x-amz-algorithm", "none", "AccessDenied"),
        ("x-amz-date", "20261124T220000Z", "AccessDenied"),
        ("x-amz-date", "20269923T220000Z", "AccessDenied"),
        ("x-amz-date", "yesterday", "AccessDenied"),
    ],
)
def test_a_signature_that_is_not_ours_is_refused(name: str, value: str, code: str) -> None:
    assert refusal(list((a_form() | {name: value}).items())) == code


@pytest.mark.promises("S24")
def test_the_secret_of_somebody_else_does_not_sign() -> None:
    stranger = replace(KEYS, secret_key="another secret")
    assert refusal(list(a_form(credentials=stranger).items())) == "SignatureDoesNotMatch"


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "incoming/${filename}"),
        ("key", "originals/0193a5c7/1"),
        ("key", "incoming/../originals/a"),
        ("key", "incoming/a/b"),
        ("key", "incoming/a\n"),
        ("Content-Type", "image/png\r\nx: y"),
        ("Content-Type", ""),
        ("success_action_status", "204"),
        ("x-amz-checksum-algorithm", "CRC32"),
        ("x-amz-checksum-sha256", "AAAA"),
        ("x-amz-checksum-sha256", DIGEST.hex()),
        ("x-amz-checksum-sha256", b64encode(DIGEST).decode() + "\n"),
    ],
)
def test_even_our_own_signature_does_not_open_anything_else(name: str, value: str) -> None:
    assert refusal(with_value(name, value)) == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize("lost", ["content-length-range", "Content-Type", "x-amz-checksum-sha256", "key", "bucket"])
def test_a_policy_must_fix_everything(lost: str) -> None:
    fields = with_document(
        lambda document, conditions: document.update(conditions=[one for one in conditions if lost not in str(one)])
    )
    assert refusal(fields) == "AccessDenied"


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    "extra",
    [
        ["starts-with", "$key", "incoming/"], ["content-length-range", 0, 99], ["content-length-range", -1, 9], [],
        ["content-length-range", True, 9], ["content-length-range", 9, 1], ["content-length-range", "1", "9"], {}, None,
        {"key": "incoming/x"}, {"acl": "a", "b": "c"}, {"content-length-range": [1, 9]}, ["eq", "key", "incoming/x"], [[[]]],
        ["content-length-range", 1.5, 9], "x",
    ],
)  # fmt: skip
def test_a_condition_that_is_unknown_or_there_twice_spoils_the_policy(extra: object) -> None:
    assert refusal(with_document(lambda _, conditions: conditions.append(extra))) == "InvalidPolicyDocument"


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    "expiration",
    [
        "",
        "never",
        1,
        None,
        "2026-11-23",
        "2026-11-23T22:10:00+00:00",
        "2026-13-23T22:10:00Z",
        "\uff12026-11-23T22:10:00Z",
    ],
)
def test_a_policy_must_end(expiration: object) -> None:
    assert refusal(with_document(lambda document, _: document.update(expiration=expiration))) == "InvalidPolicyDocument"


@pytest.mark.promises("S24", "S52")
@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"expiration":"2026-11-23T22:10:00Z"}', "[" * 15000, '{"a":' * 2500, '"' * 15000, " " * 17000,
     '{"expiration":"2026-11-23T22:10:00Z","conditions":[],"conditions":[]}', b"\xff\xfe", "1" * 9000, "NaN",
     '{"expiration":"2026-11-23T22:10:00Z","conditions":[],"version":1}'],
)  # fmt: skip
def test_a_policy_that_is_no_policy_is_refused(text: str | bytes) -> None:
    assert refusal(with_text(text)) == "InvalidPolicyDocument"


@pytest.mark.promises("S24")
@pytest.mark.parametrize(
    "spoil", [lambda p: p + "\n", lambda p: "*" + p, lambda p: p.rstrip("=") + "=" * 5, lambda p: "é" + p]
)
def test_base64_is_read_strictly(spoil: Callable[[str], str]) -> None:
    form = a_form()
    assert refusal(signed_by_hand(form | {"policy": spoil(form["policy"])})) == "InvalidPolicyDocument"


@pytest.mark.promises("S24")
@given(name=st.sampled_from(sorted(a_form())), at=st.integers(0, 2000), put=st.characters(codec="utf-8"))
def test_one_other_character_anywhere_spoils_a_form(name: str, at: int, put: str) -> None:
    form = a_form()
    at %= len(form[name])
    if form[name][at] != put:
        refusal(list((form | {name: form[name][:at] + put + form[name][at + 1 :]}).items()))


@pytest.mark.promises("S65")
def test_a_secret_does_not_show_in_what_is_logged() -> None:
    assert KEYS.secret_key not in repr(KEYS)
    with pytest.raises(PolicyRefused) as caught:
        verify_form(KEYS, [("key", "<script>")], bucket="miraveja", now=NOW)
    assert "<script>" not in str(caught.value)
