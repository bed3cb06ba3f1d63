"""Proof that one of our own senders made an event POST, and made it just now (mode `hmac`).

Headers and signature are those of Standard Webhooks: `webhook-id` (the event id), `webhook-timestamp`
(Unix seconds) and `webhook-signature` (`v1,<base64>`, several parted by spaces). What is signed with
HMAC-SHA256 is

    id.timestamp.body                       structured mode: the body holds every attribute
    id.timestamp.body\\nce-type\\nce-id       any other: there the headers say what the body means

so a signed body cannot be sent again under another type or id, nor in the other mode: JSON never ends
in two lines without quotes. In binary mode `webhook-id` is the `ce-id`.
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from events.errors import EnvelopeError, ProofError
from events.strict import headers_once

WINDOW_S: Final = 300
MAX_KEYS: Final = 2
MIN_KEY_BYTES: Final = 24
MAX_SIGNATURES: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def sign(
    keys: Sequence[bytes], event_id: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """The three headers to add to a POST of `headers` and `body`; the first key signs."""
    seconds = str(int(now.timestamp()))
    message = _message(event_id, seconds, headers_once(headers), body)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": _signature(_checked(keys)[0], message),
    }


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The signed event id; ProofError when the proof is missing, malformed, wrong, or not of the last 300 s.

    Either of two active keys is good, so that a key can be changed without losing an event.
    """
    once = _once(headers)
    event_id = _field(once, "webhook-id", _ID)
    seconds = _field(once, "webhook-timestamp", _SECONDS)
    if abs(int(seconds) - now.timestamp()) > WINDOW_S:
        raise ProofError("signed too long ago, or in the future")
    if not _is_structured(once) and once.get("ce-id", event_id) != event_id:
        raise ProofError("webhook-id is not the id of the event")
    if not _matches(_checked(keys), _message(event_id, seconds, once, body), once.get("webhook-signature", "")):
        raise ProofError("no signature matches")
    return event_id


def _once(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        return headers_once(headers)
    except EnvelopeError as error:
        raise ProofError(error.reason) from None


def _checked(keys: Sequence[bytes]) -> Sequence[bytes]:
    # An empty key would let everybody sign.
    if not 1 <= len(keys) <= MAX_KEYS or any(len(key) < MIN_KEY_BYTES for key in keys):
        raise ValueError(f"one or two signing keys of at least {MIN_KEY_BYTES} bytes are needed")
    return keys


def _field(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not pattern.fullmatch(value):
        raise ProofError(f"{name} is missing or malformed")
    return value


def _is_structured(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").lower().startswith("application/cloudevents+json")


def _message(event_id: str, seconds: str, headers: Mapping[str, str], body: bytes) -> bytes:
    context = "" if _is_structured(headers) else f"\n{headers.get('ce-type', '')}\n{headers.get('ce-id', '')}"
    return f"{event_id}.{seconds}.".encode() + body + context.encode(errors="surrogatepass")


def _signature(key: bytes, message: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def _matches(keys: Sequence[bytes], message: bytes, header: str) -> bool:
    offered = [text.encode() for text in header.split(" ") if text.isascii()][:MAX_SIGNATURES]
    expected = [_signature(key, message).encode() for key in keys]
    # Every pair is compared, so that the time taken does not say which key is near.
    return sum(hmac.compare_digest(good, text) for good in expected for text in offered) > 0
