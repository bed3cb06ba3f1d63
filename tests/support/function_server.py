"""One function in a process of its own, served as it is deployed: functions-framework's application on uvicorn."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.runs import until

ROOT = Path(__file__).parents[2]
SERVE = """
import sys, uvicorn
from functions_framework.aio import create_asgi_app
step, port = sys.argv[1], int(sys.argv[2])
uvicorn.run(create_asgi_app(step, f"functions/{step}/main.py"), port=port, log_level="warning", lifespan="off")
"""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Function:
    """Where it answers."""

    url: str
    session: aiohttp.ClientSession

    async def send(self, method: str = "POST", path: str = "/", **what: Any) -> Reply:
        async with self.session.request(method, self.url + path, **what) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def answers(self) -> bool:
        try:
            return (await self.send("GET", "/_/health")).status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def a_function(step: str, environment: Mapping[str, str]) -> AsyncIterator[Function]:
    """Served until the body ends, with this environment and no other."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port = tried.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, step, str(port), cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}
    )
    try:
        async with aiohttp.ClientSession() as session:
            function = Function(f"http://127.0.0.1:{port}", session)
            await until(function.answers)
            yield function
    finally:
        process.kill()
        await process.wait()
