"""One image, one process: read the request, decode, answer, end."""

import gc
import os
import signal
import socket
from collections.abc import Sequence
from typing import BinaryIO

from functions.core.errors import DecodeLimit, MiraVejaError
from functions.core.pictures import answers, frames, work
from functions.core.pictures.limits import Limits
from functions.core.pictures.sandbox import confine

_JOB = 3


def run(job: socket.socket, limits: Limits, parent: int, *, threads: bool) -> None:
    """Never returns: the process ends with the answer, or without one when a limit was faster."""
    try:
        os.dup2(job.fileno(), _JOB)
        _forget_everything_else()
        confine(limits, parent, threads=threads)
        with socket.socket(fileno=_JOB) as line, line.makefile("rb") as requests:
            for part in _answer(requests, limits):
                line.sendall(part)
    finally:
        os._exit(0)


def _forget_everything_else() -> None:
    """No descriptor of the parent but the job, no handler, no garbage collection: the process lives for a moment."""
    gc.disable()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(0, 2)
    os.closerange(_JOB + 1, min(4096, os.sysconf("SC_OPEN_MAX")))


def _answer(requests: BinaryIO, limits: Limits) -> Sequence[bytes]:
    try:
        head = frames.parse_head(requests.read(frames.head_size(requests.read(frames.LENGTH_BYTES))))
        data = requests.read(int(str(head["bytes"])))
        return _done(str(head["do"]), data, str(head["type"]), limits)
    except MiraVejaError as error:
        return frames.frame(answers.of_error(error))
    except MemoryError:
        return frames.frame(answers.of_error(DecodeLimit()))
    except Exception as error:  # noqa: BLE001 - our own mistake: it must reach the log, not pass for the owner's
        return frames.frame({"error": type(error).__name__, "detail": str(error)[:200]})


def _done(do: str, data: bytes, content_type: str, limits: Limits) -> Sequence[bytes]:
    if do == "query":
        return frames.frame({}, [work.query(data, content_type, limits)])
    return frames.frame(*answers.of_preview(work.preview(data, content_type, limits)))
