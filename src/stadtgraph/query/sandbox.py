"""What a query worker may do: read its store, compute, answer. No network, no programs, no files written.

Limits of the kernel (``setrlimit``) hold everywhere; on Linux on x86-64 and arm64 a seccomp filter forbids sockets,
starting programs and looking into other processes as well, without any privilege. On other systems only the limits
hold, and the operator keeps the process from the network (docs/operating.md).
"""

from __future__ import annotations

import ctypes
import errno
import platform
import resource
import signal
import struct
import sys
from typing import Final

_NO_NEW_PRIVS, _SECCOMP_MODE, _FILTER_FLAG_TSYNC = 38, 1, 1
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _RETURN, _AT_LEAST = 0x20, 0x15, 0x06, 0x35
# architecture: (AUDIT_ARCH, number of the system call `seccomp`, forbidden: socket, connect, accept, bind, listen,
# socketpair, sendto, accept4, execve, execveat, ptrace, process_vm_readv, process_vm_writev, fork, vfork, kill, tkill,
# unlink, unlinkat, rename, renameat, renameat2, mkdir, mkdirat, bpf, mount, chroot, io_uring_setup)
_SYSTEMS: Final = {
    "x86_64": (
        0xC000003E,
        317,
        (
            *(41, 42, 43, 49, 50, 53, 44, 288, 59, 322, 101, 310, 311, 57, 58, 62, 200),
            *(87, 263, 82, 264, 316, 83, 258, 321, 165, 161, 425),
        ),
    ),
    "aarch64": (
        0xC00000B7,
        277,
        (198, 203, 202, 200, 201, 199, 206, 242, 221, 281, 117, 270, 271, 129, 130, 35, 38, 276, 34, 280, 40, 51, 425),
    ),
}


def limit(memory: int) -> None:
    """Bound this process: ``memory`` bytes of address space, no core file, no byte written to a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for kind, bound in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, memory),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (allowed, allowed))


def close_doors() -> bool:
    """Forbid sockets, programs and foreign processes to every thread from now on; tell whether that was possible."""
    system = _SYSTEMS.get(platform.machine())
    if sys.platform != "linux" or system is None:
        return False
    architecture, call, forbidden = system
    program = _program(architecture, forbidden)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    fprog = struct.pack("=H6xQ" if struct.calcsize("P") == 8 else "=H2xI", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    filter_program = ctypes.create_string_buffer(fprog)
    return bool(libc.syscall(call, _SECCOMP_MODE, _FILTER_FLAG_TSYNC, filter_program) == 0)


def _program(architecture: int, forbidden: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Give the filter: another architecture or x32 ends the process, what is forbidden fails with EPERM.

    Source: https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html
    """
    checks = [(_EQUAL, len(forbidden) - i, 0, number) for i, number in enumerate(forbidden)]
    return [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 0, 1, 0x40000000),
        (_RETURN, 0, 0, _KILL),
        *checks,
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
