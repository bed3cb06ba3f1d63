"""Live updates as a client reads them: one after another, across lost connections, from where it was."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from gateway.client.errors import GalleryError
from gateway.client.request import NOT_OURS, Request, nothing
from gateway.contract import AssetStatus

STATUS: Final = "asset.status"
RESET: Final = "reset"
PAUSE_S: Final = 1.0
"""Between the end of a stream and the next one."""


@dataclass(frozen=True, slots=True)
class Update:
    """How an asset stands now, and where to go on from; `reset` says that too much was missed: read everything anew."""

    id: str
    asset: AssetStatus | None = None
    reset: bool = False


@dataclass(slots=True)
class _Told:
    """The fields of one event, as its lines come."""

    id: str = ""
    kind: str = ""
    data: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """One line; comments and unknown fields say nothing."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self.id = value
        elif name == "event":
            self.kind = value
        elif name == "data":
            self.data.append(value)

    def update(self) -> Update:
        """What it says; at least where the reader is."""
        if self.kind != STATUS:
            return Update(self.id, reset=self.kind == RESET)
        try:
            return Update(self.id, AssetStatus.model_validate_json("\n".join(self.data), extra="ignore"))
        except ValidationError:
            raise GalleryError(NOT_OURS) from None


def following(after: str) -> Request[None]:
    """Ask for what comes after an update."""
    return Request("GET", "/v1/events", nothing, headers={"Last-Event-ID": after} if after else {})


async def updates(lines: AsyncIterable[bytes]) -> AsyncIterator[Update]:
    """The updates of a stream of lines, until it ends."""
    told = _Told()
    async for raw in lines:
        if line := raw.decode(errors="replace").rstrip("\r\n"):
            told.take(line)
            continue
        yield told.update()
        told = _Told(id=told.id)
