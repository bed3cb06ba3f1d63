"""What operators ask of a running gallery is done, or they are told why not."""

import asyncio

import pytest

from functions.core.errors import Conflict
from gateway.local import operator, process, wires
from tests.support.doors import Gallery
from tests.support.quick_disk import quick_folder


async def test_reconcile_beside_a_sweep_is_told_that_one_is_under_way(gallery: Gallery) -> None:
    with quick_folder() as folder:
        socket = folder / "o.sock"
        server = process.server(operator.application(gallery.door), uds=str(socket))
        serving = asyncio.create_task(server.serve())
        await server.up.wait()
        asked = b'{"dry_run": true, "force": false}'
        try:
            async with gallery.world.database.transaction() as other:
                await other.execute("SELECT pg_advisory_xact_lock(7155004)")
                with pytest.raises(Conflict, match="under way"):
                    await wires.call(socket, "/reconcile", asked)
            assert await wires.call(socket, "/reconcile", asked) == {"done": {}}
        finally:
            server.should_exit = True
            await serving
