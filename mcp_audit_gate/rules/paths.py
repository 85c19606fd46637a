"""Paths of this machine that a launch hands to its server: a launch in, paths taken apart out. The ground of the scope family."""

from __future__ import annotations

import functools
import os
import re

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mcp_audit_gate.model import Launch, Pointer

# Linux's PATH_MAX: what is longer is no path, and need not be taken apart.
_LONGEST = 4096
# Every store, variable and flag of the data file holds one of these, so most launches need neither it nor a closer look.
STORES_HOLD = (
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".config/",
    ".docker/",
    ".password-",
    ".local/",
    ".mozilla/",
    "netrc",
    ".npmrc",
    ".pypirc",
    ".git-",
    ".env",
    "id_",
    "/proc",
    "keychains",
    "user data",
    "application support/",
)
VARIABLES_HOLD = ("root", "allowed")
FLAGS_HOLD = "allow"
FILESYSTEM_WORDS_HOLD = ("fs", "filesystem")
_HOME = r"\$\{?(?:env:)?(?:HOME|USERPROFILE)\}?|\$\{userHome\}|\{env:HOME\}|%(?:USERPROFILE|HOME|HOMEPATH)%"


class Path(NamedTuple):
    """A path taken apart. root: `/`, `~`, a drive (`c:`) or "" for a relative one; parts: without `.` and `..`; up: how far above."""

    root: str
    parts: tuple[str, ...]
    up: int = 0


class Handed(NamedTuple):
    """A path that a server is given. kind: root, mount or file."""

    path: Path
    at: Pointer
    kind: str
    readonly: bool = False


@functools.cache
def table() -> dict[str, Any]:
    """The lists of data/scope.json."""
    import json

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "scope.json")
    with open(path, encoding="utf-8") as file:
        lists: dict[str, Any] = json.load(file)
    return lists


def read_path(text: str) -> Path:
    """A path as the program will see it: references to the home are `~`, other references stand for a folder of unknown name."""
    text = addresses.fill(_with_home(text.strip().strip("\"'"))).replace("\\", "/")
    if text[:7].lower() == "file://":
        text = text[7:]
    text = re.sub(r"^//[?.]/", "", text)
    drive = re.match(r"/?([A-Za-z]:)(?=/|$)", text)
    if text.startswith("~"):
        user, _, rest = text[1:].partition("/")
        root, rest = ("/", f"home/{user}/{rest}") if user else ("~", rest)
    elif drive:
        root, rest = drive[1].lower(), text[drive.end() :]
    else:
        root, rest = ("/", text) if text.startswith("/") else ("", text)
    return _walk(root, rest.split("/"))


def _with_home(text: str) -> str:
    return re.sub(_HOME, "~", text, flags=re.IGNORECASE) if "$" in text or "%" in text or "{" in text else text


def _walk(root: str, steps: list[str]) -> Path:
    parts: list[str] = []
    up = 0
    while steps and steps[-1] in ("", "*", "**"):
        steps = steps[:-1]
    for step in steps:
        if step == "..":
            if parts:
                parts.pop()
            elif root == "~":
                root, parts = "/", ["home"]
            elif not root:
                up += 1
        elif step not in ("", "."):
            parts.append(step)
    return Path(root, tuple(parts), up)


def handed(launch: Launch) -> Iterator[Handed]:
    """Every path of this machine that a launch gives to the server."""
    if launch.image is not None or launch.runner == "docker run":
        yield from _mounts(launch)
        return
    yield from _arguments(launch)
    for variable in launch.env:
        name = variable.name.lower()
        if variable.value and any(part in name for part in VARIABLES_HOLD) and name in table()["root_variables"]:
            for path in _listed(variable.value):
                yield Handed(path, variable.at, "root")


def _mounts(launch: Launch) -> Iterator[Handed]:
    """The host sides of a container's bind mounts."""
    for option in launch.options:
        if option.name in ("-v", "--volume", "--mount") and option.value:
            yield from _mount(option.name, option.value, option.value_at)


