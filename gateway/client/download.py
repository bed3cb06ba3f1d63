"""Receives a large answer into a file that is either whole or not there."""

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path


async def receive(pieces: AsyncIterable[bytes], path: Path) -> None:
    """Write what comes beside `path`, and give it that name once it is whole; FileExistsError, OSError."""
    part = path.with_name(f"{path.name}.part")
    if await asyncio.to_thread(path.exists):
        raise FileExistsError(f"{path} is there already")
    file = await asyncio.to_thread(part.open, "xb")
    try:
        with file:
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
