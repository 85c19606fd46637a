"""What a command string would do: text in, pipelines of simple commands out, with the strings inside them. Nothing is expanded or run.

Read like a POSIX shell; PowerShell and cmd.exe are near enough for the questions the rules ask. `f (a)` of PowerShell is read as `a | f`.
"""

from __future__ import annotations

import functools
import re
from itertools import pairwise

from mcp_audit_gate.model import Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import shell, shells, wrappers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.sources.shell import Token

# Honest command strings are far shorter, and reading costs time; shell-wrapper reports what is longer.
LIMIT = 5000
_DEPTH = 5
_MERGED = 32
_MOST_GROUPS = 32


class Part(NamedTuple):
    """A word. raw: as written, quotes and backslashes kept. runs: the scripts in its `$(…)`, backquotes, `<(…)`. at: its number in the line."""

    text: str
    raw: str
    runs: tuple[Script, ...] = ()
    at: int = 0


class Command(NamedTuple):
    """A simple command, programs that only start another (`sudo`, `env`, `timeout 5`) taken off.

    name: base name of the program, lower case. parts: program and arguments. redirects: operator and target. sets: `NAME=value`
    words before it. string: the script that it hands to a shell (`sh -c "…"`). over: names of the programs taken off.
    """

    name: str
    parts: tuple[Part, ...]
    redirects: tuple[tuple[str, Part], ...] = ()
    sets: tuple[Part, ...] = ()
    string: Script | None = None
    over: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[Part, ...]:
        """What the program gets."""
        return self.parts[1:]


class Script(NamedTuple):
    """Pipelines in order; in each, a command's output goes to the next one."""

    pipelines: tuple[tuple[Command, ...], ...]


@functools.lru_cache(maxsize=16)
def read(text: str, depth: int = _DEPTH) -> Script:
    """The pipelines of a command string, at most LIMIT characters of it after blanks are squeezed."""
    text = re.sub(r"[ \t]{2,}", " ", text)[: 2 * LIMIT].replace("${IFS}", " ").replace("$IFS", " ").replace("$@", "")[:LIMIT]
    reader = _Reader(text, depth)
    for token in shell.split(text):
        reader.take(token)
    return reader.finish()


def line(words: Iterable[Word]) -> Script:
    """A command line that no shell reads, as a script of one command."""
    parts = tuple(Part(word.text, word.text, (), number) for number, word in enumerate(words))
    return Script(((_command(parts, (), (), 0),),) if parts else ())


def commands(script: Script) -> Iterator[Command]:
    """Every command of a script, those of the scripts inside it too."""
    for pipeline in pipelines(script):
        yield from pipeline


def pipelines(script: Script) -> Iterator[tuple[Command, ...]]:
    """Every pipeline of a script, those of the scripts inside it too."""
    for pipeline in script.pipelines:
        yield pipeline
        for command in pipeline:
            for inner in inside(command):
                yield from pipelines(inner)


def codes(script: Script) -> Iterator[str]:
    """The program texts that commands of a script hand to interpreters other than shells."""
    for command in commands(script):
        if command.name not in wrappers.SHELLS and takes_string(command.name, command.parts):
            part = program_part(command.name, command.parts)
            if part is not None:
                yield part.text


def inside(command: Command) -> Iterator[Script]:
    """The scripts in a command: in its words and redirections, and the string it hands to a shell."""
    for part in (*command.sets, *command.parts, *(target for _, target in command.redirects)):
        yield from part.runs
    if command.string is not None:
        yield command.string


