"""Whether a script runs what it has just fetched or decoded: a script and a kind of source in, yes or no out."""

from __future__ import annotations

import re
from itertools import pairwise

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules.starts import lists, runs_address, words
from mcp_audit_gate.sources import scripts, shells, wrappers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.sources.scripts import Command, Part, Script

    Source = Callable[[Command], bool]

_MOST_NAMES = 16


class _Saved(NamedTuple):
    """Where fetched text lies: base names of files, variables (`$x`); unpacked: [True] once an archive of it was opened."""

    files: set[str]
    variables: set[str]
    unpacked: list[bool]


def downloads(command: Command) -> bool:
    """True for a command that fetches from a network."""
    if command.name in words("downloaders"):
        return True
    if command.name == "openssl":
        return any(part.text == "s_client" for part in command.arguments)
    if command.name == "new-object":
        return any("net.webclient" in part.text.lower() or "net.http.httpclient" in part.text.lower() for part in command.arguments)
    return command.name.endswith(tuple(lists()["downloaders"]["methods"]))


def decodes(command: Command) -> bool:
    """True for a command that turns encoded text or bytes into plain ones."""
    texts = [part.text for part in command.arguments]
    if command.name in ("base64", "gbase64", "base32", "basenc"):
        return any(text == "--decode" or re.fullmatch(r"-[a-z]*[dD][a-z]*", text) for text in texts)
    if command.name == "xxd":
        return any(re.fullmatch(r"-[a-z]*r[a-z]*", text) for text in texts)
    if command.name == "openssl":
        return "-d" in texts
    if command.name == "certutil":
        return any(text.lower() in ("-decode", "/decode", "-decodehex") for text in texts)
    return command.name == "uudecode" or command.name.endswith(("frombase64string", "fromhexstring"))


def executes(script: Script, source: Source) -> bool:
    """True when what `source` gives reaches an interpreter: by a pipe, `<(…)`, `$(…)`, a variable, or a file that is then run."""
    return _executes(script, source, _Saved(set(), set(), []))


def _executes(script: Script, source: Source, saved: _Saved) -> bool:
    for pipeline in script.pipelines:
        flows = False
        for command in pipeline:
            if (flows and takes_program(command)) or _runs_text(command, source, saved) or _runs_saved(command, saved):
                return True
            if source is downloads and runs_address(command.name, command.parts):
                return True
            flows = flows or _gives(command, source, saved)
            if flows:
                _save(command, source, saved)
            if any(_executes(inner, source, saved) for inner in scripts.inside(command)):
                return True
    return False


def _holds(script: Script, source: Source) -> bool:
    """True when some command of the script is a source."""
    return any(source(command) for command in scripts.commands(script))


def _gives(command: Command, source: Source, saved: _Saved) -> bool:
    """True when the command's output, or what it sets, comes from the source."""
    if source(command) or any(_names(part, saved) for part in command.parts) or (command.string is not None and _holds(command.string, source)):
        return True
    if saved.files and any(_base(part.raw) in saved.files for part in command.arguments):
        return True
    parts = (*command.sets, *command.parts, *(target for operator, target in command.redirects if "<" in operator))
    return any(_holds(inner, source) for part in parts for inner in part.runs)


def takes_program(command: Command) -> bool:
    """True for a command that takes what it runs from its input."""
    name = shells.interpreter(command.name)
    if command.name in words("evaluators"):
        return not command.arguments or command.arguments[0].text in scripts.STDIN
    if any(
        part.text.startswith(">(") and any(takes_program(inner) for run in part.runs for inner in scripts.commands(run)) for part in _all(command)
    ):
        return True
    if name not in words("interpreters") and command.name not in words("interpreters"):
        return False
    program = scripts.program_part(command.name, command.parts)
    if "xargs" in command.over:
        return scripts.takes_string(command.name, command.parts) and (program is None or "{}" in program.text)
    if command.name in wrappers.SHELLS and any(re.fullmatch(r"-[a-z]*s[a-z]*", part.text) for part in command.arguments[:2]):
        return True
    if scripts.takes_string(command.name, command.parts):
        return False
    if name in ("deno", "bun", "tsx") and program is None:
        return False
    return program is None or program.text in scripts.STDIN


def _all(command: Command) -> Iterator[Part]:
    yield from command.parts
    for _, target in command.redirects:
        yield target


