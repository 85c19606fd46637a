"""Every command that an entry makes a client run, and the words of data/launch.json: the ground of the launch family."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.model import Launch, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.launch import ELSEWHERE, string_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from mcp_audit_gate.model import Entry
    from mcp_audit_gate.sources.scripts import Part, Script

# Fields that hold a command by their format: the client hands them to a shell, nobody wrapped a launch.
HELPERS = frozenset(("headersHelper", "headers_helper"))
# Runs `$(…)` in values when it loads the file (its README: "trusted code").
EXPANDING = frozenset(("crush",))


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


def runs_address(program: str, line: Sequence[Word | Part]) -> bool:
    """True for a program that runs what lies at an address it gets (`mshta https://…`)."""
    return program in words("address runners") and any("://" in word.text for word in line)


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
        yield from launch.inside


def depth(path: str) -> int:
    """How many folders the config's own folder lies below the root; a client's folder (.vscode, .claude/agents) does not count."""
    folders = path.split("/")[:-1]
    return next((number for number, name in enumerate(folders) if name.startswith(".")), len(folders))


def strings(launch: Launch) -> Iterator[String]:
    """The command strings of a launch: its own, or one that it hands to a shell in a way that only shows in its arguments."""
    elsewhere = launch.program in ELSEWHERE
    word = launch.shell or (string_in(_contained(launch)) if elsewhere else None)
    if word is not None:
        from mcp_audit_gate.sources import scripts

        yield String(word, scripts.read(word.text), elsewhere, elsewhere and _sealed(launch))


def _contained(launch: Launch) -> tuple[Word, ...]:
    """The command line that a container gets, the image's entry point left out."""
    entrypoint = tuple(Word(option.value, option.value_at) for option in launch.options if option.name == "--entrypoint" and option.value)
    return (*entrypoint[:1], *launch.arguments)


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