_OPENS, _CLOSES = ("{", "do"), ("}", "done")
_FLOW = frozenset(("{", "}", "!", "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "time", "return"))
_SEPARATORS = frozenset(("&&", "||", ";", "|", "|&", "&", ";;", "(", ")", "\n", "\r"))


class _Reader:
    """Sorts tokens into commands and pipelines; brackets that feed a pipe, or a PowerShell function, count as one stage."""

    def __init__(self, text: str, depth: int) -> None:
        self._text = text
        self._depth = depth
        self._done: list[list[Command]] = []
        self._pipeline: list[Command] = []
        self._tokens: list[Token] = []
        self._groups: list[tuple[int, list[Command], Command | None]] = []
        self._closed: tuple[int, list[Command]] | None = None
        self._document = ""
        self._skipping = False
        self._piped = False

    def take(self, token: Token) -> None:
        """The next token of the text."""
        if self._skipping:
            self._skipping = token.text != self._document
            self._document = self._document if self._skipping else ""
            return
        if not token.operator or token.text not in _SEPARATORS:
            self._word(token)
            return
        opener = self._flush()
        if token.text == "(":
            self._open(opener)
        elif token.text == ")":
            self._keep(opener)
            self._close()
        else:
            self._keep(opener)
            self._separate(token.text)

    def finish(self) -> Script:
        """The script, when the text is at its end."""
        self._keep(self._flush())
        while self._groups:
            self._close()
        self._end()
        return Script(tuple(tuple(pipeline) for pipeline in self._done if pipeline))

    def _word(self, token: Token) -> None:
        if not self._tokens and not token.operator and not token.quoted and token.text in (*_OPENS, *_CLOSES):
            if token.text in _OPENS:
                self._open(None)
            else:
                self._close()
            return
        self._piped = False
        self._tokens.append(token)

    def _flush(self) -> Command | None:
        """The command that the words so far make."""
        tokens, self._tokens = self._tokens, []
        if not tokens:
            return None
        self._heredoc(tokens)
        command = _from_tokens(tokens, self._text, self._depth)
        return command if command.parts or command.redirects or command.sets else None

    def _heredoc(self, tokens: list[Token]) -> None:
        """Notes the end word of `<<END`: what follows is text, not commands. A shell's own input is left to be read as commands."""
        if not any(token.operator and "<<" in token.text for token in tokens):
            return
        shell_reads = any(wrappers.program_name(token.text) in wrappers.SHELLS for token in tokens if not token.operator and len(token.text) < 64)
        for before, after in pairwise(tokens):
            if before.operator and before.text.lstrip("0123456789") in ("<<", "<<-") and not shell_reads:
                self._document = after.text

    def _keep(self, command: Command | None) -> None:
        if command is not None:
            self._pipeline.append(command)

    def _separate(self, operator: str) -> None:
        if operator in "\r\n" and self._piped:
            return
        self._piped = operator in ("|", "|&")
        if self._piped:
            if self._closed is not None and self._pipeline is self._closed[1]:
                self._pipeline[:0] = self._grouped(self._closed[0])
            return
        self._end()
        if operator == "\n" and self._document:
            self._skipping = True

    def _grouped(self, first: int) -> list[Command]:
        """The commands of the pipelines that ended inside a group."""
        return [command for pipeline in self._done[first:][-_MERGED:] for command in pipeline][-_MERGED:]

    def _end(self) -> None:
        if self._pipeline:
            self._done.append(self._pipeline)
        self._pipeline = []

    def _open(self, opener: Command | None) -> None:
        if len(self._groups) == _MOST_GROUPS:
            self._keep(opener)
            return
        self._groups.append((len(self._done), self._pipeline, opener))
        self._pipeline = []

    def _close(self) -> None:
        if not self._groups:
            return
        first, outer, opener = self._groups.pop()
        inner = self._pipeline
        if opener is not None:
            inner = [*self._grouped(first), *inner]
        self._pipeline = [*outer[-_MERGED:], *inner[-_MERGED:], *([opener] if opener is not None else ())]
        self._closed = (first, self._pipeline)


def _from_tokens(tokens: list[Token], text: str, depth: int) -> Command:
    """Words, redirections and leading assignments of one simple command."""
    parts: list[Part] = []
    sets: list[Part] = []
    redirects: list[tuple[str, Part]] = []
    operator = ""
    for token in tokens:
        if token.operator:
            operator = "" if re.fullmatch(r"[0-9]*>>?&[0-9-]+", token.text) else operator + token.text
            continue
        part = _part(token, text, depth, len(parts))
        if operator:
            redirects.append((operator, part))
            operator = ""
        elif not parts and not token.quoted and token.text in _FLOW:
            continue
        elif not parts and (
            re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text[token.start : token.end]) or (text.startswith("$", token.start) and token.text.endswith("="))
        ):
            sets.append(part)
        elif not parts and re.fullmatch(r"\{[^{}]*,[^{}]*\}", token.text):
            # `{curl,-s,URL}` is three words to bash.
            parts += [Part(piece, piece, (), number) for number, piece in enumerate(token.text[1:-1].split(","))]
        else:
            parts.append(part)
    if len(parts) > 2 and parts[0].text.startswith("$") and parts[1].text == "=":
        sets, parts = [*sets, parts[0]], parts[2:]
    return _command(tuple(parts), tuple(redirects), tuple(sets), depth)


def _part(token: Token, text: str, depth: int, at: int) -> Part:
    runs = tuple(read(inner, depth - 1) for inner in token.inner) if depth > 0 else ()
    return Part(token.text, text[token.start : token.end], runs, at)


_EMPTY_AFTER = frozenset(("env", "exec", "command", "time", "nice", "nohup", "sudo", "su", "doas"))
_XARGS_VALUED = ("-I", "-n", "-P", "-d", "-L", "-s", "-E", "-a", "--replace", "--max-args", "--max-procs", "--delimiter")


def _command(parts: tuple[Part, ...], redirects: tuple[tuple[str, Part], ...], sets: tuple[Part, ...], depth: int) -> Command:
    """Takes off programs that only start another, and reads the string a shell gets."""
    over: list[str] = []
    name = _name(parts)
    while parts and len(over) < 8:
        inner = _inner(name, parts)
        if not inner or len(inner) >= len(parts):
            break
        over.append(name)
        parts = inner
        name = _name(parts)
    string = _string(name, parts)
    return Command(name, parts, redirects, sets, read(string, depth - 1) if string and depth > 0 else None, tuple(over))


def _name(parts: tuple[Part, ...]) -> str:
    """The program of a command. A backslash parts folders on Windows and is dropped elsewhere (`c\\url`)."""
    if not parts:
        return ""
    raw = parts[0].raw.strip("\"'")
    return wrappers.program_name(raw if re.match(r"[A-Za-z]:\\|\.{0,2}\\|%|\$env:", raw) else parts[0].text)


def _inner(name: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts behind a wrapper; none when the program is no wrapper, or a shell."""
    if name in ("xargs", "busybox", "parallel"):
        at = 1
        while at < len(parts) and parts[at].text.startswith("-"):
            at += 2 if parts[at].text in _XARGS_VALUED else 1
        return parts[at:]
    if name == "chroot":
        return parts[2:]
    if name in wrappers.SHELLS or name in wrappers.POWERSHELLS or name in ("cmd", "wsl", ""):
        return ()
    layer = wrappers.peel(tuple(Word(part.text, (number,)) for number, part in enumerate(parts)))
    if layer is None or not layer.line:
        return ()
    return tuple(parts[word.at[0]] for word in layer.line if isinstance(word.at[0], int))


def _string(name: str, parts: tuple[Part, ...]) -> str:
    """The script in the arguments of a shell, or ""."""
    rest = parts[1:]
    if name in wrappers.SHELLS:
        texts = [part.text for part in rest]
        return "\n".join(shells.filled(string.text, texts[string.after :], ()) for string in shells.strings(name, texts))
    if name == "eval":
        return " ".join(part.text for part in rest)
    if name in ("su", "script"):
        return next((after.text for before, after in pairwise(rest) if before.text in ("-c", "--command")), "")
    if name == "cmd":
        at = next((number for number, part in enumerate(rest) if part.text.lower() in ("/c", "/k", "/r")), len(rest))
        return " ".join(part.raw if len(rest) > at + 2 else part.text for part in rest[at + 1 :])
    if name in wrappers.POWERSHELLS:
        at = next((number for number, part in enumerate(rest) if len(part.text) > 1 and "-command".startswith(part.text.lower())), len(rest))
        return " ".join(part.text for part in rest[at + 1 :])
    return ""


# Short flags by which an interpreter takes its program, or a module, from the arguments instead of a file.
_TEXT_FLAGS = {
    "python": "cm", "py": "cm", "pypy": "cm", "node": "ep", "nodejs": "ep", "tsx": "ep", "bun": "ep", "ruby": "enp", "perl": "eEnp",
    "php": "rRBF", "lua": "e", "rscript": "e",
    "osascript": "e", "julia": "eE", "elixir": "e", "groovy": "e",
}  # fmt: skip
_VALUED = {"python": ("-W", "-X"), "ruby": ("-r", "-I", "-C"), "node": ("-r", "--require", "--import", "--loader"), "php": ("-d", "-c")}
_LONG_FLAGS = ("--eval", "--print", "--command", "--run", "--module")
STDIN = frozenset(("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))


def takes_string(name: str, parts: tuple[Part, ...]) -> bool:
    """True when an interpreter gets its program, or a module's name, as an argument (`-c`, `-e`, `-m`)."""
    if name in wrappers.SHELLS:
        return bool(shells.strings(name, [part.text for part in parts[1:]]))
    flags = _TEXT_FLAGS.get(shells.interpreter(name), "")
    for part in parts[1:]:
        text = part.text
        if not text.startswith(("-", "+")) or text in ("-", "--"):
            return False
        if text.partition("=")[0] in _LONG_FLAGS or (not text.startswith("--") and any(flag in text[1:] for flag in flags)):
            return True
    return False


def program_part(name: str, parts: tuple[Part, ...]) -> Part | None:
    """The first argument of an interpreter that is no flag: a script, `-`, or the text that `-c` announced."""
    strings = shells.strings(name, [part.text for part in parts[1:]]) if name in wrappers.SHELLS else ()
    if strings:
        return parts[strings[-1].at + 1]
    valued = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file") if name in wrappers.SHELLS else _VALUED.get(shells.interpreter(name), ())
    at = 1
    while at < len(parts):
        text = parts[at].text
        if text == "--":
            return parts[at + 1] if at + 1 < len(parts) else None
        if text in STDIN or not text.startswith(("-", "+")):
            if not (shells.interpreter(name) in ("deno", "bun") and text == "run"):
                return parts[at]
            at += 1
            continue
        at += 2 if text in valued else 1
    return None