def _program_text(command: Command) -> Iterator[Part]:
    """The parts of a command whose output, or content, is run as a program."""
    if command.parts and command.parts[0].raw.strip("\"'").startswith(("$", "`")):
        yield command.parts[0]
    if command.name in words("evaluators"):
        yield from command.arguments
    elif shells.interpreter(command.name) in words("interpreters"):
        program = scripts.program_part(command.name, command.parts)
        if program is not None and (scripts.takes_string(command.name, command.parts) or program.text.startswith("<(")):
            yield program
        if program is None or takes_program(command):
            yield from (target for operator, target in command.redirects if "<" in operator)


def _runs_text(command: Command, source: Source, saved: _Saved) -> bool:
    """True when a program text holds the source's output: `bash -c "$(curl …)"`, `source <(curl …)`, `eval "$x"`."""
    for part in _program_text(command):
        if any(_holds(inner, source) for inner in part.runs) or _names(part, saved):
            return True
        if command.name in words("evaluators") and source is downloads and part.text.lower().endswith(tuple(lists()["downloaders"]["methods"])):
            return True
    return False


def _names(part: Part, saved: _Saved) -> bool:
    """True when the word names a variable that holds the source's output."""
    return "$" in part.text and any(name in part.text or f"${{{name[1:]}}}" in part.text for name in saved.variables)


def _base(text: str) -> str:
    return re.split(r"[\\/]", text.strip("\"'").rstrip("\\/"))[-1].lower()


def _runs_saved(command: Command, saved: _Saved) -> bool:
    """True when the command runs, or unpacks and then runs, a file that was saved before."""
    if not command.parts or not (saved.files or saved.unpacked):
        return False
    if command.name in words("unpackers"):
        if any(_base(part.raw) in saved.files for part in command.arguments):
            saved.unpacked.append(True)
        return False
    first = command.parts[0].raw.strip("\"'")
    if ("/" in first or "\\" in first or first.lower().endswith((".exe", ".bat", ".cmd", ".ps1"))) and (
        _base(first) in saved.files or saved.unpacked
    ):
        return True
    if command.name in words("evaluators") or command.name in words("openers"):
        return any(_base(part.raw) in saved.files for part in command.arguments)
    if shells.interpreter(command.name) in words("interpreters"):
        program = scripts.program_part(command.name, command.parts)
        return any(part is not None and _base(part.raw) in saved.files for part in (program, *_after_file(command)))
    return False


def _after_file(command: Command) -> Iterator[Part]:
    """The script of `pwsh -File script`, or of `sh < script`."""
    for before, after in pairwise(command.parts):
        if before.text.lower() in ("-file", "-f"):
            yield after
    yield from (target for operator, target in command.redirects if "<" in operator)


def _save(command: Command, source: Source, saved: _Saved) -> None:
    """Notes the files and variables that get the source's output."""
    if len(saved.files) + len(saved.variables) >= _MOST_NAMES:
        return
    for part in command.sets:
        saved.variables.add("$" + part.text.partition("=")[0].lstrip("$"))
    saved.files.update(_base(target.raw) for operator, target in command.redirects if operator.endswith((">", ">|")) and target.text != "/dev/null")
    if command.name == "tee":
        saved.files.update(_base(part.raw) for part in command.arguments if not part.text.startswith("-"))
    if command.name in words("unpackers"):
        saved.unpacked.append(True)
    if source(command):
        saved.files.update(name for name in map(_base, _targets(command)) if name)
    saved.files.discard("null")


def _targets(command: Command) -> Iterator[str]:
    """The files that a downloader writes: after -o and its kin, else named like the end of the address."""
    flags = lists()["downloaders"]["saves"]
    for before, after in pairwise(command.parts):
        if (before.text in flags or re.fullmatch(r"-[a-zA-Z]+o", before.text)) and not after.text.startswith("-"):
            yield after.raw
    for part in command.arguments:
        flag, equals, value = part.raw.partition("=")
        if equals and flag in flags:
            yield value
        elif part.text.startswith("-o") and len(part.text) > 2:
            yield part.raw[2:]
        elif "://" in part.text and _keeps_name(command):
            yield part.text.partition("?")[0]
    if command.name in ("certutil", "bitsadmin") and len(command.parts) > 2:
        yield command.parts[-1].raw


def _keeps_name(command: Command) -> bool:
    """True for a downloader that names the file like the end of the address."""
    if command.name == "curl":
        return any(part.text.startswith("--remote-name") or re.fullmatch(r"-[a-zA-Z]*O[a-zA-Z]*", part.text) for part in command.arguments)
    return command.name in ("wget", "wget2", "fetch", "aria2c")
