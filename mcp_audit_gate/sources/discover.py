"""The working tree: which files are configs, and their bytes, read within limits. Links out of the root are not followed."""

from __future__ import annotations

import os
import stat

from mcp_audit_gate.errors import Unreadable, UsageError
from mcp_audit_gate.sources.clients import NAMED
from mcp_audit_gate.sources.match import fits, fold, leads_to_config
from mcp_audit_gate.sources.tree import CHECK_LINK, LEAVES, Found, Listing, below, pattern_of, pointed, pointed_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_audit_gate.model import NotAssessed

MAX_CONFIG = 4 * 1024 * 1024
MAX_TOTAL = 256 * 1024 * 1024
_CHECK_OUT = "check it out (git submodule update --init), or delete the folder"


def find_root(paths: tuple[str, ...]) -> str:
    """The git root above the first path, else that folder, or the file's folder; wide enough to hold all paths. Runs no git."""
    first = os.path.realpath(paths[0])
    start = first if os.path.isdir(first) else os.path.dirname(first)
    root = start
    folder = start
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            root = folder
            break
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    others = [os.path.realpath(path) for path in paths[1:]]
    if all(_inside(root, other) for other in others):
        return root
    return os.path.commonpath([root, *(other if os.path.isdir(other) else os.path.dirname(other) for other in others)])


