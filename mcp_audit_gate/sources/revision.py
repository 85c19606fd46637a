"""A git revision, or the index, as a tree like the working tree: git's objects are read, nothing is checked out.

Links are followed inside the revision, as the working tree's are inside the root. A submodule holds nothing here.
"""

from __future__ import annotations

import os

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.sources.clients import NAMED
from mcp_audit_gate.sources.discover import MAX_CONFIG, MAX_TOTAL, missing, over_total, read_file, relative, too_large
from mcp_audit_gate.sources.git import Git
from mcp_audit_gate.sources.match import fold
from mcp_audit_gate.sources.tree import CHECK_LINK, LEAVES, Found, Listing, below, pattern_of, pointed, pointed_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.model import NotAssessed
    from mcp_audit_gate.sources.git import Object

MAX_HOPS = 40  # links on the way to one file, as in Linux
_MAX_LINK = 4096
_POINTER = 1024
_LARGEST = 256 << 20
_SUBMODULE = "a submodule, whose files git keeps in another repository", "commit the files themselves, or scan the submodule on its own"


class Item:
    """What lies in a folder of a revision, as os.DirEntry would tell it."""

    __slots__ = ("_kind", "name")

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self._kind = kind

    def is_symlink(self) -> bool:
        """True for a link."""
        return self._kind == "link"

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """True for a folder or a submodule; links are never followed here."""
        return self._kind in ("folder", "submodule")