def _mount(name: str, value: str, at: Pointer) -> Iterator[Handed]:
    filled = addresses.fill(_with_home(value))
    if name == "--mount":
        fields = dict(part.partition("=")[::2] for part in filled.split(","))
        source = fields.get("source") or fields.get("src") or ""
        if fields.get("type", "bind") == "bind" and source:
            yield Handed(read_path(source), at, "mount", bool({"readonly", "ro"} & set(fields)))
        return
    source, colon, rest = _host_side(filled)
    # A bare name is a volume of the runtime, and a lone path is one inside the container.
    if colon and (source.startswith(("/", "~", ".", addresses.HOLE)) or re.match(r"[A-Za-z]:[\\/]?", source)):
        options = rest.rpartition(":")[2].split(",")
        yield Handed(read_path(source), at, "mount", "ro" in options)


def _host_side(value: str) -> tuple[str, str, str]:
    drive = re.match(r"[A-Za-z]:(?=[\\/])", value)
    source, colon, rest = value[drive.end() if drive else 0 :].partition(":")
    return (drive[0] if drive else "") + source, colon, rest


def _arguments(launch: Launch) -> Iterator[Handed]:
    """Roots and files among the arguments of the server itself."""
    filesystem = bool(launch.arguments) and _is_filesystem(launch)
    flag = ""
    for word in launch.arguments:
        name, equals, value = word.text.partition("=")
        if word.text.startswith("-") and not equals:
            flag = word.text
            continue
        text = value if equals and name.startswith("-") else word.text
        meant = name if equals and name.startswith("-") else flag
        if not (meant and _denies(meant)):
            yield from _argument(text, word.at, meant, filesystem)
        # A plain flag may or may not take the next word; only flags of roots go on taking words.
        flag = flag if _takes_roots(flag) else ""


def _argument(text: str, at: Pointer, flag: str, filesystem: bool) -> Iterator[Handed]:
    if _takes_roots(flag) or (filesystem and _is_root(flag)):
        for path in _listed(text):
            yield Handed(path, at, "root")
    elif len(text) <= _LONGEST and "://" not in text and _may_be_store(text) and not (flag and flag in table()["locating_flags"]):
        path = read_path(text)
        # A sentence may name a store; a path hardly begins with several words.
        if path.root or " " not in "".join(path.parts[:1]):
            yield Handed(path, at, "file", True)


def _may_be_store(text: str) -> bool:
    low = text.lower().replace("\\", "/")
    return any(part in low for part in STORES_HOLD)


def _takes_roots(flag: str) -> bool:
    return FLAGS_HOLD in flag and flag in table()["root_flags"]


def _is_root(flag: str) -> bool:
    """True for the words of a file system server that are its roots: plain ones, and those of its flags for folders."""
    return not flag or flag in table()["filesystem_flags"] or not any(part in flag.lower() for part in table()["address_words"])


def _denies(name: str) -> bool:
    return any(part in name.lower() for part in table()["denying_words"])


def _listed(text: str) -> Iterator[Path]:
    """The paths of a list: JSON, or separated as the platform does it; a colon behind a drive's letter parts nothing."""
    filled = addresses.fill(_with_home(text)).strip("[] ")
    pieces = (piece for part in re.split(r"[,;\n]", filled) for piece in re.split(r"(?<!^[A-Za-z]):(?!//)", part.strip(" \"'")))
    for piece in dict.fromkeys(pieces):
        if piece.strip() and len(piece) <= _LONGEST:
            yield read_path(piece)


def identity(launch: Launch) -> set[str]:
    """The words of the names under which a launch's program goes; what only fetches or starts another (`npm`, `docker`) is not it."""
    before = len(launch.line) - len(launch.arguments) - 1
    names = [
        "" if launch.package or launch.image else launch.program,
        launch.package.name if launch.package else "",
        launch.image.name if launch.image else "",
        launch.script.text if launch.script else "",
    ]
    names += [launch.line[before].text] if 0 <= before < len(launch.line) else []
    names += [option.value for option in launch.options if option.name in ("-m", "--module", "--from") and option.value]
    return {word for name in names for word in re.split(r"[^a-z0-9]+", name.lower()) if word}


def _is_filesystem(launch: Launch) -> bool:
    """True for a server whose name says that it serves files."""
    if not any(part in word.text.lower() for word in launch.line for part in FILESYSTEM_WORDS_HOLD):
        return False
    return not identity(launch).isdisjoint(table()["filesystem_words"])
