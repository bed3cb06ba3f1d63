"""What an event function answers: the only place that knows which outcome is which status (never 404 or 503)."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from events.envelope import Event


class Outcome(Enum):
    """How one delivery of one event to one step ended."""

    DONE = "done"
    GONE = "gone"
    BUSY = "busy"
    EARLY = "early"
    MALFORMED = "malformed"
    FORGED = "forged"
    DEAD = "dead"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


STATUS: Final = {
    Outcome.DONE: 200,
    Outcome.GONE: 204,
    Outcome.BUSY: 409,
    Outcome.EARLY: 409,
    Outcome.MALFORMED: 400,
    Outcome.FORGED: 401,
    Outcome.DEAD: 400,
    Outcome.FAILED: 500,
    Outcome.UNAVAILABLE: 500,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, the reply that travels on, or the code of what went wrong."""

    outcome: Outcome
    reply: Event | None = None
    error: str = ""

    @property
    def status(self) -> int:
        """200 with a CloudEvent, 204 without, or the table's word."""
        return 204 if self.outcome is Outcome.DONE and self.reply is None else STATUS[self.outcome]
