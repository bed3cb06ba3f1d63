"""The small warm process that forks one child per image: it holds the decoders, and nothing worth stealing.

Started by warm.py as `python -m functions.core.pictures.parent FD CPU_S WALL_S MEMORY_BYTES MAX_PIXELS`. Each byte
on FD brings one socket; its child reads the image from it and answers on it. A hang-up of that socket, or the wall
clock, kills the child; the end of FD ends everything.
"""

import codecs
import gc
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from io import BytesIO

from PIL import Image

from functions.core.pictures import child, work
from functions.core.pictures.decode import prepare
from functions.core.pictures.frames import THREADED
from functions.core.pictures.limits import Limits
from functions.core.pictures.sandbox import settle

_HANGUP = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Parent:
    """Children by process id, each with its socket and its deadline."""

    def __init__(self, control: socket.socket, limits: Limits) -> None:
        self._control, self._limits = control, limits
        self._jobs: dict[int, tuple[socket.socket, float]] = {}
        self._poll = select.poll()
        self._wakeups, wake = socket.socketpair()
        self._wakeups.settimeout(0)
        wake.settimeout(0)
        self._wake = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._wakeups, select.POLLIN)

    def serve(self) -> None:
        """Until the owner is gone."""
        while True:
            ready = dict(self._poll.poll(self._patience_ms()))
            if self._control.fileno() in ready and not self._take():
                break
            self._end_unwanted(ready)
            self._reap()
        for pid in self._jobs:
            os.kill(pid, signal.SIGKILL)

    def _take(self) -> bool:
        """Fork a child for the socket that came; False at the end of the control line."""
        byte, sockets, _, _ = socket.recv_fds(self._control, 1, 1)
        for descriptor in sockets:
            self._fork(socket.socket(fileno=descriptor), threads=byte == THREADED)
        return bool(byte)

    def _fork(self, job: socket.socket, *, threads: bool) -> None:
        me = os.getpid()
        pid = os.fork()
        if pid == 0:
            child.run(job, self._limits, me, threads=threads)
        self._jobs[pid] = (job, time.monotonic() + self._limits.wall_s)
        # Only hang-ups are asked for: the bytes on this socket belong to the child.
        self._poll.register(job, 0)

    def _end_unwanted(self, ready: dict[int, int]) -> None:
        now = time.monotonic()
        for pid, (job, deadline) in self._jobs.items():
            if ready.get(job.fileno(), 0) & _HANGUP or deadline <= now:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            while self._wakeups.recv(512):
                pass
        while self._jobs:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            job, _ = self._jobs.pop(pid)
            self._poll.unregister(job)
            job.close()

    def _patience_ms(self) -> int | None:
        """Until the next deadline; without children, until something comes."""
        if not self._jobs:
            return None
        return max(0, int((min(end for _, end in self._jobs.values()) - time.monotonic()) * 1000) + 1)


def warm_up() -> None:
    """Import now whatever decoders import late: children can open no file."""
    for form, content_type in (
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
    ):
        out, exif = BytesIO(), Image.Exif()
        exif[0x010F] = exif.get_ifd(0x8769)[0x9286] = "x"
        Image.new("RGB", (8, 8)).save(out, form, exif=exif)
        work.preview(out.getvalue(), content_type, Limits())
    for name in ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be"):
        codecs.lookup(name)


def main(arguments: list[str]) -> None:
    """Serve the control socket until its other end is closed."""
    descriptor, cpu_s, wall_s, memory_bytes, max_pixels = arguments
    limits = Limits(int(max_pixels), int(cpu_s), float(wall_s), int(memory_bytes))
    prepare(limits.max_pixels)
    warm_up()
    settle()
    gc.collect()
    gc.freeze()
    Parent(socket.socket(fileno=int(descriptor)), limits).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
