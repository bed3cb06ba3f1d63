"""The problems that each route may answer: what comes with every request, with what it takes, and with its own work."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from functions.core import errors, problem

ALWAYS: Final = (400, 414, 421, 429, 431, 503)
"""Host and size of the head, the crowd, a dependency that is down."""
WITH_A_BODY: Final = (408, 413)
KNOWN: Final = (401, 403)
REVISED: Final = (412, 428)
"""What `If-Match` guards."""
OWN_PAGE: Final = (errors.Unauthenticated, errors.Forbidden, errors.NotFound)
OWN: Final[dict[str, tuple[type[errors.MiraVejaError], ...]]] = {
    "listAssets": (errors.NotFound,),
    "changeAssets": (errors.NotFound, errors.Conflict),
    "retryAsset": (errors.Conflict,),
    "restoreAsset": (errors.Conflict,),
    "presignUpload": (errors.Conflict,),
    "completeUpload": (errors.Conflict, errors.Gone),
    "search": (errors.NotFound, errors.Gone),
    "searchWeighted": (errors.NotFound, errors.Gone),
    "createQueryImage": (errors.Rejected,),
    "listCollections": (errors.NotFound,),
    "createCollection": (errors.Conflict,),
    "addItems": (errors.Conflict,),
    "createShare": (errors.NotFound, errors.Conflict),
    "readShare": (errors.Forbidden,),
    "unlockShare": (errors.Forbidden,),
    "changeMe": (errors.Conflict,),
    "createKey": (errors.Conflict,),
    "invite": (errors.NotFound,),
    "decideModeration": (errors.Conflict,),
    "reportAsset": (errors.Conflict,),
    "appealAsset": (errors.Conflict,),
    "addBlock": (errors.NotFound, errors.Conflict),
    "readMedia": (errors.Forbidden,),
    "startSession": (errors.Gone,),
    "sessionToken": OWN_PAGE,
    "endSession": OWN_PAGE,
}
"""By the names of routes: what only their own work runs into."""


def responses(operation: Mapping[str, Any], *, changes: bool, repeatable: bool) -> dict[str, Any]:
    """What an operation refuses, as references; `changes` unless it only reads, `repeatable` with an Idempotency-Key."""
    found = {*ALWAYS, *_taken(operation)} | set(KNOWN if operation["security"] else ())
    found |= {problem.status(kind) for kind in OWN.get(operation["operationId"], ())}
    found |= set(WITH_A_BODY if changes else ()) | ({409, 422} if repeatable else set())
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(found)}


def every() -> dict[str, Any]:
    """What the references lead to: one problem per status."""
    content = {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    numbers = {*ALWAYS, *WITH_A_BODY, *KNOWN, *REVISED, *problem.STATUS.values()} - {500}
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(numbers)}


def _taken(operation: Mapping[str, Any]) -> Iterator[int]:
    """What can be wrong with parameters and body."""
    names = {(each["in"], each["name"].lower()) for each in operation.get("parameters", ())}
    if names or "requestBody" in operation:
        yield 422
    if any(place == "path" for place, _ in names):
        yield 404
    if ("header", "if-match") in names:
        yield from REVISED
