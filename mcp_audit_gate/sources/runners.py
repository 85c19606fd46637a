"""The arguments of programs that fetch or host another (data/runners.json): words in, their own flags and the packages out."""

from __future__ import annotations

import functools
import json
import os

from mcp_audit_gate.model import Option, Package, Word
from mcp_audit_gate.sources import specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@functools.cache
def table() -> dict[str, Any]:
    """How each runner reads its arguments: data/runners.json."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "runners.json")
    with open(path, encoding="utf-8") as file:
        lists: dict[str, Any] = json.load(file)
    return lists


def read(rest: tuple[Word, ...], valued: list[str]) -> tuple[tuple[Option, ...], tuple[Word, ...]]:
    """The leading flags of a program and what follows them. `--flag=value` and `-fvalue` are read as flag and value."""
    found: list[Option] = []
    at = 0
    while at < len(rest) and rest[at].text.startswith("-") and rest[at].text != "-":
        word = rest[at]
        at += 1
        if word.text == "--":
            break
        name, equals, value = word.text.partition("=")
        short = word.text[:2]
        if equals and name.startswith("--"):
            found.append(Option(name, value, word.at, word.at))
        elif word.text in valued and at < len(rest):
            found.append(Option(word.text, rest[at].text, word.at, rest[at].at))
            at += 1
        elif not word.text.startswith("--") and len(word.text) > 2 and short in valued and word.text not in valued:
            found.append(Option(short, word.text[2:].removeprefix("="), word.at, word.at))
        elif _is_cluster(word.text, valued) and at < len(rest):
            found.append(Option(f"-{word.text[-1]}", rest[at].text, word.at, rest[at].at))
            at += 1
        else:
            found.append(Option(word.text, None, word.at, word.at))
    return tuple(found), rest[at:]


def _is_cluster(text: str, valued: list[str]) -> bool:
    """True for short flags in one word of which the last takes a value (`-itv`)."""
    return len(text) > 2 and text[1:].isalpha() and not text.startswith("--") and f"-{text[-1]}" in valued


def scattered(rest: tuple[Word, ...], valued: list[str]) -> tuple[tuple[Option, ...], tuple[Word, ...]]:
    """The runner's flags with values behind the package, up to `--` (npm and dotnet read them there, too), and the other words."""
    found: list[Option] = []
    kept: list[Word] = []
    at = 0
    while at < len(rest) and rest[at].text != "--":
        word = rest[at]
        name, equals, value = word.text.partition("=")
        known = name in valued or (name.startswith("--@") and name.endswith(":registry"))
        if known and (equals or at + 1 < len(rest)):
            at += 0 if equals else 1
            found.append(Option(name, value if equals else rest[at].text, word.at, rest[at].at))
        else:
            kept.append(word)
        at += 1
    return tuple(found), (*kept, *rest[at:])


def values(options: tuple[Option, ...], names: tuple[str, ...]) -> tuple[Word, ...]:
    """The values of the flags of these names."""
    return tuple(Word(option.value, option.value_at) for option in options if option.value and option.name in names)


def package(ecosystem: str, word: Word, runner: str, options: tuple[Option, ...]) -> Package | None:
    """The package that a runner fetches for an argument; None for a file that deno runs."""
    found = specs.package(ecosystem, word)
    if found is None:
        return None
    version = next(iter(values(options, ("--version",))), None) if ecosystem == "nuget" and not found.version else None
    if version:
        found = (specs.package("nuget", Word(f"{found.name}@{version.text}", word.at)) or found)._replace(text=word.text)
    return _settled(found, runner, options)


def added(runner: str, options: tuple[Option, ...]) -> list[Package]:
    """The packages that are installed beside the one that is run (`--with`)."""
    names = table()[runner].get("with", ())
    return [_settled(found, runner, options) for word in values(options, names) for found in specs.requirements(word)]


_LOCKS = ("--no-install", "--offline")
_DATES = ("--exclude-newer", "--before")


def _settled(found: Package, runner: str, options: tuple[Option, ...]) -> Package:
    """The package, as locked where a flag says that something other than the newest release decides."""
    if found.pin not in ("none", "tag", "range"):
        return found
    locks = (*table()[runner].get("locks", ()), *_LOCKS)
    locked = any(option.name in locks or (option.name in _DATES and (option.value or "")[:4].isdigit()) for option in options)
    return found._replace(pin="locked") if locked else found


def inline_code(text: str, table: dict[str, Any]) -> str | None:
    """For a flag after which program text stands, the text attached to it ("" when it is the next word); None for other flags.

    `-c`, `--eval=1`, and short flags in one word: `-Ic`, `-we`, `-e1`.
    """
    if not text.startswith("-"):
        return None
    name, _, value = text.partition("=")
    if text in table["code"]:
        return ""
    if text.startswith("--"):
        return value if name in table["code"] else None
    for at, letter in enumerate(text[1:], 1):
        flag = f"-{letter}"
        if flag in table["code"]:
            return text[at + 1 :]
        if not letter.isalnum() or letter in table.get("stops", "") or flag in table["value"] or flag in table.get("module", ()):
            return None
    return None
