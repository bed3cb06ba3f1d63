"""/.well-known/security.txt: whom to tell of a weakness (RFC 9116)."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from functions.core.errors import NotFound
from functions.core.settings import Settings
from functions.core.times import utcnow
from gateway.door import TheDoor

router = APIRouter()
GOOD_FOR: Final = timedelta(days=180)


@router.get("/.well-known/security.txt", name="securityText", include_in_schema=False)
async def security_text(here: TheDoor) -> PlainTextResponse:
    """The contact of this gallery's operator; 404 where none is set."""
    if not here.settings.security_contact:
        raise NotFound
    return PlainTextResponse(_text(here.settings, utcnow()))


def _text(said: Settings, now: datetime) -> str:
    """A running gallery's contact holds, so its end moves on, a day at a time."""
    expires = (now + GOOD_FOR).strftime("%Y-%m-%dT00:00:00Z")
    fields = {"Contact": said.security_contact, "Expires": expires, "Preferred-Languages": "en",
              "Canonical": f"{said.address}/.well-known/security.txt"}  # fmt: skip
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
