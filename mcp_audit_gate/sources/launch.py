"""What an entry really starts or calls: the fields of an entry in, Launch out.

The one place where launches are understood; rules, lockfile and capabilities use its answer. Arguments are split as the client
would split them and read by the argument table of the program that gets them; nothing is searched in a joined line.
"""

from __future__ import annotations

import functools
import json
import os
import re

from mcp_audit_gate.model import Image, Launch, Option, Package, Variable, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import shell, specs, wrappers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_LAYERS = 16
# Programs that take flags before their subcommand, and the table that knows which of those have a value.
_GLOBAL = {"uv": "uv run", "npm": "npx", "pnpm": "pnpm dlx", "yarn": "yarn dlx"}
CONTAINERS = frozenset(("docker", "podman", "nerdctl"))
INTERPRETERS = {
    "node": "node", "nodejs": "node", "tsx": "tsx", "ts-node": "ts-node", "bun": "bun", "deno": "deno", "ruby": "ruby",
    "perl": "perl", "php": "php", "rscript": "rscript", "java": "java", "dotnet": "dotnet", "python": "python", "py": "python", "pypy": "python",
}  # fmt: skip


class Fields(NamedTuple):
    """What an entry says, whatever its spelling: the command line as words, addresses, variables."""

    words: tuple[Word, ...] = ()
    urls: tuple[Word, ...] = ()
    env: tuple[Variable, ...] = ()
    headers: tuple[Variable, ...] = ()
    cwd: Word | None = None
    transport: str = ""


@functools.cache
def _table() -> dict[str, Any]:
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "runners.json")
    with open(path, encoding="utf-8") as file:
        table: dict[str, Any] = json.load(file)
    return table


def understand(fields: Fields) -> tuple[Launch, ...]:
    """The launch of an entry, then the launches of command strings that its program starts in turn."""
    launch = Launch(transport=fields.transport, words=fields.words, urls=fields.urls, env=fields.env, headers=fields.headers, cwd=fields.cwd)
    if not fields.words:
        return (launch,)
    launch = _unwrap(launch)
    if not launch.line:
        return (launch,)
    launch = _read(launch._replace(program=wrappers.program_name(launch.line[0].text)))
    return _proxied(launch)


def command_string(text: Word) -> Launch:
    """The launch of a string that the client hands to a shell (a helper, a hook)."""
    return understand(Fields((Word("sh", text.at), Word("-c", text.at), text), transport="stdio"))[0]


def _unwrap(launch: Launch) -> Launch:
    """Takes wrappers off until a program is reached that does the work itself."""
    line = _split_command(launch.words)
    if line is None:
        return launch._replace(shell=launch.words[0])
    taken: list[Word] = []
    env = list(launch.env)
    for _ in range(MAX_LAYERS):
        layer = wrappers.peel(line) if line else None
        if layer is None or not (layer.line or layer.script):
            return launch._replace(line=line, wrappers=tuple(taken), env=tuple(env))
        taken.append(line[0]._replace(text=wrappers.program_name(line[0].text)))
        env += layer.env
        if layer.script:
            return launch._replace(line=line[:1], wrappers=tuple(taken), env=tuple(env), shell=layer.script)
        line = layer.line
    return launch._replace(line=line[:1], wrappers=tuple(taken), env=tuple(env), shell=Word(" ".join(word.text for word in line), line[0].at))


