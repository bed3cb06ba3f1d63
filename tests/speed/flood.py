"""`python -m tests.speed.flood URL TOKEN`: fifty connections that search without a pause, until this process is ended."""

import asyncio
import itertools
import sys
from typing import Final

import aiohttp

CONNECTIONS: Final = 50


async def flood(url: str, token: str) -> None:
    """Never twice the same words, so that none is remembered; what is answered does not matter."""
    numbers = itertools.count()
    headers = {"Authorization": f"Bearer {token}"}

    async def again(session: aiohttp.ClientSession) -> None:
        while True:
            try:
                async with session.get(f"{url}/v1/search", params={"q": f"flood {next(numbers)}"}) as answer:
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*[again(session) for _ in range(CONNECTIONS)])


if __name__ == "__main__":
    asyncio.run(flood(*sys.argv[1:]))
