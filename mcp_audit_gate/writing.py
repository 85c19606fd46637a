"""A report into its outputs: bytes to standard output, and files that are whole or as they were; what could not be written, out."""

from __future__ import annotations

import os

from mcp_audit_gate import streams
from mcp_audit_gate.errors import OutputError, Unreadable, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.model import Report
    from mcp_audit_gate.report import Look


def write(report: Report, outputs: Sequence[tuple[str, str | None]], look: Look, root: str) -> Iterator[OutputError]:
    """Writes every output that can be written, and tells of each that cannot. root: the repository, whose links decide nothing.

    Raises at the end what standard output raised: BrokenPipeError when its reader has gone, who wants no message, else OutputError.
    """
    from mcp_audit_gate import report as reports

    gone: BrokenPipeError | OutputError | None = None
    for name, file in outputs:
        data = reports.write(name, report, look)
        if file is None:
            try:
                streams.write(data)
            except (BrokenPipeError, OutputError) as error:
                gone = error
            continue
        from mcp_audit_gate import atomic

        try:
            link = atomic.link_on_the_way(file, root)
            if link:
                raise OutputError(f"cannot write {file}: {link} is a link that the repository holds", "remove it, or name another file")
            to_file(data, file)
        except BrokenPipeError as error:  # a pipe with a name
            gone = gone or error
        except OutputError as error:
            yield error
        except OSError as error:
            yield OutputError(f"cannot write {file}: {error.strerror}", "check that its folder exists and is writable")
    if gone:
        raise gone


def to_file(data: bytes, file: str) -> None:
    """Writes beside the target and renames, so that a file under its final name is always whole; pipes and devices directly."""
    if os.path.lexists(file) and not os.path.isfile(file):
        with open(file, "wb") as target:
            target.write(data)
        return
    from mcp_audit_gate import atomic

    atomic.put(os.path.realpath(file), data, lasting=False)


def exchange(file: str, before: bytes | None, after: bytes, root: str) -> None:
    """Puts a policy in the place of the one that was read, None for no file; a link stays a link. Raises UsageError, and then nothing was written.

    root: the repository, whose links lead nowhere else.
    """
    from mcp_audit_gate import atomic
    from mcp_audit_gate.lock.update import alone
    from mcp_audit_gate.policy.load import MAX_POLICY
    from mcp_audit_gate.sources.discover import read_file

    real, link = os.path.realpath(file), atomic.link_on_the_way(file, root)
    if link and not real.startswith(root.rstrip(os.sep) + os.sep):
        raise UsageError(f"cannot write {file}: {link} is a link that leads out of the repository", "name the file that it leads to")

    def check() -> None:
        try:
            now = read_file(real, MAX_POLICY) if os.path.lexists(real) else None
        except Unreadable:
            now = b""
        if now != before:
            raise UsageError(f"{file} was not written: it changed since it was read", "run this again")

    try:
        with alone(real):
            check()
            atomic.put(real, after, last=check)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", "check that its folder is there and writable") from error


def into_repository(data: bytes, root: str, path: str, there: bool) -> None:
    """Writes a file of the repository, never through a link that leads out of it, and whole or not at all.

    there: it replaces one. Raises UsageError.
    """
    from mcp_audit_gate import atomic
    from mcp_audit_gate.sources.discover import relative
    from mcp_audit_gate.sources.match import fold

    file = os.path.join(root, *path.split("/"))
    folder = os.path.dirname(file)
    try:
        real = relative(root, os.path.realpath(folder)).split("/")
        if real[0] == ".." or ".git" in map(fold, real):
            raise UsageError(f"{os.path.dirname(path)} leads out of the repository, so {path} is not written there", "put a folder in its place")
        os.makedirs(folder, exist_ok=True)
        if there:
            to_file(data, file)
            return
        atomic.put(file, data, last=lambda: _refuse_to_replace(file))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "check that its folder is there and writable") from error


def _refuse_to_replace(file: str) -> None:
    if os.path.lexists(file):
        raise FileExistsError(17, "it is there already")
