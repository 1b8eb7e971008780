"""Become a server: drop root, ask the kernel for a signal when the parent dies, then exec.

Run as a script, never imported:

    python -I -S launch.py UID GID SIGNAL PARENT PROGRAM [ARGUMENT...]

A program of its own instead of `preexec_fn`, which may deadlock in a process with threads. UID -1 keeps the user.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    uid, gid, death_signal, parent = (int(argument) for argument in sys.argv[1:5])
    program = sys.argv[5:]
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    # Only now: the kernel forgets the death signal when the user changes.
    if libc is not None and libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent died before the server was started")
    try:
        os.execv(program[0], program)  # noqa: S606
    except OSError as error:
        sys.exit(f"{program[0]} cannot be run: {error.strerror}")


main()
