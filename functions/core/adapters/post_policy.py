"""Presigned POST without an SDK: Signature V4 over a policy that fits exactly one object, made and checked here."""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import orjson

from functions.core.adapters.policy_document import RANGE, PolicyDocument, read_policy
from functions.core.ports import UploadForm

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SIGNED: Final = frozenset({
    "key", "Content-Type", "success_action_status", "x-amz-checksum-algorithm", "x-amz-checksum-sha256",
    "x-amz-algorithm", "x-amz-credential", "x-amz-date",
})  # fmt: skip
"""The fields that a policy must fix; with `policy` and `x-amz-signature` they are all that a form may hold."""

FIELDS: Final = SIGNED | {"policy", "x-amz-signature"}
LONGEST_LIFE: Final = timedelta(days=7)
CLOCK_SKEW: Final = timedelta(minutes=15)

_KEY: Final = re.compile(r"incoming/[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,60}")
_STAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key pair of the store and the region it signs for."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one form allows: exactly these bytes (`size` in bytes, raw sha256) at one key below `incoming/`."""

    bucket: str
    key: str
    content_type: str
    size: int
    sha256: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VerifiedForm:
    """What a genuine form allows; sizes in bytes, both ends included."""

    key: str
    content_type: str
    min_size: int
    max_size: int
    sha256: bytes


class PolicyRefused(Exception):
    """A form that was not signed by us for what it asks; `code` is S3's name for it, `message` echoes nothing."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def sign_form(credentials: Credentials, grant: Grant, *, url: str, now: datetime) -> UploadForm:
    """The form for one grant, to be posted to `url`; ValueError for a key outside `incoming/`."""
    if not _KEY.fullmatch(grant.key):
        raise ValueError(f"no form may write to {grant.key!r}")
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    fields = {
        "key": grant.key,
        "Content-Type": grant.content_type,
        "success_action_status": "201",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": b64encode(grant.sha256).decode(),
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{credentials.access_key}/{_scope(stamp, credentials.region)}",
        "x-amz-date": stamp,
    }
    policy = encode_policy(grant, fields)
    fields |= {"policy": policy, "x-amz-signature": signature(credentials, stamp, policy)}
    return UploadForm(url, fields, grant.expires_at)


def encode_policy(grant: Grant, fields: Mapping[str, str]) -> str:
    """The policy document in base64: every field exactly as it is, the bucket, and the one size."""
    expiration = grant.expires_at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    conditions: list[object] = [{"bucket": grant.bucket}, [RANGE, grant.size, grant.size]]
    conditions += [{name: value} for name, value in fields.items()]
    document = {"expiration": expiration, "conditions": conditions}
    return b64encode(orjson.dumps(document)).decode()


def signature(credentials: Credentials, stamp: str, policy: str) -> str:
    """Signature V4 of a policy as lower-case hex; `stamp` is the value of x-amz-date."""
    return _hmac(_day_key(credentials.secret_key, stamp[:8], credentials.region), policy).hex()


def verify_form(
    credentials: Credentials, fields: Sequence[tuple[str, str]], *, bucket: str, now: datetime
) -> VerifiedForm:
    """What the form allows; PolicyRefused unless we signed it, it has not expired, and it asks for just that."""
    given = _only_known(fields)
    _check_time(given["x-amz-date"], now)
    _check_signature(credentials, given)
    policy = _read(given["policy"], now)
    if policy.exact != {name: given[name] for name in SIGNED} | {"bucket": bucket}:
        raise PolicyRefused("AccessDenied", "The fields are not exactly what the policy allows")
    if policy.sizes is None or not _is_ours(given):
        raise PolicyRefused("AccessDenied", "The policy allows what no form of ours asks for")
    digest = _digest(given["x-amz-checksum-sha256"])
    return VerifiedForm(given["key"], given["Content-Type"], *policy.sizes, digest)


def _only_known(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    given = dict(fields)
    if len(given) != len(fields):
        raise PolicyRefused("AccessDenied", "A field is there more than once")
    # Other spellings of a known name count as unknown, so that nobody can read the form in two ways.
    if given.keys() - FIELDS:
        raise PolicyRefused("AccessDenied", "The form has fields that no policy of ours allows")
    if FIELDS - given.keys():
        raise PolicyRefused("AccessDenied", "The form lacks a field")
    return given


def _check_time(stamp: str, now: datetime) -> None:
    try:
        age = now - datetime.strptime(stamp if _STAMP.fullmatch(stamp) else "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise PolicyRefused("AccessDenied", "The form has no valid date") from None
    if not -CLOCK_SKEW <= age <= LONGEST_LIFE:
        raise PolicyRefused("AccessDenied", "The form was signed too long ago, or in the future")


def _check_signature(credentials: Credentials, given: Mapping[str, str]) -> None:
    stamp = given["x-amz-date"]
    access_key, _, scope = given["x-amz-credential"].partition("/")
    if given["x-amz-algorithm"] != ALGORITHM:
        raise PolicyRefused("AccessDenied", "The form is not signed with Signature V4")
    if not _same(access_key, credentials.access_key):
        raise PolicyRefused("InvalidAccessKeyId", "The access key is not known here")
    if not _same(scope, _scope(stamp, credentials.region)):
        raise PolicyRefused("AccessDenied", "The credential is for another day, region or service")
    if not _same(given["x-amz-signature"], signature(credentials, stamp, given["policy"])):
        raise PolicyRefused("SignatureDoesNotMatch", "The signature does not fit the policy")


def _read(policy: str, now: datetime) -> PolicyDocument:
    """The policy, which our own key has signed by now: strangers never reach the parser."""
    try:
        document = read_policy(policy)
    except ValueError:
        raise PolicyRefused("InvalidPolicyDocument", "The policy cannot be read") from None
    if now > document.expires_at:
        raise PolicyRefused("AccessDenied", "The form has expired")
    return document


def _is_ours(given: Mapping[str, str]) -> bool:
    return (
        _KEY.fullmatch(given["key"]) is not None
        and _TYPE.fullmatch(given["Content-Type"]) is not None
        and given["success_action_status"] == "201"
        and given["x-amz-checksum-algorithm"] == "SHA256"
    )


def _digest(text: str) -> bytes:
    try:
        digest = b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 32 or b64encode(digest).decode() != text:
        raise PolicyRefused("AccessDenied", "The checksum is not a SHA-256 in base64")
    return digest


def _scope(stamp: str, region: str) -> str:
    return f"{stamp[:8]}/{region}/s3/aws4_request"


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode())


@lru_cache(maxsize=8)
def _day_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(errors="surrogatepass"), "sha256")
