"""The files of the repository that a launch runs (`node ./tools/server.js`), and their digests."""

from __future__ import annotations

import posixpath

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.lock.canonical import sha256
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    from mcp_audit_gate.model import Launch

    class Tree(Protocol):
        """Reads files of a root by paths with `/`."""

        def read(self, path: str, limit: int = ...) -> bytes:
            """The bytes of a file. Raises Unreadable."""

        def names(self, folder: str) -> Iterable[str]:
            """What lies in a folder, "" for the root; nothing when there is none."""


MAX_SCRIPT = 16 * 1024 * 1024
# How clients write the folder that is open; `.` and no `cwd` mean the same.
_ROOTS = (
    "${workspaceFolder}",
    "${workspaceRoot}",
    "${CLAUDE_PROJECT_DIR}",
    "${CLAUDE_PROJECT_DIR:-.}",
    "${PWD}",
    "$PWD",
    "${CLAUDE_PLUGIN_ROOT}",
    "${extensionPath}",
    "${__dirname}",
)
_FOLDERS = frozenset(("--directory", "--project", "--cwd", "--dir", "--prefix", "-C", "--chdir", "--working-directory", "--rootdir"))
_LOADED = frozenset(
    ("-r", "--require", "--import", "--loader", "--experimental-loader", "--preload", "-s", "--script", "--env-file", "-jar", "--file", "-f")
)
_MODULES = frozenset(("-m", "--module"))
# What runs when a folder is named instead of a file.
_MAIN = ("__main__.py", "package.json", "index.js", "index.mjs", "index.cjs", "index.ts", "main.py", "deno.json")


class Ran(NamedTuple):
    """Files of the repository that a launch runs, by path, as digests; `unread` says what could not be read, and why."""

    files: dict[str, str]
    unread: dict[str, str]


def ran(launch: Launch, tree: Tree, root: str | None = None) -> Ran:
    """What a launch runs from inside the repository. Carriage returns before line feeds do not count. root: the tree's own place on disk."""
    files: dict[str, str] = {}
    unread: dict[str, str] = {}
    for path in dict.fromkeys(_paths(launch, root)):
        for found in _existing(tree, path):
            try:
                files[found] = _digest(tree.read(found, MAX_SCRIPT))
            except Unreadable as error:
                unread[found] = error.reason
    return Ran(files, unread)


def _digest(data: bytes) -> str:
    return "sha256:" + sha256()(data.replace(b"\r\n", b"\n")).hexdigest()


def _paths(launch: Launch, root: str | None) -> Iterator[str]:
    """Every path below the root that a word of the launch may name, existing or not."""
    bases = [_relative(launch.cwd.text, "", root) if launch.cwd else ""]
    bases += [_relative(option.value, bases[0] or "", root) for option in launch.options if option.name in _FOLDERS and option.value]
    for base in bases:
        if base is not None:
            yield from (path for word in _words(launch) if (path := _relative(word, base, root)) is not None)
    for inner in launch.inside:
        yield from _paths(inner._replace(cwd=inner.cwd or launch.cwd), root)


def _words(launch: Launch) -> Iterator[str]:
    if launch.script is not None:
        yield launch.script.text
    yield from (word.text for word in (*launch.wrappers, *launch.line[:1], *launch.words[:1]) if "/" in word.text or "\\" in word.text)
    for option in launch.options:
        if option.value and option.name in _LOADED:
            yield option.value
        elif option.value and option.name in _MODULES:
            module = option.value.replace(".", "/")
            yield from (module, f"{module}.py", f"{module.partition('/')[0]}/__init__.py")


def _relative(text: str, base: str, root: str | None) -> str | None:
    """The path below the root that a word names ("" for the root itself), or None for one outside or none at all."""
    if (below := without_root(text)) != text:
        text, base = below, ""
    text = text.removeprefix("file://").replace("\\", "/")
    if root is not None and (text == root or text.startswith(f"{root}/")):
        text, base = text[len(root) + 1 :] or ".", ""
    if not text or text.startswith(("/", "~", "$", "-")) or "\0" in text or text[1:2] == ":" or "://" in text or len(text) > 4096:
        return None
    path = posixpath.normpath(posixpath.join(base, text))
    return None if path == ".." or path.startswith("../") else "" if path == "." else path


def without_root(text: str) -> str:
    """A path that begins with a client's name for the open folder, without that name."""
    mark = next((mark for mark in _ROOTS if text.startswith(mark)), None)
    return text if mark is None else text[len(mark) :].lstrip("/\\") or "."


def _existing(tree: Tree, path: str) -> Iterator[str]:
    """The file of that path as the tree spells it, or what runs when a folder of that path is named."""
    spelled = _spelled(tree, path)
    if spelled is None:
        return
    inside = [name for name in _MAIN if name in _names(tree, spelled)]
    if inside:
        yield from (f"{spelled}/{name}" if spelled else name for name in inside)
    elif spelled and not _names(tree, spelled):
        yield spelled


def _spelled(tree: Tree, path: str) -> str | None:
    """The path as it stands in the tree, case folded where it stands in no other way; None when nothing is there."""
    spelled = ""
    for part in path.split("/") if path else ():
        names = _names(tree, spelled)
        name = part if part in names else next((name for name in names if name.casefold() == part.casefold()), None)
        if name is None:
            return None
        spelled = f"{spelled}/{name}" if spelled else name
    return spelled


def _names(tree: Tree, folder: str) -> tuple[str, ...]:
    try:
        return tuple(tree.names(folder))
    except Unreadable:
        return ()
