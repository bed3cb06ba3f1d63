"""Tells a loop that it was told to stop, also where the telling was lost on the way."""

import asyncio


def told_to_stop() -> bool:
    """Whether the running task was cancelled and has not ended yet.

    The `wait_for` of Python 3.11 swallows a cancellation that meets the end of its wait (bpo-37658), and a pool of
    connections waits with it: a loop that only waits for the exception may go on for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
