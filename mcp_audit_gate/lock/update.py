"""New pins into the lockfile: which records they replace, and the file changed whole, or not at all, whoever else writes at the same time."""

from __future__ import annotations

import contextlib
import os

from mcp_audit_gate.atomic import put
from mcp_audit_gate.errors import Unreadable, UsageError
from mcp_audit_gate.lock.lockfile import MAX_BYTES, read, write
from mcp_audit_gate.lock.match import key
from mcp_audit_gate.sources.discover import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcp_audit_gate.model import Pin

WAIT_S = 30.0


class Exchanged(Exception):  # noqa: N818 - a state of the file
    """The lockfile is not the one any more that was read."""


def replaced(pins: Iterable[Pin], new: Iterable[Pin], used: Iterable[tuple[str, str]], prune: bool = False) -> tuple[Pin, ...]:
    """The pins with the new ones in place of those of the same name and launch.

    A record whose launch no config has any more goes when its name is pinned anew; with `prune` in any case. used: the keys
    (lock.match.key) of all entries of the tree.
    """
    fresh = {key(pin.name, pin.launch): pin for pin in new}
    wanted = set(used)
    names = {pin.name for pin in fresh.values()}
    kept = {}
    for pin in pins:
        own = key(pin.name, pin.launch)
        if own in wanted or not (prune or pin.name in names):
            kept[own] = pin
    return tuple({**kept, **fresh}.values())


def rewrite(file: str, change: Callable[[tuple[Pin, ...]], tuple[Pin, ...]]) -> bool:
    """Applies a change to the pins of a lockfile on disk; False when that changes no byte. Raises Exchanged, LockError, UsageError, OSError."""
    with alone(file):
        before = _bytes(os.path.realpath(file))
        return exchange(file, before, write(change(read(os.path.basename(file), before).pins if before is not None else ())))


def exchange(file: str, before: bytes | None, after: bytes) -> bool:
    """Writes a lockfile that still holds what was read, None for no file; False when that changes no byte. Raises Exchanged, OSError.

    To be called while `alone` is held. The file is written beside itself, flushed and renamed, so that a crash leaves the old or the new one.
    """
    full = os.path.realpath(file)

    def check() -> None:
        if _bytes(full) != before:
            raise Exchanged(os.path.basename(file))

    check()
    folder, name = os.path.split(full)
    _sweep(folder, name)
    if before is not None and after == unix(before):
        return False
    put(full, after, last=check)
    _flush(folder)
    return True


def unix(data: bytes) -> bytes:
    """The bytes with the line ends that `pin` writes: git may check a lockfile out with others."""
    return data.replace(b"\r\n", b"\n")


def _bytes(file: str) -> bytes | None:
    """The bytes of a lockfile, None when there is none. Raises Exchanged for a pipe or a device in its place, which would never end."""
    try:
        return read_file(file, MAX_BYTES)
    except Unreadable as error:
        if os.path.lexists(file):
            raise Exchanged(os.path.basename(file)) from error
        return None


def _sweep(folder: str, name: str) -> None:
    """Removes what a run that was killed left behind; nobody else writes now."""
    for item in os.listdir(folder):
        if item.startswith(f"{name}.") and item.endswith(".tmp") and item[len(name) + 1 : -len(".tmp")].isdecimal():
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, item))


def _flush(folder: str) -> None:
    """Makes the rename last, where a folder can be flushed."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def alone(file: str, patience_s: float | None = None, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds a lock on the folder of a lockfile (POSIX) or a file beside it, so that whoever changes the lockfile does so after us.

    waiting: called when another holds it. Raises UsageError when that one has not gone after `patience_s`. Where there is no folder, nothing is held.
    """
    folder, name = os.path.split(os.path.realpath(file))
    patience_s = WAIT_S if patience_s is None else patience_s
    if not os.path.isdir(folder):
        yield
    elif os.name == "posix":
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _wait(lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB), BlockingIOError, folder, patience_s, waiting)
            yield
        finally:
            os.close(descriptor)
    else:
        marker = os.path.join(folder, f".{name}.writing")
        _wait(lambda: os.close(os.open(marker, os.O_CREAT | os.O_EXCL)), FileExistsError, marker, patience_s, waiting)
        try:
            yield
        finally:
            os.unlink(marker)


def _wait(take: Callable[[], object], taken: type[OSError], what: str, patience_s: float, waiting: Callable[[], None] | None) -> None:
    import time

    until = time.monotonic() + patience_s
    while True:
        try:
            take()
        except taken as error:
            if time.monotonic() > until:
                raise UsageError(f"another mcp-audit pin has held {what} for {patience_s:g} s", "end it, or try again") from error
            if waiting:
                waiting()
            waiting = None
            time.sleep(0.05)
        else:
            return
