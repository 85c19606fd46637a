"""The working tree: which files are configs, and their bytes, read within limits. Links out of the root are not followed."""

from __future__ import annotations

import errno
import os
import stat

from mcp_audit_gate.errors import Unreadable, UsageError
from mcp_audit_gate.model import NotAssessed
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import NAMED, POINTED, SKIPPED_FOLDERS, Row
from mcp_audit_gate.sources.match import Folder, Pattern, best, fits, fold, leads_to_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_CONFIG = 4 * 1024 * 1024
MAX_TOTAL = 256 * 1024 * 1024
MAX_LINKED = 20_000  # folders walked behind links
_CHECK_OUT = "check it out (git submodule update --init), or delete the folder"
_CHECK_LINK = "commit the file itself, or a link that stays inside the repository"


class Found(NamedTuple):
    """A file to read: its path relative to the root and the row it belongs to. named: the user asked for it."""

    path: str
    row: Row
    named: bool = False


class Listing(NamedTuple):
    """What discovery answers: the files, sorted by path, and what stands in a config's place and cannot be read."""

    found: tuple[Found, ...]
    not_assessed: tuple[NotAssessed, ...]


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

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._left = MAX_TOTAL

    def list(self, paths: Iterable[str]) -> Listing:
        """Every config below the folders given, and each file given whatever its name. Raises UsageError for a missing path."""
        found: dict[str, Found] = {}
        lost: list[NotAssessed] = []
        for path in paths:
            real = os.path.realpath(path)
            if not os.path.lexists(path) or not os.path.exists(real):
                raise UsageError(f"no such file or folder: {path}", "check the spelling; paths are relative to the current directory")
            inside = os.path.relpath(real, self.root).replace(os.sep, "/")
            if os.path.isdir(real):
                walk = _Walk(self.root)
                walk.run("" if inside == "." else inside)
                for item in walk.found:
                    found.setdefault(item.path, item)
                lost += walk.lost
            else:
                pattern = self._pattern(inside)
                found[inside] = Found(inside, pattern.row if pattern else NAMED, True)
        return Listing(tuple(found[path] for path in sorted(found)), tuple(dict.fromkeys(lost)))

    def _pattern(self, path: str) -> Pattern | None:
        *folders, name = path.split("/")
        return best(pattern for pattern in Folder(tuple(folders)).patterns(name) if beside(self.root, path, pattern.row))

    def pointed(self, source: str, target: str) -> Found | None:
        """The file that a config points to, relative to the plugin's or its own folder; None when there is none."""
        folder = os.path.dirname(source)
        if os.path.basename(folder).lower().endswith("-plugin"):
            folder = os.path.dirname(folder)
        path = os.path.normpath(os.path.join(folder, target)).replace(os.sep, "/")
        if not os.path.lexists(os.path.join(self.root, path)):
            return None
        pattern = None if path.startswith("../") else self._pattern(path)
        if pattern is None:
            return Found(path, POINTED)
        row = pattern.row
        syntax = row.syntax if row.syntax in ("json", "toml", "yaml") else "json"
        return Found(path, row._replace(shapes=tuple(dict.fromkeys((*row.shapes, *POINTED.shapes))), syntax=syntax, free=False), True)

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder (the root: ""), sorted; nothing when there is no such folder. Raises Unreadable for one outside the root."""
        real = os.path.realpath(os.path.join(self.root, folder))
        if not _inside(self.root, real):
            raise Unreadable("a link that leaves the repository; it was not followed", _CHECK_LINK)
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
            raise Unreadable("a link that leaves the repository; it was not followed", _CHECK_LINK)
        data = _read(real, limit)
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"more than {MAX_TOTAL >> 20} MiB of configs in all", "scan parts of the tree, or exclude some of it")
        return data


def _read(real: str, limit: int) -> bytes:
    """Opens without following a link or waiting for a pipe's other end; the size is checked before and while reading."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(real, flags)
    except OSError as error:
        raise Unreadable(*_explain(error)) from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable("a folder stands where a config is expected", "rename or remove the folder")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a regular file", "replace it by a file")
        if status.st_size > limit:
            raise Unreadable(f"larger than {limit >> 20} MiB ({status.st_size} bytes)", "split the file; no client needs a config of that size")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(*_explain(error)) from error
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise Unreadable(f"larger than {limit >> 20} MiB", "split the file; no client needs a config of that size")
    return data


def _explain(error: OSError) -> tuple[str, str]:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission denied", "make it readable for the user that runs mcp-audit"
    if error.errno == errno.ENOENT:
        return "a link to a file that does not exist, or a file that vanished", _CHECK_LINK
    if error.errno == errno.ELOOP:
        return "a link that leads to itself", _CHECK_LINK
    if error.errno == errno.EISDIR:
        return "a folder stands where a config is expected", "rename or remove the folder"
    return f"cannot be opened: {os.strerror(error.errno or 0)}", "check the file"


def beside(root: str, path: str, row: Row) -> bool:
    """True when the file that the row wants beside this one is there, in whatever case (or the row wants none)."""
    if not row.beside:
        return True
    folder = os.path.join(root, os.path.dirname(path))
    for part in row.beside.split("/"):
        name = part if part == ".." else _spelled(folder, part)
        if name is None:
            return False
        folder = os.path.join(folder, name)
    return True