def _split_command(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The words with a command line that was written as one string split up; None when it is more than one command."""
    first = words[0].text
    if len(first.split()) < 2 or os.path.splitext(first.strip())[1].lower() in (".exe", ".cmd", ".bat"):
        return words
    tokens = shell.split(first)
    if any(token.operator or token.inner for token in tokens):
        layer = wrappers.simple(words[0])
        return None if layer.script else (*layer.line, *words[1:])
    if first.startswith(("/", "~", ".")) or re.match(r"[A-Za-z]:[\\/]", first):
        return words if len(words) > 1 else tuple(Word(token.text, words[0].at) for token in tokens)
    return (*(Word(token.text, words[0].at) for token in tokens), *words[1:])


def _read(launch: Launch) -> Launch:
    """Reads the arguments by the table of the program, or of program and subcommand."""
    program, rest = launch.program, launch.line[1:]
    if program in CONTAINERS:
        return _container(launch)
    if program in _GLOBAL:
        own, rest = _options(rest, _table()[_GLOBAL[program]]["value"])
        launch = launch._replace(options=own)
    second = rest[0].text if rest else ""
    for name, runner, skip in (
        (program, "npx" if program == "pnpx" else program, 0),
        (f"{program} {second}", {"npm exec": "npx", "npm x": "npx", "bun x": "bunx", "pnpm exec": "", "dotnet dnx": "dnx"}.get(f"{program} {second}", f"{program} {second}"), 1),
        (f"{program} tool {rest[1].text}" if second == "tool" and len(rest) > 1 else "", {"uv tool run": "uvx", "dotnet tool exec": "dnx"}.get(f"{program} tool {rest[1].text}" if len(rest) > 1 else "", ""), 2),
    ):
        if name and runner in _PACKAGE_RUNNERS:
            return _PACKAGE_RUNNERS[runner](launch, runner, rest[skip:])
    kind = INTERPRETERS.get(program) or INTERPRETERS.get(re.sub(r"[\d.]+w?$|w$", "", program))
    if kind:
        return _interpreter(launch, kind)
    rest = launch.line[1:]
    local = specs.is_local(launch.line[0].text) or "/" in launch.line[0].text or launch.line[0].text.startswith("${")
    script = launch.line[0] if local else rest_script(launch)
    return launch._replace(arguments=rest, script=script)


def rest_script(launch: Launch) -> Word | None:
    """The script file of a shell that runs one (`bash ./run.sh`), else None."""
    if launch.program not in wrappers.SHELLS | wrappers.POWERSHELLS:
        return None
    return next((word for word in launch.line[1:] if not word.text.startswith("-") and word.text.lower() not in ("bypass", "unrestricted", "remotesigned")), None)


def _options(rest: tuple[Word, ...], valued: list[str]) -> tuple[tuple[Option, ...], tuple[Word, ...]]:
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


def _packaged(launch: Launch, runner: str, rest: tuple[Word, ...]) -> Launch:
    """npx, bunx, uvx, pipx run, …: a package, then the server's arguments."""
    table = _table()[runner]
    options, rest = _options(rest, table["value"])
    named = [option for option in options if option.name in table.get("package", ()) and option.value]
    call = next((option for option in options if option.name in ("-c", "--call") and runner == "npx" and option.value), None)
    word = Word(named[0].value or "", named[0].value_at) if named else rest[0] if rest else None
    launch = launch._replace(runner=runner, options=(*launch.options, *options), arguments=rest[1:] if rest else ())
    if call and call.value:
        layer = wrappers.simple(Word(call.value, call.value_at))
        launch = launch._replace(shell=layer.script, arguments=layer.line[1:])
        word = word if named else layer.line[0] if layer.line else None
    return launch if word is None else launch._replace(package=_package(table["ecosystem"], word, options))


def _package(ecosystem: str, word: Word, options: tuple[Option, ...]) -> Package | None:
    readers: dict[str, Callable[[Word], Package | None]] = {"npm": specs.npm, "pypi": specs.pypi, "go": specs.go, "nuget": specs.nuget, "deno": specs.deno}
    package = readers[ecosystem](word)
    if package is None:
        return None
    names = {option.name for option in options}
    version = next((option.value for option in options if option.name == "--version" and option.value), None)
    if ecosystem == "nuget" and version:
        return package._replace(version=version, pin="exact" if re.fullmatch(r"[0-9][0-9A-Za-z.+-]*", version) else "range")
    if names & {"--no-install", "--offline"} and package.pin in ("none", "tag", "range"):
        return package._replace(pin="locked")
    return package


def _uv_run(launch: Launch, runner: str, rest: tuple[Word, ...]) -> Launch:
    """`uv run [options] script.py | module | program`: the inner program is read as if it stood there itself."""
    options, rest = _options(rest, _table()[runner]["value"])
    options = (*launch.options, *options)
    launch = launch._replace(runner=runner, options=options)
    module = next((option for option in options if option.name in ("-m", "--module")), None)
    script = next((option for option in options if option.name in ("-s", "--script") and option.value), None)
    with_package = next((option for option in options if option.name == "--with" and option.value), None)
    package = specs.pypi(Word(with_package.value or "", with_package.value_at)) if with_package else None
    if module or script:
        word = Word(script.value or "", script.value_at) if script else None
        return launch._replace(package=package, script=word, arguments=rest)
    if not rest:
        return launch._replace(package=package)
    inner = _unwrap(Launch(words=rest))
    if inner.shell or not inner.line:
        return launch._replace(package=package, shell=inner.shell, wrappers=(*launch.wrappers, *inner.wrappers))
    inner = _read(inner._replace(program=wrappers.program_name(inner.line[0].text)))
    script_word = inner.script or (rest[0] if rest[0].text.endswith((".py", ".pyw")) or specs.is_local(rest[0].text) else None)
    return launch._replace(
        package=inner.package or package,
        image=inner.image,
        script=script_word,
        code=inner.code,
        arguments=inner.arguments,
        options=(*options, *inner.options),
        wrappers=(*launch.wrappers, *inner.wrappers),
    )


def _deno(launch: Launch, runner: str, rest: tuple[Word, ...]) -> Launch:
    options, rest = _options(rest, _table()["deno run"]["value"])
    launch = launch._replace(runner="deno run", options=options, arguments=rest[1:])
    if not rest:
        return launch
    package = specs.deno(rest[0])
    return launch._replace(package=package, script=None if package else rest[0])


def _deno_eval(launch: Launch, runner: str, rest: tuple[Word, ...]) -> Launch:
    options, rest = _options(rest, _table()["deno"]["value"])
    return launch._replace(runner="deno eval", options=options, code=rest[0] if rest else None, arguments=rest[1:])


_PACKAGE_RUNNERS = {
    **dict.fromkeys(("npx", "bunx", "pnpm dlx", "yarn dlx", "uvx", "pipx run", "dnx", "go run"), _packaged),
    "uv run": _uv_run,
    "deno run": _deno,
    "deno x": _deno,
    "deno eval": _deno_eval,
}


def _container(launch: Launch) -> Launch:
    """`docker run …`: the engine's own flags, the image, what the image gets."""
    rest = launch.line[1:]
    _, rest = _options(rest, ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--connection", "--url", "--root", "-n", "--namespace"])
    own = launch.line[1 : len(launch.line) - len(rest)]
    if rest and rest[0].text == "container":
        rest = rest[1:]
    if not rest or rest[0].text not in ("run", "create"):
        return launch._replace(arguments=rest, options=_options(own, ["-H", "--host", "-c", "--context"])[0])
    options, rest = _options(rest[1:], _table()["docker run"]["value"])
    options = (*_options(own, ["-H", "--host", "-c", "--context"])[0], *options)
    found: Image | None = specs.image(rest[0]) if rest else None
    return launch._replace(runner="docker run", options=options, image=found, arguments=rest[1:])


def _interpreter(launch: Launch, kind: str) -> Launch:
    """node, python and their kin: program text, a module, or a script with its arguments."""
    table = _table()[kind]
    rest = launch.line[1:]
    if kind == "bun" and rest and rest[0].text == "run":
        rest = rest[1:]
    if kind == "dotnet" and rest and rest[0].text in ("run", "exec"):
        options, rest = _options(rest[1:], table["value"])
        project = next((Word(option.value, option.value_at) for option in options if option.name == "--project" and option.value), None)
        return launch._replace(runner=kind, options=options, script=project or (rest[0] if rest and rest[0].text.endswith(".dll") else None), arguments=rest)
    ends = table["code"] + table.get("module", [])
    at = 0
    while at < len(rest) and rest[at].text.startswith("-") and rest[at].text not in ends and not _code_flag(rest[at].text, table["code"]):
        at += 2 if rest[at].text in table["value"] else 1
    options, _ = _options(rest[:at], table["value"])
    launch = launch._replace(runner=kind, options=options)
    if at >= len(rest):
        return launch
    word = rest[at]
    if _code_flag(word.text, table["code"]):
        inline = word.text.partition("=")[2] if word.text.startswith("--") else ""
        code = Word(inline, word.at) if inline else rest[at + 1] if at + 1 < len(rest) else Word("", word.at)
        return launch._replace(code=code, options=(*options, Option(word.text.partition("=")[0], None, word.at, code.at)), arguments=rest[at + 2 :])
    if word.text in table.get("module", ()):
        return launch._replace(options=(*options, Option(word.text, rest[at + 1].text if at + 1 < len(rest) else None, word.at, word.at)), arguments=rest[at + 2 :])
    return launch._replace(script=word, arguments=rest[at + 1 :])


def _code_flag(text: str, flags: list[str]) -> bool:
    return text in flags or (text.startswith("--") and text.partition("=")[0] in flags)


def _proxied(launch: Launch) -> tuple[Launch, ...]:
    """Reads mcp-remote and its kin as the address, or the command, that they wrap."""
    name = launch.package.name if launch.package else launch.program
    table = _table()["proxies"].get(name)
    if table is None:
        return (launch,)
    urls: list[Word] = list(launch.urls)
    inner: list[Launch] = []
    arguments = launch.arguments
    for number, word in enumerate(arguments):
        following = arguments[number + 1] if number + 1 < len(arguments) else None
        flag, equals, value = word.text.partition("=")
        if "<first>" in table["url"] and re.match(r"(?:https?|wss?)://", word.text, re.I) and not _is_value(arguments, number):
            urls.append(word)
        elif flag in table["url"] and (equals or following):
            urls.append(Word(value, word.at) if equals else following or word)
        elif flag in table["command"] and (equals or following):
            inner.append(command_string(Word(value, word.at) if equals else following or word))
    if "<rest>" in table["command"] and not urls:
        rest = arguments[1:] if arguments and arguments[0].text == "--" else _options(arguments, ["--port", "--host", "-p", "-e", "--env", "--cwd", "--transport", "--sse-port", "--sse-host", "--allow-origin"])[1]
        if rest:
            inner += understand(Fields(rest, transport="stdio"))
    return (launch._replace(urls=tuple(urls)), *inner)


def _is_value(arguments: tuple[Word, ...], number: int) -> bool:
    """True for the value of a flag of the proxy that takes an address of another kind."""
    return number > 0 and arguments[number - 1].text in ("--header", "--resource", "--static-oauth-client-info", "--host", "--allow-origin", "--cors")
