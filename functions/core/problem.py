"""Errors as RFC 9457 problem details: the one place where an error meets an HTTP status at the door."""

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
