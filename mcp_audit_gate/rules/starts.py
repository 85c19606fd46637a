"""Every command that an entry makes a client run, and how messages name it: the ground of the launch family."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Launch, Variable, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import scripts
from mcp_audit_gate.sources import wrappers
from mcp_audit_gate.sources.launch import Fields, command_string, understand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mcp_audit_gate.model import Entry, Pointer
    from mcp_audit_gate.rules.scripts import Script

# Fields that hold a command by their format: the client hands them to a shell, nobody wrapped a launch.
HELPERS = frozenset(("headersHelper", "headers_helper"))
# Runs `$(…)` in values when it loads the file (its README: "trusted code").
EXPANDING = frozenset(("crush",))
_MOST = 64
_SHELLS = frozenset((*wrappers.SHELLS, *wrappers.POWERSHELLS, "cmd"))
# What they start runs in a container or on another machine.
_ELSEWHERE = frozenset(
    ("docker", "podman", "nerdctl", "docker-compose", "podman-compose", "kubectl", "oc", "ssh", "devcontainer", "lxc", "limactl", "multipass")
)


class String(NamedTuple):
    """A command string that a shell will interpret. elsewhere: in a container; sealed: one that sees nothing of this machine."""

    word: Word
    script: Script
    elsewhere: bool = False
    sealed: bool = False


@functools.cache
def lists() -> dict[str, Any]:
    """The words of data/launch.json."""
    import json
    import os

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "launch.json")
    with open(path, encoding="utf-8") as file:
        table: dict[str, Any] = json.load(file)
    return table


@functools.cache
def words(name: str, part: str = "names") -> frozenset[str]:
    """One list of data/launch.json as a set."""
    found = lists()[name]
    return frozenset(found if isinstance(found, list) else found[part])


def server(entry: Entry) -> str:
    """How messages name the entry, at the beginning of a sentence."""
    if entry.kind == "command":
        return f"The command in {visible(str(entry.pointer[0]) if entry.pointer else entry.document.path, 80)}"
    return f'Server "{visible(entry.name, 80)}"'


def field(at: Pointer) -> str:
    """A pointer below the entry as people write it: args[1]."""
    return visible("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip("."), 80) or "the entry"


def given(entry: Entry, launch: Launch) -> bool:
    """True for a command that the format itself hands to a shell: a hook, a helper, `$(…)` of a client that runs it on loading."""
    if entry.kind == "command" or launch is entry.launches[0]:
        return entry.kind == "command"
    at = launch.words[0].at if launch.words else ()
    return entry.client in EXPANDING or (len(at) == 1 and at[0] in HELPERS)


def launches(entry: Entry) -> Iterator[Launch]:
    """Every launch of the entry, then those of the commands inside its command strings."""
    for launch in entry.launches:
        yield launch
        if launch.shell is not None:
            yield from _inside(launch.shell)


def _inside(string: Word) -> Iterator[Launch]:
    for number, command in enumerate(scripts.commands(scripts.read(string.text))):
        if number == _MOST:
            return
        line = tuple(Word(text, string.at) for text in (*command.over, *(part.text for part in command.parts)))
        named = [*command.sets, *(command.arguments if command.name == "export" else ())]
        pairs = (part.text.partition("=") for part in named if "=" in part.text)
        env = tuple(Variable(name, value, string.at, True) for name, _, value in pairs)
        if (line or env) and command.string is None:
            yield from understand(Fields(line, env=env, transport="stdio"))


def strings(launch: Launch) -> Iterator[String]:
    """The command strings of a launch: its own, or one that it hands to a shell in a way that only shows in its arguments."""
    elsewhere = launch.program in _ELSEWHERE
    word = launch.shell or (_handed(_contained(launch)) if elsewhere else _handed(launch.line[1:]) or _disguised(launch))
    if word is not None:
        yield String(word, scripts.read(word.text), elsewhere, elsewhere and _sealed(launch))


def _contained(launch: Launch) -> tuple[Word, ...]:
    """The command line that a container gets, the image's entry point left out."""
    entrypoint = tuple(Word(option.value, option.value_at) for option in launch.options if option.name == "--entrypoint" and option.value)
    return (*entrypoint[:1], *launch.arguments)


def _handed(rest: tuple[Word, ...]) -> Word | None:
    """The command string of a shell that stands among the arguments: `uv run bash -c "…"`, `find . -exec sh -c "…"`."""
    for number, word in enumerate(rest):
        name = word.text.rpartition("/")[2]
        if (name in _SHELLS or name.endswith(".exe")) and rest[number + 1 :] and wrappers.program_name(name) in _SHELLS:
            return understand(Fields(rest[number:], transport="stdio"))[0].shell
    return None


def _disguised(launch: Launch) -> Word | None:
    """What PowerShell takes for a command though no flag says so, and a variable of the entry whose text a shell runs."""
    flags = lists()["string flags"]["programs"].get(launch.program)
    if flags is not None:
        text = next((after for before, after in pairwise(launch.line) if before.text in flags), None)
        return command_string(text).shell if text is not None else None
    if launch.program in wrappers.POWERSHELLS:
        return launch.script if launch.script is not None and " " in launch.script.text else None
    first = launch.line[0].text if len(launch.line) == 1 and launch.wrappers else ""
    if not first.startswith("$"):
        return None
    name = first.lstrip("$").strip("{}")
    variable = next((variable for variable in launch.env if variable.name == name and variable.value), None)
    return command_string(Word(variable.value or "", variable.at)).shell if variable is not None else None


_OPENINGS = frozenset(("-v", "--volume", "--mount", "--volumes-from", "--device", "--privileged", "--pid", "-e", "--env", "--env-file"))


def _sealed(launch: Launch) -> bool:
    """True when the container gets neither files nor variables of this machine."""
    return launch.runner == "docker run" and not any(
        option.name in _OPENINGS or (option.name in ("--network", "--net") and option.value == "host") for option in launch.options
    )


def temporary(text: str) -> bool:
    """True for a path below a folder for temporary files, which everybody on the machine may write to."""
    low = text.lower().removeprefix("file://")
    data = lists()["temporary"]
    if low.startswith(("/", "\\")) or low[1:2] == ":":
        posix = low.replace("\\", "/")
        below = any(posix == folder or posix.startswith(folder + "/") for folder in data["folders"])
        return below or any(part in low.replace("/", "\\") for part in data["windows"])
    return low[:1] in ("$", "%", "{") and _temporary_variable().match(low) is not None


@functools.cache
def _temporary_variable() -> re.Pattern[str]:
    names = "|".join(lists()["temporary"]["variables"])
    return re.compile(rf"(?:\$\{{?(?:env:)?|%|\{{env:)(?:{names})(?!\w)")
