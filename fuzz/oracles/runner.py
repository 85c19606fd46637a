"""What GitHub's runner takes for a workflow command in a build log (actions/runner ActionCommand.cs, TryParse and TryParseV2, seen 2026-11)."""

from __future__ import annotations

import re
from typing import NamedTuple


class Command(NamedTuple):
    """A command that the runner would obey."""

    name: str
    properties: dict[str, str]
    data: str


_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


def commands(log: str) -> list[Command]:
    """Every command in a log; the runner reads it line by line and trims what stands before."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        command = _second(line.lstrip()) or _first(line)
        if command:
            found.append(command)
    return found


def _second(line: str) -> Command | None:
    """`::name key=value,key=value::data`."""
    if not line.startswith("::") or (end := line.find("::", 2)) < 0:
        return None
    name, _, rest = line[2:end].partition(" ")
    pairs = (pair.partition("=") for pair in rest.strip().split(",") if "=" in pair)
    return Command(name, {key: _unescaped(value, _PROPERTY) for key, _, value in pairs if value}, _unescaped(line[end + 2 :], _DATA))


def _first(line: str) -> Command | None:
    """`##[name key=value;key=value]data`, anywhere in a line."""
    start = line.find("##[")
    if start < 0 or (end := line.find("]", start)) < 0:
        return None
    return Command(line[start + 3 : end].partition(" ")[0], {}, line[end + 1 :])


def _unescaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for code, char in table:
        text = text.replace(code, char)
    return text