def _spelled(folder: str, name: str) -> str | None:
    """How a name is spelled in a folder, or None when nothing of that name is there."""
    if os.path.lexists(os.path.join(folder, name)):
        return name
    try:
        return next((item for item in sorted(os.listdir(folder)) if fold(item) == fold(name)), None)
    except OSError:
        return None


class _Way(NamedTuple):
    """How a folder is reached: how many parts of its path end with the last link (0: no link), and the real folders of all links."""

    through: int = 0
    real: tuple[str, ...] = ()


class _Walk:
    """One walk over a folder: real folders first, then the links in it that lead to folders."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._links: list[tuple[str, _Way]] = []
        self._walked: set[str] = set()
        self._linked = 0
        self._submodules = os.path.lexists(os.path.join(root, ".gitmodules"))
        self.found: list[Found] = []
        self.lost: list[NotAssessed] = []

    def run(self, start: str) -> None:
        """Lists configs below `start`."""
        self._tree(start, _Way())
        while self._links:
            link, way = self._links.pop(0)
            self._tree(link, way)

    def _tree(self, start: str, way: _Way) -> None:
        """Walks the folders below one, links left for later."""
        pending = [start]
        while pending:
            folder = pending.pop()
            if not self._may_walk(folder, way):
                return
            parts = tuple(folder.split("/")) if folder else ()
            below_link = len(parts) + 1 - way.through if way.through else 0
            listing = Folder(parts)
            empty = True
            for item in self._scan(folder):
                empty = False
                path = f"{folder}/{item.name}" if folder else item.name
                patterns = listing.patterns(item.name)
                if item.is_symlink():
                    self._link(path, patterns, below_link, way)
                elif item.is_dir(follow_symlinks=False):
                    if item.name not in SKIPPED_FOLDERS:
                        pending.append(path)
                    self._add_folder(path, patterns)
                elif patterns:
                    self._add(path, patterns, below_link)
            if empty and self._submodules and leads_to_config(parts):
                self.lost.append(NotAssessed("folder", folder, None, "an empty folder, as of a submodule that is not checked out", _CHECK_OUT))

    def _may_walk(self, folder: str, way: _Way) -> bool:
        if not way.through:
            self._walked.add(folder)
            return True
        self._linked += 1
        if self._linked == MAX_LINKED + 1:
            self.lost.append(
                NotAssessed("folder", folder, None, f"more than {MAX_LINKED} folders behind links", "remove links, or scan parts of the tree")
            )
        return self._linked <= MAX_LINKED

    def _scan(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(os.path.join(self._root, folder)) as items:
                yield from sorted(items, key=lambda item: item.name)
        except OSError as error:
            reason, hint = _explain(error)
            self.lost.append(NotAssessed("folder", folder or ".", None, reason, hint))

    def _add(self, path: str, patterns: tuple[Pattern, ...], below_link: int) -> None:
        """A file; reached through a link it counts only when the client's path includes the link, or nothing else leads to it."""
        usable = [pattern for pattern in patterns if beside(self._root, path, pattern.row)]
        if below_link and not self._hidden(path):
            usable = [pattern for pattern in usable if len(pattern.folders) + 1 > below_link or "**" in pattern.folders]
        pattern = best(usable)
        if pattern:
            self.found.append(Found(path, pattern.row))

    def _hidden(self, path: str) -> bool:
        """True when the real folder of a file was not walked itself."""
        real = os.path.realpath(os.path.dirname(os.path.join(self._root, path)))
        inside = os.path.relpath(real, self._root).replace(os.sep, "/")
        return ("" if inside == "." else inside) not in self._walked

    def _is_new(self, link: str, below_link: int) -> bool:
        """True for a link that was not met under its real folder's path, or that makes a client's path only together with the link before it."""
        return not below_link or self._hidden(link) or leads_to_config(tuple(link.split("/"))) > below_link

    def _add_folder(self, path: str, patterns: tuple[Pattern, ...]) -> None:
        """A folder with a config's name is read as a file, and so reported."""
        pattern = best(pattern for pattern in patterns if not pattern.row.free and "*" not in pattern.name and beside(self._root, path, pattern.row))
        if pattern:
            self.found.append(Found(path, pattern.row))

    def _link(self, path: str, patterns: tuple[Pattern, ...], below_link: int, way: _Way) -> None:
        real = os.path.realpath(os.path.join(self._root, path))
        parts = tuple(path.split("/"))
        if os.path.isdir(real):
            if not _inside(self._root, real):
                if leads_to_config(parts) or any(not pattern.row.free for pattern in patterns):
                    self.lost.append(NotAssessed("folder", path, None, "a link that leaves the repository; it was not followed", _CHECK_LINK))
            elif parts[-1] not in SKIPPED_FOLDERS and real not in way.real and self._is_new(path, below_link):
                self._links.append((path, _Way(len(parts), (*way.real, real))))
        elif patterns:
            self._add(path, patterns, below_link)
        elif leads_to_config(parts) and not os.path.exists(real):
            self.lost.append(NotAssessed("folder", path, None, "a link to a folder that does not exist", _CHECK_LINK))


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
