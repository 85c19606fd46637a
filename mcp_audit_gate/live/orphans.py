"""Processes that left their server's group: on Linux they become ours, and are ended when all servers are."""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

SWEEP_S = 2.0
_SET, _GET = 36, 37  # PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER of linux/prctl.h


class Orphans:
    """While entered, this process inherits what servers leave behind (a double fork with setsid); on leaving, it is killed.

    Children that were there before are spared. Elsewhere than on Linux it does nothing: there the guarantee is the process group.
    """

    def __init__(self) -> None:
        self._libc: Any = None
        self._before = 0
        self._spared: set[int] = set()

    def __enter__(self) -> Orphans:
        if sys.platform == "linux":
            import ctypes

            libc = ctypes.CDLL(None)
            was = ctypes.c_int()
            if libc.prctl(_GET, ctypes.byref(was), 0, 0, 0) == 0 and libc.prctl(_SET, 1, 0, 0, 0) == 0:
                self._libc, self._before = libc, was.value
                self._spared = set(children())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._libc is not None:
            sweep(self._spared)
            self._libc.prctl(_SET, self._before, 0, 0, 0)


def sweep(spared: set[int]) -> None:
    """Kills and reaps every child but those spared, until none is left; their own children become ours in turn."""
    until = time.monotonic() + SWEEP_S
    while time.monotonic() < until:
        found = [pid for pid in children() if pid not in spared]
        if not found:
            return
        for pid in found:
            _end(pid)
        time.sleep(0.005)


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, os.WNOHANG)
    except (ProcessLookupError, ChildProcessError):  # ended, or reaped, meanwhile
        return


def children() -> list[int]:
    """The processes whose parent this process is (Linux)."""
    me = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent(name) == me]


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):  # ended meanwhile
        return None
