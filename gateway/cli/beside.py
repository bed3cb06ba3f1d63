"""Runs something beside the supervisor, whose own thread must stay free to mend and to stop."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Final

JOIN_S: Final = 2.0


@contextmanager
def beside(job: Coroutine[None, None, None]) -> Iterator[None]:
    """The job in a thread with a loop of its own, cancelled when the block ends."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(job)
    thread = threading.Thread(target=_run, args=(loop, task), daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the loop is closed: the job is done
            loop.call_soon_threadsafe(task.cancel)
        thread.join(JOIN_S)


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
