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
MOST_SAVED_S: Final = 60.0
"""What a body that came faster may wait later: who sends quickly and then hardly at all is no slow line."""


def patient(receive: Receive, silence_s: float = SILENCE_S, grace_s: float = GRACE_S) -> Receive:
    """The same messages; TooSlow when the next does not come in time. Only waiting counts, never our own work."""
    left = grace_s
    whole = False

    async def next_message() -> Message:
        nonlocal left, whole
        if whole:
            return await receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(silence_s, left)):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        earned = len(message.get("body", b"")) / LEAST_BYTES_S
        left = min(left + earned - (time.monotonic() - began), MOST_SAVED_S)
        whole = not message.get("more_body")
        return message

    return next_message
