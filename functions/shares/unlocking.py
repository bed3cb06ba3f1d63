"""What a visitor shows after the password was right: signed, bound to the link and to its password, good for a while."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from functions.core.signing import MOMENT, Keyring
from functions.shares.contract import UnlockOut

LIFETIME: Final = timedelta(minutes=30)
PURPOSE: Final = "unlocked share"


def unlocked(ring: Keyring, reach: UUID, now: datetime) -> UnlockOut:
    """The value for the header `Share-Unlock`: when it ends, the kid, the signature."""
    until = (now + LIFETIME).replace(microsecond=0)
    exp = str(int(until.timestamp()))
    kid, signature = ring.sign(PURPOSE, f"{reach} {exp}")
    return UnlockOut(value=f"{exp}.{kid}.{signature}", expires_at=until)


def opens(ring: Keyring, reach: UUID, value: str | None, now: datetime) -> bool:
    """Whether this was signed for this link with the password that it has now, and has not ended."""
    parts = (value or "").split(".")
    if len(parts) != 3 or not MOMENT.fullmatch(parts[0]) or int(parts[0]) <= now.timestamp():
        return False
    return ring.holds(PURPOSE, f"{reach} {parts[0]}", parts[1], parts[2])
