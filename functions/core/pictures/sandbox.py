"""What a decoding child may still do when hostile code runs in it: compute, read one socket, write one socket."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from functions.core.pictures.limits import Limits
from functions.core.pictures.seccomp import only_threads

_LINUX: Final = sys.platform == "linux"
_NOBODY: Final = 1_893_000_017
"""A number of nobody's at all: the account `nobody` may run other servers, Postgres among them."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_CAPABILITY_VERSION: Final = 0x2008_0522
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_FILES: Final = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}
_LANDLOCK_FILES_NOW: Final = 0xFFFF
_LANDLOCK_NET, _LANDLOCK_SCOPES = 0x3, 0x3


@cache
def _libc() -> ctypes.CDLL:
    """The C library; asked for in the parent first, so that children have it already."""
    return ctypes.CDLL(None)


def settle() -> None:
    """What children may inherit as well: no network where the system grants it, no new rights, first out of memory."""
    if not _LINUX:
        return
    # When memory runs out the system should end these processes, not the gallery around them.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def confine(limits: Limits, parent: int, *, threads: bool) -> None:
    """Give up, for good, everything that decoding one image does not need; dies with `parent`."""
    _limit(limits, threads=threads)
    if _LINUX:
        libc = _libc()
        _become_nobody(libc)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        _close_files_and_signals(libc)
        only_threads(libc)
    # After this no file, socket or pipe can be opened; the one that is open stays usable.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    if os.getppid() != parent:
        os._exit(1)


def _limit(limits: Limits, *, threads: bool) -> None:
    """Kernel limits; NPROC holds for nobody and for other plain users, never for root, and counts threads too."""
    caps = {
        resource.RLIMIT_CPU: (limits.cpu_s, limits.cpu_s + 1),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    if _LINUX:
        caps[resource.RLIMIT_AS] = (limits.memory_bytes, limits.memory_bytes)
        caps[resource.RLIMIT_DATA] = (limits.data_bytes, limits.data_bytes)
        if not threads:
            caps[resource.RLIMIT_NPROC] = (0, 0)
    for name, cap in caps.items():
        resource.setrlimit(name, cap)


def _become_nobody(libc: ctypes.CDLL) -> None:
    if os.geteuid() == 0:
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def _close_files_and_signals(libc: ctypes.CDLL) -> None:
    """Landlock with every right handled and none granted: no path can be opened, executed, connected or signalled."""
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return
    rules = (ctypes.c_uint64 * 3)(
        _LANDLOCK_FILES.get(version, _LANDLOCK_FILES_NOW),
        _LANDLOCK_NET if version >= 4 else 0,
        _LANDLOCK_SCOPES if version >= 6 else 0,
    )
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset >= 0:
        libc.syscall(_LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0))
        os.close(ruleset)
