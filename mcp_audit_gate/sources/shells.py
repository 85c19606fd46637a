"""Which programs are shells, and the command string in their arguments: a name and texts in, the string and what follows it out.

Option tables: manuals of bash 5.2, dash 0.5, zsh 5.9, ksh93, fish 4.0, nushell 0.100, tcsh 6.24, yash 2.57 (seen 2026-11-22).
"""

from __future__ import annotations

import re

from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_audit_gate.model import Variable, Word

SHELLS = frozenset((
    "sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "rbash", "mksh", "lksh", "oksh", "loksh", "pdksh", "ksh93", "rksh", "pfksh", "posh", "yash",
    "csh", "tcsh", "bsdcsh", "nu", "xonsh", "elvish", "osh", "ysh", "bosh", "pbosh", "hush", "rzsh", "brush", "murex", "ion", "bsh", "jsh", "gwsh",
))  # fmt: skip
POWERSHELLS = frozenset(("powershell", "pwsh", "powershell_ise"))
# Other names of a shell, as program_name spells them.
_ALIASES = {
    "pwsh-preview": "pwsh", "pwsh-lts": "pwsh", "%comspec%": "cmd", "$comspec": "cmd",
    "${comspec}": "cmd", "${env:comspec}": "cmd", "$env:comspec": "cmd",
}  # fmt: skip
_LONG = ("--command", "--commands", "--init-command", "--execute", "--init-cmd")
_VALUED = ("--rcfile", "--init-file", "--config", "--env-config", "--debug-output", "--profile", "--rc")
# Shells whose -c takes what stands right behind it, by getopt.
_ATTACHED = {"fish": "cC", "nu": "ce"}


class String(NamedTuple):
    """A command string: its number among the arguments, its text (also `--command=text`), and the number of the first word behind it."""

    at: int
    text: str
    after: int


def plain_name(name: str) -> str:
    """The name of a shell without its version or edition (bash5, zsh-5.9, pwsh-preview); other names as they are."""
    if name[-1:].isdigit():
        bare = name.rstrip("0123456789.-_")
        return bare if bare in SHELLS or bare in POWERSHELLS else name
    return _ALIASES.get(name, name)


def interpreter(name: str) -> str:
    """The name without a version: python3.12, perl5.36, php8."""
    return name.removesuffix("w").rstrip("0123456789.") or name


def strings(name: str, texts: Sequence[str]) -> tuple[String, ...]:
    """The command strings that the arguments of a shell hold; none for a script file, or a shell that reads its input."""
    attached = _ATTACHED.get(name, "")
    found: list[String] = []
    at, command = 0, False
    while at < len(texts) and texts[at][:1] in ("-", "+") and texts[at] not in ("-", "--"):
        text = texts[at]
        at += 1
        if text.startswith("--"):
            flag, equals, value = text.partition("=")
            if flag in _LONG and (equals or at < len(texts)):
                found.append(String(at - 1, value, at) if equals else String(at, texts[at], at + 1))
            at += 0 if equals or flag not in (*_LONG, *_VALUED) else 1
            continue
        cut = next((number for number, char in enumerate(text) if number and char in attached), 0)
        if not cut and not text[1:].isalnum() and text[1:2] == "c":
            cut = 1
        if cut and (text[cut + 1 :] or at < len(texts)):
            found.append(String(at - 1, text[cut + 1 :], at) if text[cut + 1 :] else String(at, texts[at], at + 1))
            at += 0 if text[cut + 1 :] else 1
            continue
        command = command or (text[:1] == "-" and "c" in text)
        # Every o of `-euo pipefail` takes a word, which never looks like a flag (`zsh -opipefail -c …` has it attached).
        for _ in range(text.count("o") + text.count("O")):
            at += 1 if at < len(texts) and texts[at][:1] not in ("-", "+") else 0
    if at < len(texts) and texts[at] == "--":
        at += 1
    if command and at < len(texts):
        found.append(String(at, texts[at], at + 1))
    return tuple(found)


