"""Whether the process lives, and whether what it needs answers."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from functions.core.errors import MiraVejaError, Unavailable
from functions.core.identity.keys import JwksKeys
from gateway.door import Door, TheDoor

router = APIRouter()
CHECKED_FOR_S: Final = 1.0


@router.get("/livez", name="live", tags=["health"], response_class=Response)
async def live() -> Response:
    """The process runs."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", name="ready", tags=["health"], response_class=JSONResponse)
async def ready(here: TheDoor) -> JSONResponse:
    """Everything needed answers; a problem with the list of what does not."""
    down = list(await _down(here))
    if down:
        raise Unavailable(f"not ready: {', '.join(down)}", ready=False, down=down)
    return JSONResponse({"ready": True, "down": []})


async def _down(here: Door) -> tuple[str, ...]:
    """The parts that do not answer, asked once a second at most."""
    if here.health.until <= time.monotonic():
        checks = {"database": _database, "objects": _objects, "identity": _identity}
        here.health.down = tuple([name for name, check in checks.items() if not await _answers(here, check)])
        here.health.until = time.monotonic() + CHECKED_FOR_S
    return here.health.down


async def _answers(here: Door, check: Callable[[Door], Awaitable[None]]) -> bool:
    try:
        await check(here)
    except MiraVejaError:
        return False
    return True


async def _database(here: Door) -> None:
    async with here.world.database.transaction() as tx:
        await tx.execute("SELECT 1")


async def _objects(here: Door) -> None:
    await here.world.ports.objects.check()


async def _identity(here: Door) -> None:
    """Without a single key nobody could be let in."""
    if isinstance(here.verifier.keys, JwksKeys):
        here.verifier.keys.check()
