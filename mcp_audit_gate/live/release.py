"""Which release of a package a started server runs: its session and the package in, an exact version out, or nothing where that is not certain.

Linux tells which files run; the folder that holds them says which release it is. Nothing is looked up, and nothing is guessed.
"""

from __future__ import annotations

import os
import re
import sys

from mcp_audit_gate.errors import Unreadable
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.sources.discover import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Launch

_FLOATING = ("none", "tag", "range")
_MANIFEST_BYTES, _WORDS = 1 << 20, 4  # the program, a flag or two, the script
_NPM = lazy(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:[-+][0-9A-Za-z.+-]{1,80})?")
_PYPI = lazy(r"[0-9][0-9A-Za-z.!+]{0,80}")


def floating(launch: Launch) -> tuple[str, str] | None:
    """Ecosystem and name of the package whose release the launch leaves open; None for any other launch."""
    package = launch.package
    if package is None or package.pin not in _FLOATING or package.source or package.ecosystem not in _FINDERS or len(launch.packages) > 1:
        return None
    return package.ecosystem, package.name


def running(session: int, package: tuple[str, str]) -> str | None:
    """The version of the package that the processes of a session run; None where they run none of it, or several."""
    ecosystem, name = package
    found = {version for words in _command_lines(session) for version in _FINDERS[ecosystem](words[:_WORDS], name)}
    return found.pop() if len(found) == 1 else None


def _command_lines(session: int) -> Iterator[list[str]]:
    """The command lines of all processes of a session (Linux; elsewhere none is seen)."""
    for number in filter(str.isdigit, os.listdir("/proc") if sys.platform == "linux" else ()):
        try:
            with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[3]) != session:
                    continue
            with open(f"/proc/{number}/cmdline", "rb") as line:
                yield os.fsdecode(line.read(1 << 16)).split("\0")
        except (OSError, IndexError, ValueError):  # ended meanwhile
            continue


def _of_node(words: list[str], name: str) -> Iterator[str]:
    """The version in the manifest of the package that a script belongs to: the innermost one, as a package holds those it needs."""
    for word in words:
        parts = os.path.realpath(word).split(os.sep) if os.path.isabs(word) else []
        inner = len(parts) - parts[::-1].index("node_modules") if "node_modules" in parts else 0
        wanted = name.split("/")
        if inner and parts[inner : inner + len(wanted)] == wanted and len(parts) > inner + len(wanted):
            manifest = _manifest(os.sep.join((*parts[: inner + len(wanted)], "package.json")))
            version = manifest.get("version")
            if manifest.get("name") == name and isinstance(version, str) and _NPM.fullmatch(version):
                yield version


def _manifest(path: str) -> dict[str, object]:
    import json

    try:
        value = json.loads(read_file(path, _MANIFEST_BYTES))
    except (Unreadable, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _of_python(words: list[str], name: str) -> Iterator[str]:
    """The version of the package that is installed in the virtual environment of a script."""
    scripts = {path for word in words if os.path.isabs(word) for path in (word, os.path.realpath(word))}
    for folder in {os.path.dirname(os.path.dirname(path)) for path in scripts}:
        if os.path.isfile(os.path.join(folder, "pyvenv.cfg")):
            yield from _installed(os.path.join(folder, "lib"), _normal(name))


def _installed(folder: str, name: str) -> Iterator[str]:
    for python in _listed(folder):
        for item in _listed(os.path.join(folder, python, "site-packages")):
            what, _, version = item.removesuffix(".dist-info").partition("-")
            if item.endswith(".dist-info") and _normal(what) == name and _PYPI.fullmatch(version):
                yield version


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


_FINDERS = {"npm": _of_node, "pypi": _of_python}
