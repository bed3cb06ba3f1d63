"""ETags over revisions: told with what may be edited, asked for with each change of it."""

from typing import Annotated

from fastapi import Header, Response

from functions.core.errors import Invalid, PreconditionRequired

IfMatch = Annotated[str | None, Header()]


def tell(response: Response, revision: int) -> None:
    """Send the revision along."""
    response.headers["ETag"] = f'"{revision}"'


def revision(if_match: str | None) -> int:
    """The revision that a change is made from; raises PreconditionRequired without one."""
    if if_match is None:
        raise PreconditionRequired("send If-Match with the ETag that you have seen")
    digits = if_match.strip().removeprefix('"').removesuffix('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise Invalid("If-Match is not an ETag of ours")
    return int(digits)
