"""A server that answers as it was told, one answer after the other: for the weather between a client and a gallery."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[], web.Response]


class Script:
    """The answers to come; the last one is repeated. `asked` holds method and path of each request,
    `keys` the idempotency keys that came with them."""

    def __init__(self, *answers: Answer | None) -> None:
        self.answers, self.asked, self.keys = list(answers), list[str](), list[str]()
        self.url = ""
        self._more = asyncio.Condition()

    async def reached(self, many: int) -> None:
        """Wait until so many requests have come."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.asked) >= many)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self.asked.append(f"{request.method} {request.path}")
        self.keys += request.headers.getall("Idempotency-Key", [])
        async with self._more:
            self._more.notify_all()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            assert request.transport
            request.transport.abort()
            return web.Response()
        return answer()


def said(body: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; header names are written with underscores."""
    return lambda: web.json_response(body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


@asynccontextmanager
async def scripted(*answers: Answer | None) -> AsyncIterator[Script]:
    """A server with that script; None drops the connection."""
    script = Script(*answers)
    runner = web.ServerRunner(web.Server(script))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield script
    finally:
        await runner.cleanup()
