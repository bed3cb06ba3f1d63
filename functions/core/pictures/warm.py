"""Keeps the parent of decoding children alive: started at the first image, again when it died."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import functions
from functions.core.pictures.frames import PLAIN, THREADED
from functions.core.pictures.limits import Limits

_ROOT = Path(functions.__file__).resolve().parents[1]


class WarmParent:
    """One parent process; for one event loop at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._which = 0
        self.proven = False
        """Whether this parent has answered once; before that it may still be importing."""

    @property
    def pid(self) -> int | None:
        """The parent's process id, None when there is none yet."""
        return self._process.pid if self._process else None

    def submit(self, job: socket.socket, *, threads: bool) -> int:
        """Have a new child serve the other end of a socket pair; says which parent forks it, counted from 1."""
        control = self._control if self._control is not None and self.alive(self._which) else self._start()
        socket.send_fds(control, [THREADED if threads else PLAIN], [job.fileno()])
        return self._which

    def alive(self, which: int) -> bool:
        """False once that parent is gone, whether its end was awaited or not."""
        if self._control is None or which != self._which:
            return False
        try:
            return self._control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except ConnectionError:
            return False

    def kill(self) -> None:
        """End the parent and with it all children, now; the next job starts another."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> socket.socket:
        self.kill()
        ours, theirs = socket.socketpair()
        limits = self._limits
        numbers = (theirs.fileno(), limits.cpu_s, limits.wall_s, limits.memory_bytes, limits.max_pixels)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-m", "functions.core.pictures.parent", *map(str, numbers)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=_environment(),
            )
        self._control, self.proven, self._which = ours, False, self._which + 1
        return ours


def _environment() -> dict[str, str]:
    """Nothing of ours: no secret can leak from a process that never had it."""
    return {
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *(entry for entry in sys.path if entry)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # A new process pays for every page it touches first: huge ones halve what a child costs beyond its decode.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
