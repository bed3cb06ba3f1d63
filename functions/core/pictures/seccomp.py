"""A system call filter: threads may be started, processes and programs may not; HEIC needs the first to decode."""

import ctypes
import os
import struct
from typing import Final

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _REFUSE, _UNKNOWN = 0x7FFF_0000, 0x8000_0000, 0x0005_0001, 0x0005_0026
_CLONE_THREAD: Final = 0x1_0000
_X32: Final = 0x4000_0000
_CLONE3: Final = 435

_MACHINES: Final = {
    "x86_64": (0xC000_003E, 56, (57, 58, 59, 322)),
    "aarch64": (0xC000_00B7, 220, (221, 281)),
}
"""Machine -> audit architecture, clone, and fork, vfork, execve, execveat as far as it has them."""


def only_threads(libc: ctypes.CDLL) -> None:
    """From now on this process starts no other and runs no other program; without effect on other machines."""
    known = _MACHINES.get(os.uname().machine)
    if known is None:
        return
    steps = b"".join(struct.pack("HBBI", *step) for step in _program(*known))
    buffer = ctypes.create_string_buffer(steps)
    program = struct.pack("HP", len(steps) // 8, ctypes.addressof(buffer))
    libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0)


def _program(architecture: int, clone: int, refused: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Steps of (code, jump if true, jump if false, operand); a jump skips so many steps."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        # The C library falls back to clone, whose flags a filter can read.
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _UNKNOWN),
    ]
    for number in refused:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    return [
        *steps,
        (_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
