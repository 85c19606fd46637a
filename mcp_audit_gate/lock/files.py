"""The files of the repository that a launch runs (`node ./tools/server.js`), and their digests."""

from __future__ import annotations

import itertools
import posixpath
import re

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.lock.canonical import sha256
from mcp_audit_gate.model import Word
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    from mcp_audit_gate.model import Launch, Package

    class Tree(Protocol):
        """Reads files of a root by paths with `/`. names_only: its lockfile keeps no value of a variable or header."""

        names_only: bool

        def read(self, path: str, limit: int = ...) -> bytes:
            """The bytes of a file. Raises Unreadable."""

        def names(self, folder: str) -> Iterable[str]:
            """What lies in a folder, "" for the root; nothing when there is none."""


MAX_SCRIPT = 16 * 1024 * 1024
_LONGEST = 4096
# How clients write the folder that is open; `.` and no `cwd` mean the same.
_ROOTS = (
    "${workspaceFolder}",
    "${workspaceRoot}",
    "${CLAUDE_PROJECT_DIR}",
    "${CLAUDE_PROJECT_DIR:-.}",
    "${PWD}",
    "$PWD",
)
# The folder of the plugin or extension that the config belongs to.
_OWN = ("${CLAUDE_PLUGIN_ROOT}", "${extensionPath}", "${__dirname}", "${fileDirname}")
_PLUGINS = (".claude-plugin", ".codex-plugin", ".cursor-plugin")
_FOLDERS = frozenset(("--directory", "--project", "--cwd", "--dir", "--prefix", "-C", "--chdir", "--working-directory", "--rootdir"))
_LOADED = frozenset(
    ("-r", "--require", "--import", "--loader", "--experimental-loader", "--preload", "-s", "--script", "--env-file", "-jar", "--file", "-f")
)
_MODULES = frozenset(("-m", "--module"))
# What runs when a folder is named instead of a file.
_MAIN = (
    "__main__.py", "package.json", "index.js", "index.mjs", "index.cjs", "index.ts", "main.py", "deno.json",
)  # fmt: skip
# A word that ends like this and is a file of the repository is taken for a program, whatever the launch does with it.
_PROGRAMS = frozenset(
    (
        *(
            "js",
            "jsx",
            "ts",
            "tsx",
            "cjs",
            "cjsx",
            "cts",
            "ctsx",
            "mjs",
            "mjsx",
            "mts",
            "mtsx",
            "node",
            "wasm",
            "py",
            "pyw",
            "rb",
            "pl",
            "php",
            "lua",
        ),
        *("sh", "bash", "zsh", "fish", "ps1", "psm1", "psd1", "bat", "cmd", "exe", "dll", "so", "dylib", "jar", "go", "rs", "csx"),
    )
)
_EDGES = str.maketrans(dict.fromkeys("\"'`;|&()<>=,", " "))
# A reference that has a default: only who runs the launch could make it another, and the default is what anybody else gets.
_DEFAULT = lazy(r"\$\{[A-Za-z_][A-Za-z0-9_]{0,100}:-([^{}$]{0,1000})\}")
# Runners of a project's own commands, and the files that say what these are.
_PROJECTS = {
    **dict.fromkeys(("npm", "npx", "pnpm", "yarn", "bun", "bunx"), ("package.json",)),
    **dict.fromkeys(("uv", "uvx", "poetry", "pdm", "hatch", "rye", "pipx"), ("pyproject.toml", "setup.py", "setup.cfg")),
    "pipenv": ("Pipfile",),
    "deno": ("deno.json", "deno.jsonc", "package.json"),
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
    "go": ("main.go",),
    "cargo": ("Cargo.toml", "src/main.rs", "build.rs"),
    **dict.fromkeys(
        ("docker", "podman", "docker-compose", "podman-compose"),
        ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),
    ),
}


class Ran(NamedTuple):
    """Files of the repository that a launch runs, by path, as digests; `unread` says what could not be read, and why."""

    files: dict[str, str]
    unread: dict[str, str]


def ran(launch: Launch, tree: Tree, root: str | None = None, config: str = "") -> Ran:
    """What a launch runs from inside the repository. Carriage returns before line feeds do not count.

    root: the tree's own place on disk. config: the path of the config that holds the launch, which some references start from.
    """
    files: dict[str, str] = {}
    unread: dict[str, str] = {}
    places = Places(root, own_folder(config))
    found = _found(tree, _paths(launch, places)) or _found(tree, _manifests(launch, places))
    for path in found:
        try:
            files[path] = _digest(tree.read(path, MAX_SCRIPT))
        except Unreadable as error:
            unread[path] = error.reason
    return Ran(files, unread)


class Places(NamedTuple):
    """Where paths start. root: the tree's own place on disk. own: the folder of the plugin that a config belongs to."""

    root: str | None
    own: str


def own_folder(config: str) -> str:
    """The folder that `${CLAUDE_PLUGIN_ROOT}` and its kin mean in a config."""
    folder = posixpath.dirname(config)
    return posixpath.dirname(folder) if posixpath.basename(folder) in _PLUGINS else folder


def _found(tree: Tree, paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(path for named in dict.fromkeys(paths) for path in _existing(tree, named)))


def _digest(data: bytes) -> str:
    return "sha256:" + sha256()(data.replace(b"\r\n", b"\n")).hexdigest()