def _inside(root: str, path: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


class WorkingTree:
    """Files below a root as they lie on disk; paths are relative to it, with `/`."""

    names_only = False

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._left = MAX_TOTAL
        self.above = _above(self.root)
        submodules = os.path.lexists(os.path.join(self.root, ".gitmodules"))
        self.hollow = ("an empty folder, as of a submodule that is not checked out", _CHECK_OUT) if submodules else None

    def list(self, paths: Iterable[str]) -> Listing:
        """Every config below the folders given, and each file given whatever its name. Raises UsageError for a missing path."""
        found: dict[str, Found] = {}
        lost: list[NotAssessed] = []
        for path in paths:
            real = os.path.realpath(path)
            if not os.path.lexists(path) or not os.path.exists(real):
                raise missing(path)
            inside = relative(self.root, real)
            if os.path.isdir(real):
                more, gaps = below(self, inside)
                for item in more:
                    found.setdefault(item.path, item)
                lost += gaps
            else:
                pattern = pattern_of(self, inside)
                found[inside] = Found(inside, pattern.row if pattern else NAMED, True)
        return Listing(tuple(found[path] for path in sorted(found)), tuple(dict.fromkeys(lost)))

    def pointed(self, source: str, target: str) -> Found | None:
        """The file that a config points to, relative to the plugin's or its own folder; None when there is none."""
        path = pointed_path(source, target)
        return pointed(self, path) if os.path.lexists(os.path.join(self.root, path)) else None

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder (the root: ""), sorted; nothing when there is no such folder. Raises Unreadable for one outside the root."""
        real = os.path.realpath(os.path.join(self.root, folder))
        if not _inside(self.root, real):
            raise Unreadable(LEAVES, CHECK_LINK)
        try:
            return tuple(sorted(os.listdir(real)))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise Unreadable(*_explain(error)) from error

    def read(self, path: str, limit: int = MAX_CONFIG) -> bytes:
        """The bytes of a regular file inside the root. Raises Unreadable for anything else, and above the limits."""
        full = os.path.join(self.root, path)
        real = os.path.realpath(full)
        if not _inside(self.root, real):
            raise Unreadable(LEAVES, CHECK_LINK)
        data = read_file(real, limit)
        self._left -= len(data)
        if self._left < 0:
            raise over_total()
        return data

    def items(self, folder: str) -> Sequence[os.DirEntry[str]]:
        """What lies in a folder, sorted by name. Raises Unreadable."""
        try:
            with os.scandir(os.path.join(self.root, folder)) as items:
                return sorted(items, key=lambda item: item.name)
        except OSError as error:
            raise Unreadable(*_explain(error)) from error

    def follow(self, path: str) -> tuple[str | None, str]:
        """Where a path leads, all links followed (None: out of the root), and "folder", "file" or "" for nothing there."""
        real = os.path.realpath(os.path.join(self.root, path))
        kind = "folder" if os.path.isdir(real) else "file" if os.path.exists(real) else ""
        return (relative(self.root, real) if _inside(self.root, real) else None), kind

    def spelled(self, folder: str, name: str) -> str | None:
        """How a name is spelled in a folder, whatever its case; None when nothing of that name is there."""
        full = os.path.join(self.root, folder)
        if os.path.lexists(os.path.join(full, name)):
            return name
        try:
            return next((item for item in sorted(os.listdir(full)) if fold(item) == fold(name)), None)
        except OSError:
            return None


def _above(root: str) -> tuple[str, ...]:
    """The last parts of a root that stand in a client's own path; nothing for the root of a repository, which is a project's top."""
    parts = tuple(part for part in root.split(os.sep) if part)
    count = 0 if os.path.lexists(os.path.join(root, ".git")) else leads_to_config(parts)
    return parts[len(parts) - count :]


def relative(root: str, path: str) -> str:
    """A real path as seen from the root, with `/`; the root itself is ""."""
    try:
        inside = os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # on another drive
        return f"../{os.path.basename(path)}"
    return "" if inside == "." else inside


def missing(path: str) -> UsageError:
    """What to say of a path that was asked for and is not there."""
    return UsageError(f"no such file or folder: {path}", "check the spelling; paths are relative to the current directory")


def too_large(limit: int, size: int | None = None) -> Unreadable:
    """What to say of a file above the limit, in bytes."""
    told = "" if size is None else f" ({size} bytes)"
    return Unreadable(f"larger than {limit >> 20} MiB{told}", "split the file; no client needs a config of that size")


def over_total() -> Unreadable:
    """What to say of the file that goes over the limit of all together."""
    return Unreadable(f"more than {MAX_TOTAL >> 20} MiB of configs in all", "scan parts of the tree, or exclude some of it")


def read_file(real: str, limit: int) -> bytes:
    """The bytes of a regular file. Raises Unreadable.

    Opens without following a link or waiting for a pipe's other end; the size is checked before and while reading.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(real, flags)
    except OSError as error:
        raise Unreadable(*_explain(error)) from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable("a folder stands where a file is expected", "rename or remove the folder")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a regular file", "replace it by a file")
        if status.st_size > limit:
            raise too_large(limit, status.st_size)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(*_explain(error)) from error
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise too_large(limit)
    return data


def _explain(error: OSError) -> tuple[str, str]:
    import errno

    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission denied", "make it readable for the user that runs mcp-audit"
    if error.errno == errno.ENOENT:
        return "there is no such file, or a link leads to one that does not exist", CHECK_LINK
    if error.errno == errno.ELOOP:
        return "a link that leads to itself", CHECK_LINK
    return f"cannot be opened: {os.strerror(error.errno or 0)}", "check the file"


def excluded(path: str, globs: tuple[str, ...]) -> bool:
    """True when a glob of the policy's `exclude` covers the path; `*` stays inside a folder, `**` does not."""
    parts = [fold(part) for part in path.split("/")]
    return any(_covers(parts, [fold(part) for part in glob.strip("/").split("/")]) for glob in globs)


def _covers(parts: list[str], globs: list[str]) -> bool:
    """True when the folders fit; a mismatch goes back to the last `**` only, so a long path costs little."""
    part = glob = 0
    back: tuple[int, int] | None = None
    while part < len(parts):
        if glob < len(globs) and globs[glob] == "**":
            glob += 1
            back = (part + 1, glob)
        elif glob < len(globs) and fits(parts[part], globs[glob]):
            part, glob = part + 1, glob + 1
        elif back:
            part, glob = back
            back = (part + 1, glob)
        else:
            return False
    return all(item == "**" for item in globs[glob:])