class Snapshot:
    """The files of a commit or of the index; paths are relative to the root, with `/`."""

    names_only = False

    def __init__(self, root: str, git: Git, files: Iterable[Object]) -> None:
        self.root = os.path.realpath(root)
        self._git = git
        self._files = {file.path: file for file in files}
        self._folders: dict[str, dict[str, str]] = {"": {}}
        self._bytes: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        self._left = MAX_TOTAL
        for path, file in self._files.items():
            self._place(path, file.kind)
        self._load([file.id for file in self._files.values() if file.kind == "link"], _MAX_LINK)
        self.above: tuple[str, ...] = ()
        self.hollow = _SUBMODULE if any(file.kind == "submodule" for file in self._files.values()) else None

    def _place(self, path: str, kind: str) -> None:
        """Enters a path into its folder, and the folder into those above it."""
        while True:
            folder, _, name = path.rpartition("/")
            known = folder in self._folders
            self._folders.setdefault(folder, {})[name] = kind
            if known:
                return
            path, kind = folder, "folder"

    def list(self, paths: Iterable[str]) -> Listing:
        """Every config below the folders given, and each file given whatever its name. Raises UsageError for a missing path."""
        found: dict[str, Found] = {}
        lost: list[NotAssessed] = []
        for path in paths:
            inside = relative(self.root, os.path.realpath(path))
            kind = self.follow(inside)[1]
            if kind == "folder":
                more, gaps = below(self, inside)
                for item in more:
                    found.setdefault(item.path, item)
                lost += gaps
            elif kind:
                pattern = pattern_of(self, inside)
                found[inside] = Found(inside, pattern.row if pattern else NAMED, True)
            else:
                raise missing(path)
        self._ahead(found)
        return Listing(tuple(found[path] for path in sorted(found)), tuple(dict.fromkeys(lost)))

    def pointed(self, source: str, target: str) -> Found | None:
        """The file that a config points to, relative to the plugin's or its own folder; None when there is none."""
        path = pointed_path(source, target)
        folder, _, name = path.rpartition("/")
        return pointed(self, path) if name in self._folder(folder) else None

    def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder (the root: ""), sorted; nothing when there is no such folder. Raises Unreadable for one outside the root."""
        if self.follow(folder)[0] is None:
            raise Unreadable(LEAVES, CHECK_LINK)
        return tuple(sorted(self._folder(folder)))

    def read(self, path: str, limit: int = MAX_CONFIG) -> bytes:
        """The bytes of a file inside the root. Raises Unreadable for anything else, and above the limits."""
        real, kind = self.follow(path)
        if real is None:
            raise Unreadable(LEAVES, CHECK_LINK)
        if kind == "folder":
            raise Unreadable("a folder stands where a file is expected", "rename or remove the folder")
        if kind == "submodule":
            raise Unreadable(*_SUBMODULE)
        if kind != "file":
            raise Unreadable("there is no such file, or a link leads to one that git does not have", CHECK_LINK)
        name = self._files[real].id
        self._load([name], limit)
        size = self._sizes[name]
        if size > limit:
            raise too_large(limit, size)
        self._left -= size
        if self._left < 0:
            raise over_total()
        return self._bytes[name]

    def items(self, folder: str) -> Sequence[Item]:
        """What lies in a folder, sorted by name."""
        return [Item(name, kind) for name, kind in sorted(self._folder(folder).items())]

    def follow(self, path: str) -> tuple[str | None, str]:
        """Where a path leads, all links followed (None: out of the root), and "folder", "file", "submodule" or "" for nothing there."""
        done: list[str] = []
        pending = path.split("/")[::-1]
        hops = 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not done:
                    return None, ""
                done.pop()
                continue
            done.append(part)
            here = self._files.get("/".join(done))
            if here is not None and here.kind == "link":
                hops += 1
                target = os.fsdecode(self._bytes.get(here.id, b""))
                if hops > MAX_HOPS or not target:
                    return "/".join(done), ""
                if target.startswith("/") or "\\" in target or target[1:2] == ":":
                    return None, ""
                done.pop()
                pending += target.split("/")[::-1]
        return "/".join(done), self._kind("/".join(done))

    def spelled(self, folder: str, name: str) -> str | None:
        """How a name is spelled in a folder, whatever its case; None when nothing of that name is there."""
        names = self._folder(folder)
        return name if name in names else next((item for item in sorted(names) if fold(item) == fold(name)), None)

    def _folder(self, path: str) -> dict[str, str]:
        """Name to kind of what lies in a folder, links to it followed."""
        return self._folders.get(self.follow(path)[0] or "", {}) if path else self._folders[""]

    def _kind(self, path: str) -> str:
        if path in self._folders:
            return "folder"
        return self._files[path].kind if path in self._files else ""

    def _ahead(self, found: Iterable[str]) -> None:
        """Loads all files that are about to be read, with two starts of git instead of two for each."""
        reals = (self.follow(path)[0] for path in found)
        files = (self._files.get(real) for real in reals if real is not None)
        self._load([file.id for file in files if file is not None and file.kind == "file"], MAX_CONFIG)

    def _load(self, ids: Iterable[str], limit: int) -> None:
        """Reads objects of at most `limit` bytes each, as long as all together stay within what a run may read."""
        self._sizes.update(self._git.sizes(name for name in ids if name not in self._sizes))
        wanted: list[str] = []
        left = MAX_TOTAL
        for name in dict.fromkeys(ids):
            if name not in self._bytes and self._sizes[name] <= limit:
                left -= self._sizes[name]
                if left >= 0:
                    wanted.append(name)
        self._bytes.update(self._git.contents(wanted))


def at(root: str, git: Git, commit: str) -> Snapshot:
    """A commit as a tree."""
    return Snapshot(root, git, git.files(commit))


def staged(root: str) -> Snapshot:
    """The index as a tree: what `git commit` would take. Raises UsageError."""
    git = Git(root, "--staged", index=True)
    return Snapshot(root, git, git.staged())


def trusted(root: str, revision: str) -> tuple[Snapshot, Snapshot]:
    """A revision, and where its history and that of HEAD parted, as trees. Raises UsageError."""
    git = Git(root, "--trusted-ref")
    commit = git.commit(revision)
    base = git.merge_base(commit)
    tree = at(root, git, commit)
    return tree, tree if base == commit else at(root, git, base)


def differing(root: str, revision: str) -> frozenset[str]:
    """The paths of files that a revision and HEAD, or a revision and the disk, do not have alike. Raises UsageError."""
    git = Git(root, "--trusted-ref")
    one, other = ({(file.path, file.kind, file.id) for file in git.files(git.commit(name))} for name in (revision, "HEAD"))
    return frozenset((*(path for path, _, _ in one ^ other), *_altered(root, git, {path: (kind, name) for path, kind, name in one})))


def _altered(root: str, git: Git, files: dict[str, tuple[str, str]]) -> Iterator[str]:
    """The files that the disk has otherwise than git: edited and not committed, whatever git was told to assume of them."""
    real = os.path.realpath(root)
    doubtful = [path for path, (kind, name) in files.items() if kind != "submodule" and not _holds(os.path.join(real, path), kind, name)]
    sizes = git.sizes(files[path][1] for path in doubtful)
    small = git.contents(name for name, size in sizes.items() if size <= _POINTER)
    return (path for path in doubtful if not _stands_for(small.get(files[path][1], b""), os.path.join(real, path)))


def _holds(full: str, kind: str, name: str) -> bool:
    """True when a file or link is the object of that id; line ends of a checkout do not count."""
    from hashlib import sha1, sha256

    data = _on_disk(full, kind)
    wanted = sha1 if len(name) == 40 else sha256
    forms = () if data is None else (data, data.replace(b"\r\n", b"\n"))
    return any(wanted(b"blob %d\0" % len(form) + form).hexdigest() == name for form in forms)


def _stands_for(pointer: bytes, full: str) -> bool:
    """True when an object is the pointer that git LFS keeps in place of what lies on the disk."""
    from hashlib import sha256

    data = _on_disk(full, "file") if pointer.startswith(b"version https://git-lfs.github.com/spec/v1\n") else None
    return data is not None and b"\noid sha256:%s\n" % sha256(data).hexdigest().encode() in pointer


def _on_disk(full: str, kind: str) -> bytes | None:
    """What a file holds, or where a link leads; None when it is something else, or gone."""
    try:
        if os.path.realpath(os.path.dirname(full)) != os.path.dirname(full):
            return None
        return os.fsencode(os.readlink(full)) if kind == "link" else read_file(full, _LARGEST)
    except (OSError, Unreadable):
        return None
