"""Which files of a tree are configs: a walk over the folders of any kind of tree, links inside the root followed once."""

from __future__ import annotations

import os

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.model import NotAssessed
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.clients import POINTED, SKIPPED_FOLDERS, Row
from mcp_audit_gate.sources.match import Folder, Pattern, best, leads_to_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    class Item(Protocol):
        """What lies in a folder, as os.DirEntry tells it."""

        @property
        def name(self) -> str:
            """Its name."""

        def is_symlink(self) -> bool:
            """True for a link."""

        def is_dir(self, *, follow_symlinks: bool = True) -> bool:
            """True for a folder."""

    class Files(Protocol):
        """A tree of files as the walk needs it; paths are relative to the root, with `/`, the root is ""."""

        # Folders above the root that make a client's path with what lies below it: a `.cursor` that is the root itself.
        above: tuple[str, ...]
        # Why a folder may be empty although its name is a client's, and what to do; None when nothing says so.
        hollow: tuple[str, str] | None

        def items(self, folder: str) -> Iterable[Item]:
            """What lies in a folder. Raises Unreadable."""

        def follow(self, path: str) -> tuple[str | None, str]:
            """Where a path leads, all links followed (None: out of the root), and "folder", "file" or "" for nothing there."""

        def spelled(self, folder: str, name: str) -> str | None:
            """How a name is spelled in a folder, whatever its case; None when nothing of that name is there."""


MAX_LINKED = 20_000  # folders walked behind links
LEAVES = "a link that leaves the repository; it was not followed"
CHECK_LINK = "commit the file itself, or a link that stays inside the repository"


class Found(NamedTuple):
    """A file to read: its path relative to the root and the row it belongs to. named: the user asked for it."""

    path: str
    row: Row
    named: bool = False


class Listing(NamedTuple):
    """What discovery answers: the files, sorted by path, and what stands in a config's place and cannot be read."""

    found: tuple[Found, ...]
    not_assessed: tuple[NotAssessed, ...]


def below(files: Files, folder: str) -> tuple[list[Found], list[NotAssessed]]:
    """Every config below a folder, and what stands in a config's place and cannot be read."""
    walk = _Walk(files)
    walk.run(folder)
    return walk.found, walk.lost


def pattern_of(files: Files, path: str) -> Pattern | None:
    """The pattern that decides for a file at that path."""
    *folders, name = path.split("/")
    return best(pattern for pattern in Folder((*files.above, *folders)).patterns(name) if _beside(files, path, pattern.row))


def pointed_path(source: str, target: str) -> str:
    """The path that a config points to, relative to the plugin's or its own folder."""
    folder = os.path.dirname(source)
    if os.path.basename(folder).lower().endswith("-plugin"):
        folder = os.path.dirname(folder)
    return os.path.normpath(os.path.join(folder, target)).replace(os.sep, "/")


def pointed(files: Files, path: str) -> Found:
    """The file at a path that a config points to, with the row to read it by."""
    pattern = None if path.startswith("../") else pattern_of(files, path)
    if pattern is None:
        return Found(path, POINTED)
    row = pattern.row
    syntax = row.syntax if row.syntax in ("json", "toml", "yaml") else "json"
    return Found(path, row._replace(shapes=tuple(dict.fromkeys((*row.shapes, *POINTED.shapes))), syntax=syntax, free=False), True)


def _beside(files: Files, path: str, row: Row) -> bool:
    """True when the file that the row wants beside this one is there, in whatever case (or the row wants none)."""
    folder = os.path.dirname(path)
    for part in row.beside.split("/") if row.beside else ():
        name = part if part == ".." else files.spelled(folder, part)
        if name is None:
            return False
        folder = f"{folder}/{name}" if folder else name
    return True


class _Way(NamedTuple):
    """How a folder is reached: how many parts of its path end with the last link (0: no link), and the real folders of all links."""

    through: int = 0
    real: tuple[str, ...] = ()


class _Walk:
    """One walk over a folder: real folders first, then the links in it that lead to folders."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._links: list[tuple[str, _Way]] = []
        self._walked: set[str] = set()
        self._linked = 0
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
            listing = Folder((*self._files.above, *parts))
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
            if empty and self._files.hollow and leads_to_config(parts):
                self.lost.append(NotAssessed("folder", folder, None, *self._files.hollow))

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

    def _scan(self, folder: str) -> Iterator[Item]:
        try:
            yield from self._files.items(folder)
        except Unreadable as error:
            self.lost.append(NotAssessed("folder", folder or ".", None, error.reason, error.hint))

    def _add(self, path: str, patterns: tuple[Pattern, ...], below_link: int) -> None:
        """A file; reached through a link it counts only when the client's path includes the link, or nothing else leads to it."""
        usable = [pattern for pattern in patterns if _beside(self._files, path, pattern.row)]
        if below_link and not self._hidden(path):
            usable = [pattern for pattern in usable if len(pattern.folders) + 1 > below_link or "**" in pattern.folders]
        pattern = best(usable)
        if pattern:
            self.found.append(Found(path, pattern.row))

    def _hidden(self, path: str) -> bool:
        """True when the real folder of a file was not walked itself."""
        return self._files.follow(os.path.dirname(path))[0] not in self._walked

    def _is_new(self, link: str, below_link: int) -> bool:
        """True for a link that was not met under its real folder's path, or that makes a client's path only together with the link before it."""
        return not below_link or self._hidden(link) or leads_to_config(tuple(link.split("/"))) > below_link

    def _add_folder(self, path: str, patterns: tuple[Pattern, ...]) -> None:
        """A folder with a config's name is read as a file, and so reported."""
        pattern = best(
            pattern for pattern in patterns if not pattern.row.free and "*" not in pattern.name and _beside(self._files, path, pattern.row)
        )
        if pattern:
            self.found.append(Found(path, pattern.row))

    def _link(self, path: str, patterns: tuple[Pattern, ...], below_link: int, way: _Way) -> None:
        real, kind = self._files.follow(path)
        parts = tuple(path.split("/"))
        if kind == "folder":
            if real is None:
                if leads_to_config(parts) or any(not pattern.row.free for pattern in patterns):
                    self.lost.append(NotAssessed("folder", path, None, LEAVES, CHECK_LINK))
            elif parts[-1] not in SKIPPED_FOLDERS and real not in way.real and self._is_new(path, below_link):
                self._links.append((path, _Way(len(parts), (*way.real, real))))
        elif patterns:
            self._add(path, patterns, below_link)
        elif leads_to_config(parts) and not kind:
            self.lost.append(NotAssessed("folder", path, None, LEAVES if real is None else "a link to a folder that does not exist", CHECK_LINK))
