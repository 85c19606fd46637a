"""The standard streams of a command: usable when it begins, whoever started it; what cannot be written is a fault, once."""

from __future__ import annotations

import os
import sys

from mcp_audit_gate.errors import OutputError


def ready() -> None:
    """Gives the number of a closed stream to the null device, or the next file that is opened would get it; text is UTF-8 whatever the locale.

    A closed standard output then refuses what is written, so that a report that nobody gets is a fault; a closed standard error takes it.
    """
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for the whole run
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def write(data: bytes) -> None:
    """Puts bytes on standard output at once. Raises OutputError when it is closed or full, BrokenPipeError when its reader has gone."""
    try:
        sys.stdout.flush()
        if data:  # a full device refuses nothing at all, too
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        abandon(1)
        raise
    except OSError as error:
        from errno import EBADF

        abandon(1)
        if error.errno == EBADF:
            raise OutputError("standard output is closed", "give the report a file: -o json=FILE") from error
        raise OutputError(f"cannot write to standard output: {error.strerror}", "give it room, or another place") from error


def tell(text: str) -> None:
    """Puts text on standard error, if anybody reads it."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        abandon(2)


def abandon(number: int) -> None:
    """Lets a stream lead nowhere, so that the interpreter does not complain at its end of what it still holds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