def takes_string(name: str, texts: Sequence[str]) -> bool:
    """True for a program that nothing but its name makes a shell (`foosh -c "a | b"`)."""
    if not name.endswith("sh") or name in _NO_SHELLS or not 3 < len(name) < 16:
        return False
    found = strings(name, texts)
    return bool(found) and re.search(r"[|;&`\n]|\$\(", found[0].text) is not None


_NO_SHELLS = frozenset(
    ("ssh", "mosh", "autossh", "push", "mongosh", "mysqlsh", "cqlsh", "psysh", "tclsh", "wish", "refresh", "publish", "finish", "flush")
)

# A reference where a program is expected, or where its value is a command string itself.
_COMMANDING = lazy(r"(?:^|[;&|(\n]|\b(?:exec|eval|command|then|do|else)\s|-[a-z]*c\s|/c\s)[ \t]*[\"']?[\w./-]{0,64}[$%!]")


def referring(text: str) -> bool:
    """True for a command string that runs what a variable or an argument of the shell holds."""
    return ("$" in text or "%" in text or "!" in text) and _COMMANDING.search(text) is not None


def filled(text: str, arguments: Sequence[str], variables: Iterable[Variable]) -> str:
    """A command string with `$0`, `"$@"` and literal variables of the entry in place, where it runs what they hold."""
    # A string that is one variable, or hands one to a shell, is told at the variable, by the launch.
    if len(text) > 20000 or not referring(text) or re.fullmatch(r"\s*(?:[\w./-]+ +-\w+ +)?\"?\$\{?[A-Za-z_]\w*\}?\"?\s*", text):
        return text
    values = {str(number): value for number, value in enumerate(arguments)}
    if arguments:
        values["@"] = values["*"] = "\0".join(arguments[1:])
    values |= {variable.name: variable.value for variable in variables if variable.value and "${" not in variable.value}
    if not values:
        return text
    return _reference().sub(lambda found: _value(found, values), text)


def _reference() -> re.Pattern[str]:
    name = r"([A-Za-z_]\w*|[0-9@*])"
    return re.compile(rf'"\$(?:{name}|\{{{name}\}})"|\$(?:{name}|\{{{name}\}})|%([A-Za-z_]\w*)%|!([A-Za-z_]\w*)!')


def _value(found: re.Match[str], values: dict[str, str]) -> str:
    name = found[found.lastindex or 0]
    value = values.get(name)
    if value is None or len(value) > 20000:
        return found.group()
    if found.group()[0] in "%!":
        return value
    if name in ("@", "*"):
        return " ".join(_quoted(word) for word in value.split("\0")) if value else ""
    if found.group()[0] == '"':
        return _quoted(value)
    return " ".join(word if re.fullmatch(r"[\w./:=@%+,-]+", word) else _quoted(word) for word in value.split())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_DEFAULT = lazy(r"\$\{(?:env:)?\w+:-([^{}]*)\}")


def defaults(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words with `${X:-default}` read as its default where it decides what runs: in the program, as a flag, as a shell's string."""
    if not any(":-" in word.text for word in words):
        return words
    program = words[0]
    if "${" in program.text and all(re.fullmatch(r"[\w.-]*", default) for default in _DEFAULT.findall(program.text)):
        program = program._replace(text=_DEFAULT.sub(r"\1", program.text))
    name = plain_name(re.split(r"[\\/]", program.text.lower())[-1].removesuffix(".exe"))
    shell = name in SHELLS or name in POWERSHELLS or name == "cmd"
    return (program, *(_default(word, shell) for word in words[1:]))


def _default(word: Word, always: bool) -> Word:
    found = _DEFAULT.fullmatch(word.text) if ":-" in word.text else None
    return word._replace(text=found[1]) if found and (always or found[1].startswith("-")) else word
