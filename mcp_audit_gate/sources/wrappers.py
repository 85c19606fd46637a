"""Programs that only start another one: a command line in, the inner command line out.

`cmd /c`, `env A=b`, `sh -c "one command"`, `wsl`, `timeout 30`, `mise x --` and their kin are taken off, one layer a call.
"""

from __future__ import annotations

import re

from mcp_audit_gate.model import Variable, Word
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import shell

SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "rbash"))
POWERSHELLS = frozenset(("powershell", "pwsh", "powershell_ise"))
ELEVATORS = frozenset(("sudo", "doas", "su", "pkexec", "runas", "gsudo"))

# Wrapper -> (flags that take the next word, plain words before the inner command).
_PLAIN = {
    "nice": (("-n", "--adjustment"), 0),
    "ionice": (("-c", "-n", "-p"), 0),
    "nohup": ((), 0),
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
    "su": ("-c", "--command"),
    "runuser": ("-c", "--command"),
    "script": ("-c", "-qc", "--command"),
    "nix-shell": ("--run", "--command"),
    "forfiles": ("/c", "/C"),
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
    return name


def peel(line: tuple[Word, ...]) -> Layer | None:
    """The next layer of a command line; None when its program is no wrapper."""
    name = program_name(line[0].text)
    rest = line[1:]
    if name == "cmd":
        return _cmd(rest)
    if name in SHELLS:
        return _shell(rest)
    if name in POWERSHELLS:
        return _powershell(rest)
    if name == "wsl":
        return _wsl(rest)
    if name == "env":
        return _env(rest)
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


def _cmd(rest: tuple[Word, ...]) -> Layer | None:
    """`cmd /c …`: the rest is one command line for cmd.exe."""
    at = 0
    while at < len(rest) and re.fullmatch(r"(?:/[a-zA-Z](?::\w+)?)+", rest[at].text):
        at += 1
    switches = "".join(word.text.lower() for word in rest[:at])
    if not ("/c" in switches or "/k" in switches or "/r" in switches) or at == len(rest):
        return None
    inner = rest[at:]
    odd = [word for word in inner if re.search(r"[&|<>^]|\bcall\b", word.text) and "://" not in word.text]
    if odd:
        text = " ".join(word.text for word in inner)
        return simple(Word(text, odd[0].at), (), True) if len(inner) == 1 else Layer(script=Word(text, odd[0].at))
    return simple(inner[0], (), True) if len(inner) == 1 else Layer(inner)


def _shell(rest: tuple[Word, ...]) -> Layer | None:
    """`sh -c "…"`: the command string; None for a script file."""
    at, command = 0, False
    while at < len(rest) and rest[at].text[:1] in "-+" and rest[at].text not in ("-", "--"):
        text = rest[at].text
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", text):
            command = True
        at += 2 if text in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file") else 1
    if at < len(rest) and rest[at].text == "--":
        at += 1
    return simple(rest[at]) if command and at < len(rest) else None


_POWERSHELL_VALUED = (
    "-executionpolicy",
    "-ep",
    "-ex",
    "-version",
    "-windowstyle",
    "-w",
    "-inputformat",
    "-outputformat",
    "-configurationname",
    "-workingdirectory",
    "-wd",
    "-settingsfile",
)


def _powershell(rest: tuple[Word, ...]) -> Layer | None:
    """`pwsh -Command …` or the command alone; None for a script file."""
    at = 0
    while at < len(rest):
        flag = rest[at].text.lower()
        if flag[:1] in "-/" and (_is_prefix(flag[1:], "commandwithargs", 1) or flag[1:] == "cwa"):
            return _powershell_command(rest[at + 1 :])
        if flag[:1] in "-/" and (_is_prefix(flag[1:], "encodedcommand", 1) or flag[1:] == "ec") and at + 1 < len(rest):
            return Layer(script=Word(f"-EncodedCommand {rest[at + 1].text}", rest[at].at))
        if flag[:1] not in ("-", "/"):
            return None if flag.endswith(".ps1") and not re.search(r"[|;&<>(){}]", flag) else _powershell_command(rest[at:])
        if _is_prefix(flag[1:], "file", 1):
            return None
        at += 2 if flag in _POWERSHELL_VALUED else 1
    return None


def _is_prefix(text: str, word: str, least: int) -> bool:
    """True for a flag cut short, as PowerShell takes it."""
    return len(text) >= least and word.startswith(text)


def _powershell_command(inner: tuple[Word, ...]) -> Layer | None:
    if not inner:
        return None
    if len(inner) == 1:
        return simple(inner[0], (), True)
    odd = [word for word in inner if re.search(r"[|&;<>]|\$\(", word.text)]
    return Layer(script=Word(" ".join(word.text for word in inner), odd[0].at)) if odd else Layer(inner)


def _flagged(rest: tuple[Word, ...], flags: tuple[str, ...]) -> Layer | None:
    """`su [-] [USER] -c "…"`, `nix-shell --run "…"`."""
    at = next((number for number, word in enumerate(rest) if word.text in flags), None)
    return simple(rest[at + 1]) if at is not None and at + 1 < len(rest) else None


def _wsl(rest: tuple[Word, ...]) -> Layer:
    at = 0
    while at < len(rest) and rest[at].text.startswith(("-", "~")):
        text = rest[at].text
        at += 1
        if text in ("-e", "--exec", "--"):
            break
        at += 1 if text in ("-d", "--distribution", "-u", "--user", "--cd", "--shell-type") else 0
    inner = rest[at:]
    return simple(inner[0]) if len(inner) == 1 else Layer(inner)


def _env(rest: tuple[Word, ...]) -> Layer:
    """`env [-i] [-u NAME] [A=b …] cmd`, also `env -S "cmd …"`."""
    variables: list[Variable] = []
    at = 0
    while at < len(rest):
        text = rest[at].text
        if text in ("-S", "--split-string") and at + 1 < len(rest):
            return simple(rest[at + 1], tuple(variables))
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


def _is_safe(word: shell.Token) -> bool:
    """True when whatever is substituted into the word only tells where things are."""
    return all(_SAFE_INNER.fullmatch(inner) for inner in word.inner)


def _assignment(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _without_quiet_redirects(words: tuple[shell.Token, ...]) -> tuple[shell.Token, ...]:
    """The words without `2>&1`, `>/dev/null` and `</dev/null`."""
    kept: list[shell.Token] = []
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
