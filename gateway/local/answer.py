"""The embedded process that answers: the gateway, the store, the index, the quick groups and housekeeping."""

import asyncio
import json
from functools import partial
from typing import Final

from events import minio
from functions.core import traces
from functions.core.adapters.objects_folder import FolderObjects
from functions.core.errors import Unavailable
from functions.core.identity.keys import JwksKeys
from functions.core.model import BUCKET
from functions.core.postgres import log
from functions.core.runtime.run import World
from functions.core.runtime.runner import Runner
from functions.core.settings import Settings
from functions.core.tx import Database
from functions.core.wire import Wired, media_keys, open_world, trace
from functions.housekeeping.relay import keep_relaying
from functions.housekeeping.sweep import keep_sweeping
from functions.leaving.farewell import keep_erasing
from gateway.app import create_app
from gateway.auth import verifier
from gateway.door import Callers, Door
from gateway.local import operator, process, wires, work
from gateway.local.accounts import Accounts
from gateway.local.identity import LocalIdentity
from gateway.local.operators import index
from gateway.local.steps import ANSWERS, STEPS
from gateway.local.store import store_routes

SLOTS: Final = 8


async def main(settings: Settings) -> None:
    """Answer until cancelled."""
    process.start_log(settings, "answer")
    trace("answer")
    world = await open_world(settings, lease_s=process.lease_s(), wall_s=process.wall_s())
    try:
        await _serve(settings, world)
    finally:
        if isinstance(world.ports, Wired):
            await world.ports.close()
        await world.database.close()
        traces.stop()


async def _serve(settings: Settings, world: World) -> None:
    here = door(settings, world)
    if here.accounts:
        await here.accounts.owner()
    objects = world.ports.objects
    more = store_routes(objects, partial(notify, world.database)) if isinstance(objects, FolderObjects) else []
    web = process.server(create_app(here, more), host=settings.host, port=settings.port)
    operators = process.server(operator.application(here), uds=str(wires.operator(settings)))
    await world.ports.embedding.warm()
    await _open_index(world)
    async with asyncio.TaskGroup() as group:
        for job in (
            web.serve(), operators.serve(), Runner(world, STEPS, list(ANSWERS), slots=SLOTS).run(),
            keep_relaying(world.database), here.live.keep_listening(world.database), keep_erasing(world),
            keep_sweeping(world, settings.trash_days),
            index.keep_fit(world), _ready(web),
        ):  # fmt: skip
            group.create_task(job)
        if isinstance(here.verifier.keys, JwksKeys):
            group.create_task(here.verifier.keys.keep_fresh())


async def _open_index(world: World) -> None:
    """The index has one owner: a process that was told to end a moment ago may be about to let go of it."""
    for _ in range(50):
        try:
            await world.ports.vectors.count()
        except Unavailable:
            await asyncio.sleep(0.2)
        else:
            return
    await world.ports.vectors.count()


def door(settings: Settings, world: World) -> Door:
    """The parts of this gallery's gateway."""
    identity = LocalIdentity(settings.data_dir / "secrets")
    local = settings.identity_url == "local:"
    return Door(
        settings=settings, world=world, verifier=verifier(settings, identity), media=media_keys(settings),
        others={"work": partial(work.counted, settings)}, embed_query=partial(work.embed_query, settings), callers=Callers(world),
        accounts=Accounts(world.database, identity) if local else None,
    )  # fmt: skip


async def notify(database: Database, body: bytes) -> None:
    """Put the store's notification into the event log, as a bucket's own would come."""
    under = traces.current()
    told = {"raw": json.loads(body)} | ({"traceparent": under} if under else {})
    async with database.transaction() as tx:
        for fact in minio.arrived(body, bucket=BUCKET):
            await log.append(tx, "storage.events", fact.key, told)


async def _ready(web: process.Server) -> None:
    await web.up.wait()
    process.say_ready()


if __name__ == "__main__":
    process.run(main(Settings.load()))
