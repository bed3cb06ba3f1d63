"""Errors as RFC 9457 problem details: the one place where an error meets an HTTP status at the door."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.alias_generators import to_camel

from functions.core import errors

MEDIA_TYPE: Final = "application/problem+json"
DOCS: Final = "https://miraveja.org/problems/"

STATUS: Final[dict[type[errors.MiraVejaError], int]] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.Rejected: 422,
    errors.PreconditionRequired: 428,
    errors.Limited: 429,
    errors.Unavailable: 503,
    errors.MiraVejaError: 500,
}
NARROWER: Final[Mapping[str, tuple[int, str]]] = {
    "invalid_token": (401, "The token or key does not hold: it is wrong, too old, or taken back"),
    "insufficient_scope": (403, "This token or key may not do this"),
    "wrong_password": (403, "That is not the password of this link"),
    "leased": (409, "Another moderator looks at this one, until `leasedUntil`"),
    "plain_picture": (422, "A picture of one colour looks like too many others to be blocked by its looks"),
    "invalid_cursor": (400, "The cursor belongs to another list"),
    "idempotency_refused": (422, "This route tells a secret once and keeps no answers: leave the Idempotency-Key out"),
    "headers_too_large": (431, "The headers are too large or too many"),
    "query_too_large": (414, "The query is too long"),
    "path_too_large": (414, "The path is too long"),
    "method_not_allowed": (405, "The address knows no such method; `Allow` names those it does"),
    "misdirected_request": (421, "The Host is not the address of this gallery"),
    "internal_error": (500, "Something went wrong on our side: quote the `requestId`"),
}
"""What a refusal calls itself where its class would say too little: the status, and what it means."""
RETRY_AFTER_S: Final = 5


def status(kind: type[errors.MiraVejaError]) -> int:
    """The status of the nearest ancestor that has one."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def describe(error: errors.MiraVejaError, request_id: str) -> dict[str, Any]:
    """Build the body; extra facts become members, so clients never parse prose."""
    code = str(error.facts.get("code", error.code()))
    return {to_camel(name): value for name, value in error.facts.items() if name != "code"} | {
        "type": DOCS + code,
        "title": error.title,
        "status": status(type(error)),
        "code": code,
        "detail": error.detail,
        "requestId": request_id,
    }


def headers(error: errors.MiraVejaError) -> dict[str, str]:
    """What the status asks for besides a body: how to sign in, or when to come back."""
    match status(type(error)):
        case 401:
            return {"WWW-Authenticate": 'Bearer error="invalid_token"' if "code" in error.facts else "Bearer"}
        case 429 | 503:
            return {"Retry-After": str(error.facts.get("retry_after", RETRY_AFTER_S))}
    return {"Retry-After": str(error.facts["retry_after"])} if "retry_after" in error.facts else {}
