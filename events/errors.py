"""Why an event is refused; the reason is for logs and dead letters and never repeats what was sent."""


class EnvelopeError(ValueError):
    """Not an event as we write them: no retry can make it one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAccepted(EnvelopeError):
    """A type or a source that this receiver does not take: refused, not malformed."""


class ProofError(ValueError):
    """Nothing shows that one of our own senders sent this, or sent it just now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
