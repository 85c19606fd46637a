"""The everyday command lines of `scan`, read without argparse, whose loading takes half as long as a bare interpreter's start.

What is not in these tables (a type, a choice, --help, a mistake) is left to options.parse, which reads the same lines to the same values.
"""

from __future__ import annotations

import os
import sys

from mcp_audit_gate.errors import UsageError, suggestion
from mcp_audit_gate.report import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
else:
    Namespace = type(sys.implementation)  # types.SimpleNamespace, without an import

_FLAGS = (
    *("--skip-connect", "--pin-check", "--staged", "--allow-empty", "--exit-zero", "--ignore-waivers", "--new-only", "--llm-analysis"),
    *("--user", "--quiet", "--verbose", "--fix", "--yes"),
)
_VALUES = ("--policy", "--lock", "--trusted-ref", "--baseline", "--category", "--llm-model")
_LISTS = ("--output", "--client", "--allow-launch")
_SHORT = {"-q": "--quiet", "-v": "--verbose", "-o": "--output"}
_OTHERS: dict[str, object] = {"color": "auto", "fail_on": None, "min_severity": "info", "timeout": 30.0, "jobs": 16, "now": None, "shard": None}


def scan(words: Sequence[str]) -> Namespace | None:
    """The options of a plain `scan`, or None when the words are anything else."""
    if not words or words[0] != "scan":
        return None
    values: dict[str, object] = {"command": "scan", **_OTHERS, **{_key(name): False for name in _FLAGS}, **{_key(name): None for name in _VALUES}}
    lists: dict[str, list[str]] = {"paths": [], "pass_env": [], **{_key(name): [] for name in _LISTS}}
    rest = iter(words[1:])
    for word in rest:
        name = _SHORT.get(word, word)
        if name in _FLAGS:
            values[_key(name)] = True
        elif name in _VALUES or name in _LISTS:
            value = next(rest, "")
            if not value or value[0] == "-":
                return None
            if name in _VALUES:
                values[_key(name)] = value
            else:
                lists[_key(name)].append(value)
        elif not word or word[0] == "-" or lists["paths"]:  # several paths may stand in several ways
            return None
        else:
            lists["paths"].append(word)
    return Namespace(**values, **lists)


def _key(option: str) -> str:
    return option[2:].replace("-", "_")


def outputs(given: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    """(format, file or None for standard output) for each -o; text on standard output when there is none. Raises UsageError."""
    chosen: list[tuple[str, str | None]] = []
    for item in given or ("text",):
        name, equals, file = item.partition("=")
        if name not in FORMATS:
            raise UsageError(f"-o {item}: there is no format {name!r}", f"choose one of {' '.join(FORMATS)}{suggestion(name, FORMATS)}")
        if equals and not file:
            raise UsageError(f"-o {item}: no file name after the equals sign", f"write -o {name}=FILE, or -o {name} for standard output")
        chosen.append((name, None if file in ("", "-") else file))
    if sum(file is None for _, file in chosen) > 1:
        raise UsageError("only one format can go to standard output", "give the others a file: -o sarif=FILE")
    files = [os.path.realpath(file) for _, file in chosen if file and (os.path.isfile(file) or not os.path.exists(file))]
    if len(set(files)) < len(files):
        raise UsageError("two outputs would go to one file", "give each format a file of its own")
    return tuple(chosen)
