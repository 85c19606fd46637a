"""Programs that only start another one: a command line in, the inner command line out.

`cmd /c`, `env A=b`, `sh -c "one command"`, `wsl`, `timeout 30`, `mise x --` and their kin are taken off, one layer a call.
"""

from __future__ import annotations

import re

from mcp_audit_gate.model import Variable, Word
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import shells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_audit_gate.sources.shell import Token

SHELLS = shells.SHELLS
POWERSHELLS = shells.POWERSHELLS

# Wrapper -> (flags that take the next word, plain words before the inner command).
_PLAIN = {
    "nice": (("-n", "--adjustment"), 0),
    "ionice": (("-c", "-n", "-p"), 0),
    "nohup": ((), 0),
    "busybox": ((), 0),
    "toybox": ((), 0),
    "setsid": ((), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "timeout": (("-k", "--kill-after", "-s", "--signal"), 1),
    "gtimeout": (("-k", "--kill-after", "-s", "--signal"), 1),
    "time": (("-f", "-o"), 0),
    "command": ((), 0),
    "exec": (("-a",), 0),
    "caffeinate": (("-t", "-w"), 0),
    "xvfb-run": (("-n", "-s", "-f", "-e", "-p", "-w"), 0),
    "sudo": (("-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "--user", "--group"), 0),
    "doas": (("-u", "-C"), 0),
    "pkexec": (("--user",), 0),
    "gsudo": (("-u", "--user"), 0),
    "poetry run": ((), 0),
    "pdm run": (("-p", "--project"), 0),
    "pipenv run": ((), 0),
    "rye run": ((), 0),
    "hatch run": ((), 0),
    "pixi run": (("-e", "--environment", "--manifest-path"), 0),
    "conda run": (("-n", "--name", "-p", "--prefix", "--cwd"), 0),
    "bundle exec": ((), 0),
    "volta run": (("--node", "--npm", "--yarn", "--pnpm"), 0),
    "corepack": ((), 0),
    "direnv exec": ((), 1),
    "dotenvx run": (("-f", "--env-file", "-e", "--env", "-fk"), 0),
}
# Wrapper -> how it begins; the inner command stands after `--`.
_DASHED = (
    "mise x",
    "mise exec",
    "asdf exec",
    "dotenv",
    "op run",
    "doppler run",
    "infisical run",
    "aws-vault exec",
    "vault run",
    "teller run",
    "chamber exec",
    "nix develop",
)

# Wrapper -> flags whose value is a string for a shell.
_STRINGS = {
    "su": ("-c", "-lc", "-mc", "-pc", "--command", "--session-command"),
    "runuser": ("-c", "-lc", "--command", "--session-command"),
    "script": ("-c", "-qc", "--command"),
    "nix-shell": ("--run", "--command"),
    "flock": ("-c", "--command"),
    "nodemon": ("-x", "--exec"),
    "entr": ("-s",),
    "forfiles": ("/c", "/C"),
}
# Programs whose first plain word is a command string -> flags that take the next word.
_TAKES_STRING = {
    "watch": ("-n", "--interval"),
    "parallel": ("-j", "--jobs", "-a", "--arg-file", "-n", "-N", "--delay", "--timeout"),
    "concurrently": ("-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-s", "--success"),
}


class Layer(NamedTuple):
    """What is left after one wrapper: the inner line, or a command string that stays a script; variables it sets."""

    line: tuple[Word, ...] = ()
    script: Word | None = None
    env: tuple[Variable, ...] = ()


def program_name(text: str) -> str:
    """Base name of a program, lower case, without .exe, .cmd, .bat or .ps1."""
    text = text.rstrip("\\/")
    name = text[max(text.rfind("/"), text.rfind("\\")) + 1 :].lower()
    if "." in name:
        for ending in (".exe", ".cmd", ".bat", ".com"):
            name = name.removesuffix(ending)
    return shells.plain_name(name)


def peel(line: tuple[Word, ...], known: Sequence[Variable] = ()) -> Layer | None:
    """The next layer of a command line; None when its program is no wrapper. known: the variables that the program gets."""
    name = program_name(line[0].text)
    rest = line[1:]
    if name == "cmd":
        return _cmd(rest, known)
    if name in SHELLS or shells.takes_string(name, [word.text for word in rest]):
        return _shell(name, rest, known)
    if name in POWERSHELLS:
        return _powershell(rest)
    if name == "wsl":
        return _wsl(rest)
    if name == "env":
        return _env(rest)
    if name in _TAKES_STRING and rest:
        # One word is a command string for a shell; several are a command line.
        inner = _after_flags(rest, _TAKES_STRING[name], 0)
        return simple(inner[0]) if inner and (len(inner) == 1 or (name != "watch" and " " in inner[0].text)) else Layer(inner)
    if name in _STRINGS:
        return _flagged(rest, _STRINGS[name])
    double = f"{name} {rest[0].text}" if rest else name
    for key in (double, name):
        if key in _PLAIN:
            return Layer(_after_flags(rest[1:] if " " in key else rest, *_PLAIN[key]))
        if key in _DASHED:
            after = [number for number, word in enumerate(rest) if word.text == "--"]
            return Layer(rest[after[0] + 1 :]) if after else Layer(_after_flags(rest[1:], (), 0)) if " " in key else None
    return None


def _after_flags(rest: tuple[Word, ...], valued: tuple[str, ...], plain: int) -> tuple[Word, ...]:
    """What follows the wrapper's own flags, variables (`sudo A=b cmd`) and `plain` words."""
    at = 0
    while at < len(rest):
        text = rest[at].text
        if text == "--":
            return rest[at + 1 + plain :]
        if not text.startswith("-") and not _assigns(text):
            break
        at += 2 if text in valued else 1
    return rest[at + plain :]


def _assigns(text: str) -> bool:
    return re.match(r"[A-Za-z_][A-Za-z0-9_]*=", text) is not None


def _cmd(rest: tuple[Word, ...], known: Sequence[Variable]) -> Layer | None:
    """`cmd /c …`: the rest is one command line for cmd.exe; `/ccommand` is read like `/c command`."""
    inner = _behind_switches(rest)
    if not inner:
        return None
    inner = tuple(word._replace(text=shells.filled(word.text, (), known)) for word in inner)
    odd = [word for word in inner if _splits(word.text)]
    if odd:
        text = " ".join(word.text for word in inner)
        return simple(Word(text, odd[0].at), (), True) if len(inner) == 1 else Layer(script=Word(text, odd[0].at))
    return simple(inner[0], (), True) if len(inner) == 1 else Layer(inner)


def _behind_switches(rest: tuple[Word, ...]) -> tuple[Word, ...]:
    """The command line after `/c`, `/k` or `/r`; empty without one of them."""
    for number, word in enumerate(rest):
        found = re.match(r"(?:/[abd-jl-qs-z](?::\w+)?)*(?:/([ckr])(?:/[a-z](?::\w+)?(?![\w:]))*)?", word.text, re.IGNORECASE)
        if found is None or not found.group():
            return ()
        if found[1]:
            attached = word.text[found.end() :].strip()
            return ((word._replace(text=attached),) if attached else ()) + rest[number + 1 :]
    return ()


def _splits(text: str) -> bool:
    """True for a word at which cmd.exe starts another command, or writes a file; `?a=1&b=2` of an address is meant as one word."""
    if "://" in text:
        return any(re.match(r"[\w.%~+\[\]-]*=\S*$", piece) is None for piece in text.split("&")[1:] if piece) or ("|" in text and " " not in text)
    return re.search(r"[&|<>^]|\bcall\b", text) is not None


def _shell(name: str, rest: tuple[Word, ...], known: Sequence[Variable]) -> Layer | None:
    """`sh -c "…"`: the command string; None for a script file."""
    texts = [word.text for word in rest]
    found = shells.strings(name, texts)
    if not found:
        return None
    text = "\n".join(shells.filled(string.text, texts[string.after :], known) for string in found)
    return simple(Word(text, rest[found[0].at].at))


# Parameters of PowerShell that take the next word, each with the fewest letters that mean it; it takes any longer beginning.
_POWERSHELL_VALUED = {
    "executionpolicy": 2, "version": 1, "windowstyle": 1, "inputformat": 3, "outputformat": 1, "configurationname": 6, "configurationfile": 6,
    "workingdirectory": 2, "settingsfile": 2, "psconsolefile": 2, "custompipename": 2, "encodedarguments": 8,
}  # fmt: skip
_POWERSHELL_SHORT = frozenset(("ep", "wd", "of", "if", "ea"))


def _powershell(rest: tuple[Word, ...]) -> Layer | None:
    """`pwsh -Command …` or the command alone; None for a script file."""
    at = 0
    while at < len(rest):
        flag = re.sub("^[\u2013\u2014\u2015]", "-", rest[at].text.lower())
        if flag[:1] in "-/" and (_is_prefix(flag[1:], "commandwithargs", 1) or flag[1:] == "cwa"):
            return _powershell_command(rest[at + 1 :])
        if flag[:1] in "-/" and (_is_prefix(flag[1:], "encodedcommand", 1) or flag[1:] == "ec") and at + 1 < len(rest):
            return Layer(script=Word(f"-EncodedCommand {rest[at + 1].text}", rest[at].at))
        if flag[:1] not in ("-", "/"):
            return None if flag.endswith(".ps1") and not re.search(r"[|;&<>(){}]", flag) else _powershell_command(rest[at:])
        if _is_prefix(flag[1:], "file", 1):
            return None
        valued = flag[1:] in _POWERSHELL_SHORT or any(_is_prefix(flag[1:], name, least) for name, least in _POWERSHELL_VALUED.items())
        at += 2 if valued else 1
    return None


def _is_prefix(text: str, word: str, least: int) -> bool:
    """True for a flag cut short, as PowerShell takes it."""
    return len(text) >= least and word.startswith(text)


def _powershell_command(inner: tuple[Word, ...]) -> Layer | None:
    if not inner:
        return None
    # A backtick between letters means nothing to PowerShell (`i`w`r`).
    inner = tuple(word._replace(text=re.sub(r"(?<=\w)`(?=\w)", "", word.text)) for word in inner)
    if len(inner) == 1:
        return simple(inner[0], (), True)
    odd = [word for word in inner if re.search(r"[|&;<>]|\$\(", word.text)]
    return Layer(script=Word(" ".join(word.text for word in inner), odd[0].at)) if odd else Layer(inner)


def _flagged(rest: tuple[Word, ...], flags: tuple[str, ...]) -> Layer | None:
    """`su [-] [USER] -c "…"`, `nix-shell --run "…"`."""
    for number, word in enumerate(rest):
        flag, equals, value = word.text.partition("=")
        if equals and flag.startswith("--") and flag in flags:
            return simple(word._replace(text=value))
        if word.text in flags and number + 1 < len(rest):
            return simple(rest[number + 1])
    return None


def _wsl(rest: tuple[Word, ...]) -> Layer:
    at = 0
    while at < len(rest) and rest[at].text.startswith(("-", "~")):
        text = rest[at].text
        at += 1
        if text in ("-e", "--exec", "--"):
            break
        at += 1 if text in ("-d", "--distribution", "-u", "--user", "--cd", "--shell-type") else 0
    inner = rest[at:]
    if len(inner) > 1 and any(word.text in _OPERATORS for word in inner) and (at == 0 or rest[at - 1].text not in ("-e", "--exec")):
        # Without --exec the words are joined for the shell in there.
        return simple(Word(" ".join(word.text for word in inner), inner[0].at))
    return simple(inner[0]) if len(inner) == 1 else Layer(inner)


_OPERATORS = frozenset(("|", "||", "&&", ";", "&", ">", ">>"))


def _env(rest: tuple[Word, ...]) -> Layer:
    """`env [-i] [-u NAME] [A=b …] cmd`, also `env -S "cmd …"`."""
    variables: list[Variable] = []
    at = 0
    while at < len(rest):
        text = rest[at].text
        split = re.match(r"(?:-[iv0]*S|--split-string(?:=|$))", text)
        if split and (len(text) > split.end() or at + 1 < len(rest)):
            attached = len(text) > split.end()
            string = rest[at]._replace(text=text[split.end() :]) if attached else rest[at + 1]
            layer = simple(string, tuple(variables))
            return layer._replace(line=(*layer.line, *rest[at + (1 if attached else 2) :])) if layer.line else layer
        if _assigns(text):
            name, _, value = text.partition("=")
            variables.append(Variable(name, value, rest[at].at, True))
        elif not text.startswith("-"):
            break
        at += 2 if text in ("-u", "--unset", "-C", "--chdir") else 1
    return Layer(rest[at:], env=tuple(variables))


_LEAD_INS = frozenset(("cd", "source", ".", "export", "set", "nvm", "fnm", "pushd", "umask", "ulimit", "conda", "shopt", "setopt", "unset", "eval"))
_SAFE_INNER = lazy(r"\s*(?:pwd(?:\s+-[LP])?|dirname \"?\$(?:0|\{?BASH_SOURCE(?:\[0\])?\}?)\"?|git rev-parse --show-toplevel|id -[ug]|npm root -g)\s*")


def simple(string: Word, env: tuple[Variable, ...] = (), backslash_is_plain: bool = False) -> Layer:
    """A command string: the one simple command in it, lead-ins taken off, else the string itself as a script."""
    text = string.text.replace("\\", "\\\\") if backslash_is_plain else string.text
    from mcp_audit_gate.sources import shell

    commands = list(shell.commands(shell.split(text)))
    variables = list(env)
    while commands:
        first, then = commands[0]
        names = [word.text for word in first if not word.operator]
        lead = bool(names) and names[0] in _LEAD_INS and then in ("&&", ";", "\n") and all(_is_safe(word) for word in first)
        if not lead or len(commands) == 1 or (names[0] == "eval"):
            break
        variables += [Variable(*_assignment(name), string.at, True) for name in names[1:] if names[0] == "export" and _assigns(name)]
        commands.pop(0)
    if len(commands) != 1 or commands[0][1] not in ("", ";", "\n"):
        return Layer(script=string, env=tuple(variables))
    words = list(_without_quiet_redirects(commands[0][0]))
    while words and not words[0].quoted and _assigns(words[0].text):
        variables.append(Variable(*_assignment(words.pop(0).text), string.at, True))
    if words and words[0].text == "exec":
        words.pop(0)
    harmless = all(not word.operator and _is_safe(word) for word in words)
    if not words or not harmless or words[0].text in ("eval", "source", "."):
        return Layer(script=string, env=tuple(variables))
    return Layer(tuple(Word(word.text, string.at) for word in words), env=tuple(variables))


def _is_safe(word: Token) -> bool:
    """True when whatever is substituted into the word only tells where things are."""
    return all(_SAFE_INNER.fullmatch(inner) for inner in word.inner)


def _assignment(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _without_quiet_redirects(words: tuple[Token, ...]) -> tuple[Token, ...]:
    """The words without `2>&1`, `>/dev/null` and `</dev/null`."""
    kept: list[Token] = []
    skip = False
    for number, word in enumerate(words):
        if skip:
            skip = False
        elif word.operator and re.fullmatch(r"[0-9]*>&[0-9-]", word.text):
            continue
        elif word.operator and number + 1 < len(words) and words[number + 1].text in ("/dev/null", "NUL", "nul"):
            skip = True
        else:
            kept.append(word)
    return tuple(kept)
