"""A file replaced in one step: written beside itself and renamed, so that under its own name it is always whole, the old bytes or the new."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def put(file: str, data: bytes, mode: int | None = None, lasting: bool = True, last: Callable[[], None] | None = None) -> None:
    """Writes the file; a link to it is written over, so that callers give its real path. Raises OSError.

    mode: its permissions; None for those that it has, or that a new file gets. lasting: a crash of the machine keeps it, too.
    last: asked just before the new bytes take the name; what it raises leaves the file as it was.
    """
    temporary = f"{file}.{os.getpid()}.tmp"
    if mode is None and os.path.exists(file):
        mode = os.stat(file).st_mode & 0o7777
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        with open(descriptor, "wb") as target:
            target.write(data)
            if lasting:
                target.flush()
                os.fsync(target.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        if last:
            last()
        os.replace(temporary, file)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def link_on_the_way(file: str, root: str) -> str:
    """The name of a link between a root (a real path) and a file below it, which would choose what is overwritten; "" when there is none."""
    path, link = os.path.abspath(file), ""
    while os.path.realpath(path) != root or os.path.islink(path):
        if os.path.islink(path):
            link = os.path.basename(path)
        if os.path.dirname(path) == path:  # it does not lie below the root
            return ""
        path = os.path.dirname(path)
    return link
