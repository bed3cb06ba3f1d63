"""What moderators, owners and reporters say, and what they are told."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from functions.core.catalog.contract import AssetOut
from functions.core.contract import Note, Time, Wire
from functions.core.reasons import Reason

Kind = Literal["sha256", "phash"]
DIGITS = {"sha256": 64, "phash": 16}
"""Hexadecimal digits of each kind of hash."""


class PersonOut(Wire):
    """Somebody, by id and handle."""

    id: UUID
    handle: str


class Decide(Wire):
    """A decision; hiding a picture needs a reason, `note` is for moderators only."""

    decision: Literal["approve", "reject", "restrict", "undo"]
    reason: Reason | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.decision in ("reject", "restrict") and self.reason is None:
            raise ValueError("hiding a picture needs a reason")
        return self


class Report(Wire):
    """What somebody thinks is wrong with a picture."""

    reason: Reason
    note: Note = ""


class Appeal(Wire):
    """Why an owner thinks that a decision is wrong."""

    note: Note


class ReportOut(Wire):
    """A report; who made it is for moderators and for themselves."""

    reason: Reason
    note: str
    created_at: Time
    reporter: PersonOut | None = None


class AppealOut(Wire):
    """An owner's appeal against one decision."""

    note: str
    created_at: Time


class DecisionOut(Wire):
    """One verdict of the past; `note` and `moderator` are for moderators only.

    `self` says that a moderator decided on a picture of their own; `scores` are the machine's, 0 to 1 by concept.
    """

    decision: str
    by: Literal["machine", "person"]
    before: str
    after: str
    reason: str | None
    reason_text: str | None
    note: str | None
    scores: dict[str, float] | None
    own: Annotated[bool, Field(alias="self")]
    moderator: PersonOut | None
    appeal: AppealOut | None
    created_at: Time


class CaseOut(Wire):
    """A picture, what people say of it, and what was decided, newest first.

    Open reports are for moderators only. `leasedUntil`: until when it is kept for the asking moderator.
    `appealUntil`: until when its owner may appeal against the last decision; null where there is nothing to appeal.
    """

    asset: AssetOut
    reports: list[ReportOut] | None
    appeal: AppealOut | None
    history: list[DecisionOut]
    leased_until: Time | None
    appeal_until: Time | None


class QueueOut(Wire):
    """What the asking moderator has to look at now, most reported first, then oldest."""

    items: list[CaseOut]


class ListBlocks(Wire):
    """A page of what is blocked, newest first."""

    kind: Kind | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str, Field(max_length=1024)] | None = None


class Block(Wire):
    """A hash to block, as lower-case hex (64 digits of sha256, 16 of phash), or that of an asset."""

    kind: Kind
    value: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")] | None = None
    asset_id: UUID | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.value is None) == (self.asset_id is None):
            raise ValueError("either value or assetId")
        if self.value is not None and len(self.value) != DIGITS[self.kind]:
            raise ValueError(f"a {self.kind} has {DIGITS[self.kind]} hexadecimal digits")
        return self


class BlockOut(Wire):
    """A blocked hash."""

    kind: Kind
    value: str
    note: str
    added_at: Time


class BlocksOut(Wire):
    """A page of blocked hashes; without `nextCursor` it is the last one."""

    items: list[BlockOut]
    next_cursor: str | None


class BlockedOut(BlockOut):
    """What was blocked, and how many pictures were rejected for it; with `more`, the same request rejects others."""

    applied: int
    more: bool