def _bases(launch: Launch, places: Places) -> list[str]:
    """The folders below the root that relative words may start from."""
    first = _relative(launch.cwd.text, "", places) if launch.cwd else ""
    named = [option.value for option in launch.options if option.name in _FOLDERS and option.value]
    words = [word.text for word in launch.words]
    named += [word for flag, word in itertools.pairwise(words) if flag in _FOLDERS]
    named += _entered(launch)
    bases = [first, *(_relative(word, first or "", places) for word in named)]
    return list(dict.fromkeys(base for base in bases if base is not None))


def _paths(launch: Launch, places: Places) -> Iterator[str]:
    """Every path below the root that a word of the launch may name, existing or not."""
    for base in _bases(launch, places):
        yield from (path for word in (*_words(launch), *_programs(launch)) if (path := _relative(word, base, places)) is not None)
        yield from (path for word in _searched(launch) if (path := _relative(word, base, places)) is not None)
    for inner in _inside(launch):
        yield from _paths(inner, places)


def _words(launch: Launch) -> Iterator[str]:
    if launch.script is not None:
        yield from (launch.script.text, f"{launch.script.text}.js")  # Node.js finds it without its ending
    yield from (word.text for word in (*launch.wrappers, *launch.line[:1], *launch.words[:1]) if "/" in word.text or "\\" in word.text)
    for option in launch.options:
        if option.value and option.name in _LOADED:
            yield option.value
        elif option.value and option.name in _MODULES:
            yield from _module(option.value)
        elif option.name.startswith("-m") and launch.program.startswith("py"):
            yield from _module(option.name[2:])


def _is_local(package: Package) -> bool:
    return package.pin == "local" and bool(package.text)


def _module(name: str) -> tuple[str, ...]:
    module = name.replace(".", "/")
    return module, f"{module}.py", f"{module.partition('/')[0]}/__init__.py"


def _programs(launch: Launch) -> Iterator[str]:
    """Words that end like programs, in the command line, its command strings and its variables; a container's are its own."""
    if launch.image is not None:
        return
    texts = [word.text for word in launch.words[1:]] + [variable.value for variable in launch.env if variable.value]
    for text in texts:
        for part in text[:_LONGEST].translate(_EDGES).split():
            word = re.sub(r"(?<=\.py):\w+$", "", part) if ":" in part else part
            if "." in word and word.rpartition(".")[2].casefold() in _PROGRAMS:
                yield word


def _searched(launch: Launch) -> Iterator[str]:
    """The program as a PATH of the entry's own would find it in the repository."""
    first = launch.line[:1] or launch.words[:1]
    if not first or "/" in first[0].text or "\\" in first[0].text:
        return
    for variable in launch.env:
        if variable.name.upper() == "PATH" and variable.value:
            yield from (f"{folder}/{first[0].text}" for folder in re.split("[:;]", variable.value[:_LONGEST]) if folder and folder[0] not in "/~")


def _manifests(launch: Launch, places: Places) -> Iterator[str]:
    """The files that say what a project's own command runs (`npm start`, `make serve`)."""
    programs = {launch.program, *(word.text for word in launch.wrappers)}
    if not launch.image and not any(not _is_local(package) for package in launch.packages):
        local = [path for package in launch.packages if (path := _relative(package.text, "", places)) is not None]
        for base in local or _bases(launch, places):
            yield from (posixpath.join(base, name) for program in sorted(programs) for name in _PROJECTS.get(program, ()))
    for inner in _inside(launch):
        yield from _manifests(inner, places)


def _inside(launch: Launch) -> Iterator[Launch]:
    """The launches of a command string, where it starts and in each folder that it enters."""
    for inner in launch.inside:
        yield inner._replace(cwd=inner.cwd or launch.cwd)
        yield from (inner._replace(cwd=Word(folder, ())) for folder in _entered(launch))


def _entered(launch: Launch) -> list[str]:
    """The folders that a command string goes into (`cd tools && node server.js`)."""
    texts = (word.text[:_LONGEST] for word in launch.words if "cd " in word.text)
    return [folder for text in texts for folder in re.findall(r"\bcd\s{1,9}[\"']?([^\s\"';&|]{1,500})", text)]


def _relative(text: str, base: str, places: Places) -> str | None:
    """The path below the root that a word names ("" for the root itself), or None for one outside or none at all."""
    text = _DEFAULT.sub(r"\1", text) if ":-" in text[:_LONGEST] and not text.startswith(_ROOTS) else text
    if (below := without_root(text)) != text:
        text, base = below, ""
    elif own := next((mark for mark in _OWN if text.startswith(mark)), ""):
        text, base = text[len(own) :].lstrip("/\\") or ".", places.own
    text = text.removeprefix("file://").replace("\\", "/")
    if places.root is not None and (text == places.root or text.startswith(f"{places.root}/")):
        text, base = text[len(places.root) + 1 :] or ".", ""
    if not text or text.startswith(("/", "~", "$", "-")) or "\0" in text or text[1:2] == ":" or "://" in text or len(text) > _LONGEST:
        return None
    path = posixpath.normpath(posixpath.join(base, text))
    return None if path == ".." or path.startswith("../") else "" if path == "." else path


def placed(text: str) -> str:
    """The same for a plugin's own folder, too: what remains of a path whose beginning the gate knows."""
    mark = next((mark for mark in _OWN if text.startswith(mark)), "")
    return text[len(mark) :].lstrip("/\\") or "." if mark else without_root(text)


def without_root(text: str) -> str:
    """A path that begins with a client's name for the open folder, without that name; of a plugin's own folder the name stays."""
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
