"""Our own processes talking over Unix sockets in the data folder: errors arrive as what they were."""

import json
from pathlib import Path
from typing import Any, Final

import aiohttp
from starlette.requests import Request
from starlette.responses import JSONResponse

from functions.core import errors
from functions.core.settings import Settings
from functions.core.sockets import socket_folder

LONGEST_S: Final = 5.0


def operator(settings: Settings) -> Path:
    """Where the answering process takes the operator's commands; only its own user can reach it."""
    return socket_folder(settings.data_dir.resolve() / "sockets") / "answer.sock"


async def call(socket: Path, path: str, body: bytes = b"", timeout_s: float | None = LONGEST_S) -> dict[str, Any]:
    """POST to a process of ours; its errors are raised here, Unavailable when it does not answer in time."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket)), timeout=timeout) as session,
            session.post(f"http://local{path}", data=body) as answer,
        ):
            said: dict[str, Any] = json.loads(await answer.read())
            if answer.status == 200:
                return said
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise errors.Unavailable("a process of the gallery does not answer", part=socket.stem, retry_after=2) from error
    raise kinds().get(said["code"], errors.MiraVejaError)(said["detail"], **said["facts"])


def told(error: errors.MiraVejaError) -> JSONResponse:
    """An error on its way to the calling process."""
    facts = {name: fact for name, fact in error.facts.items() if isinstance(fact, str | int | float | bool)}
    return JSONResponse({"code": error.code(), "detail": error.detail, "facts": facts}, 500)


async def on_error(_request: Request, error: Exception) -> JSONResponse:
    """For Starlette's table of handlers."""
    return told(error if isinstance(error, errors.MiraVejaError) else errors.MiraVejaError())


def kinds() -> dict[str, type[errors.MiraVejaError]]:
    """Every error by its code."""
    found = [errors.MiraVejaError]
    for kind in found:
        found += kind.__subclasses__()
    return {kind.code(): kind for kind in found}
