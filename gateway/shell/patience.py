"""How long a request's body may take to arrive: silence and drops end it, slow lines do not."""

import asyncio
import time
from typing import Final

from starlette.types import Message, Receive

from functions.core.errors import TooSlow

SILENCE_S: Final = 10.0
GRACE_S: Final = 30.0
LEAST_BYTES_S: Final = 8 * 1024
"""What a body must come at on average, once the grace is used up."""


def patient(receive: Receive, silence_s: float = SILENCE_S, grace_s: float = GRACE_S) -> Receive:
    """The same messages; TooSlow when the next does not come in time. Only waiting counts, never our own work."""
    waited = 0.0
    taken = 0
    whole = False

    async def next_message() -> Message:
        nonlocal waited, taken, whole
        if whole:
            return await receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(silence_s, grace_s + taken / LEAST_BYTES_S - waited)):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        waited += time.monotonic() - began
        taken += len(message.get("body", b""))
        whole = not message.get("more_body")
        return message

    return next_message
