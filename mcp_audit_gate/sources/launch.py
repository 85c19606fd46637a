"""What an entry really starts or calls: the fields of an entry in, Launch out.

The one place where launches are understood; rules, lockfile and capabilities use its answer. Arguments are split as the client
would split them and read by the argument table of the program that gets them; nothing is searched in a joined line.
"""

from __future__ import annotations

import os
import re

from mcp_audit_gate.model import Launch, Option, Variable, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import runners, shells, specs, wrappers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LAYERS = 16
MAX_INSIDE = 64
# Programs that take flags before their subcommand, and the table that knows which of those have a value.
_GLOBAL = {"uv": "uv run", "npm": "npx", "pnpm": "pnpm dlx", "yarn": "yarn dlx"}
_ALIASES = {
    "pnpx": "npx", "npm exec": "npx", "npm x": "npx", "bun x": "bunx", "dotnet dnx": "dnx", "dotnet tool exec": "dnx", "uv tool run": "uvx",
}  # fmt: skip
CONTAINERS = frozenset(("docker", "podman", "nerdctl"))
# What they start runs in a container or on another machine.
ELSEWHERE = CONTAINERS | {"docker-compose", "podman-compose", "kubectl", "oc", "ssh", "devcontainer", "lxc", "limactl", "multipass"}
INTERPRETERS = {
    "nodejs": "node", "py": "python", "pypy": "python",
    **{name: name for name in (
        "node", "tsx", "ts-node", "bun", "deno", "ruby", "perl", "php", "rscript", "java", "dotnet", "python", "osascript", "lua", "luajit",
        "julia", "elixir", "groovy", "r",
    )},
}  # fmt: skip
_SHELLS = wrappers.SHELLS | wrappers.POWERSHELLS | {"cmd"}


class Fields(NamedTuple):
    """What an entry says, whatever its spelling: the command line as words, addresses, variables."""

    words: tuple[Word, ...] = ()
    urls: tuple[Word, ...] = ()
    env: tuple[Variable, ...] = ()
    headers: tuple[Variable, ...] = ()
    cwd: Word | None = None
    transport: str = ""


def understand(fields: Fields) -> tuple[Launch, ...]:
    """The launch of an entry, then the launches of command strings that its program starts in turn."""
    found = _understand(fields, MAX_LAYERS)
    return tuple(launch if launch.shell is None else launch._replace(inside=tuple(_inside(launch.shell))) for launch in found)


def command_string(text: Word) -> Launch:
    """The launch of a string that the client hands to a shell (a helper, a hook)."""
    return understand(Fields((Word("sh", text.at), Word("-c", text.at), text), transport="stdio"))[0]


def string_in(words: tuple[Word, ...]) -> Word | None:
    """The command string of a shell that stands among words: `find . -exec sh -c "…"`, `xargs bash -c "…"`."""
    for number, word in enumerate(words):
        name = word.text.rpartition("/")[2]
        if (name in _SHELLS or name.endswith(".exe")) and words[number + 1 :] and wrappers.program_name(name) in _SHELLS:
            return _unwrap(Launch(words=words[number:])).shell
    return None


def _understand(fields: Fields, depth: int) -> tuple[Launch, ...]:
    launch = Launch(transport=fields.transport, words=fields.words, urls=fields.urls, env=fields.env, headers=fields.headers, cwd=fields.cwd)
    if not fields.words:
        return (launch,)
    launch = _unwrap(launch)
    if not launch.line:
        return (launch,)
    launch = _from_variable(launch)
    launch = _read(launch._replace(program=wrappers.program_name(launch.line[0].text)), depth)
    string = string_in(launch.line[1:]) if launch.shell is None and launch.program not in ELSEWHERE else None
    data = _data(launch) if launch.code is None else None
    if string or data:
        launch = launch._replace(shell=launch.shell or string, code=launch.code or data)
    return _proxied(launch, depth)


def _inside(string: Word) -> Iterator[Launch]:
    """The launches of the commands in a command string."""
    from mcp_audit_gate.sources import scripts

    for number, command in enumerate(scripts.commands(scripts.read(string.text))):
        if number == MAX_INSIDE:
            return
        line = tuple(Word(text, string.at) for text in (*command.over, *(part.text for part in command.parts)))
        named = [*command.sets, *(command.arguments if command.name == "export" else ())]
        pairs = (part.text.partition("=") for part in named if "=" in part.text)
        env = tuple(Variable(name, value, string.at, True) for name, _, value in pairs)
        if (line or env) and command.string is None:
            yield from _understand(Fields(line, env=env, transport="stdio"), MAX_LAYERS)


def _from_variable(launch: Launch) -> Launch:
    """The launch with the text of a variable of the entry in place of its name (`sh -c "$RUN"`)."""
    first = launch.line[0].text
    if len(launch.line) > 1 or not launch.wrappers or not first.startswith("$"):
        return launch
    name = first.lstrip("$").strip("{}")
    variable = next((variable for variable in launch.env if variable.name == name and variable.value), None)
    if variable is None:
        return launch
    layer = wrappers.simple(Word(variable.value or "", variable.at))
    return launch._replace(line=layer.line or launch.line, shell=layer.script)


def _data(launch: Launch) -> Word | None:
    """A module in a `data:` address is program text."""
    if launch.script is not None and launch.script.text.startswith("data:"):
        return launch.script
    for option in launch.options:
        if option.value and option.value.startswith("data:") and launch.runner != "docker run":
            return Word(option.value, option.value_at)
    return None


def _unwrap(launch: Launch) -> Launch:
    """Takes wrappers off until a program is reached that does the work itself."""
    line = _split_command(shells.defaults(launch.words))
    if line is None:
        return launch._replace(shell=launch.words[0])
    taken: list[Word] = []
    env = list(launch.env)
    for _ in range(MAX_LAYERS):
        layer = wrappers.peel(line, env) if line else None
        if layer is None or not (layer.line or layer.script):
            return launch._replace(line=line, wrappers=tuple(taken), env=tuple(env))
        taken.append(line[0]._replace(text=wrappers.program_name(line[0].text)))
        env += layer.env
        if layer.script:
            return launch._replace(line=line[:1], wrappers=tuple(taken), env=tuple(env), shell=layer.script)
        line = layer.line
    return launch._replace(line=line[:1], wrappers=tuple(taken), env=tuple(env), shell=_as_script(line))


def _as_script(line: tuple[Word, ...]) -> Word:
    """What has too many layers to be read counts as a script."""
    return Word(" ".join(word.text for word in line), line[0].at)


def _split_command(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The words with a command line that was written as one string split up; None when it is more than one command."""
    first = words[0].text
    path = first.startswith(("/", "~", ".", "\\", "%")) or (first[1:2] == ":" and re.match(r"[A-Za-z]:[\\/]", first) is not None)
    if len(first.split()) < 2 or (path and _ends_in_program(first)):
        return words
    from mcp_audit_gate.sources import shell

    tokens = shell.split(first)
    if any(token.operator or token.inner for token in tokens):
        layer = wrappers.simple(words[0])
        return None if layer.script else (*layer.line, *words[1:])
    if path:
        return words if len(words) > 1 else tuple(Word(token.text, words[0].at) for token in tokens)
    return (*(Word(token.text, words[0].at) for token in tokens), *words[1:])


def _ends_in_program(text: str) -> bool:
    """True for one path with blanks (`C:\\Program Files\\nodejs\\npx.cmd`), not for a command line that ends in a path."""
    return os.path.splitext(text.strip())[1].lower() in (".exe", ".cmd", ".bat") and not re.search(r"[|&;<>\"']| [-/]", text)


def _read(launch: Launch, depth: int) -> Launch:
    """Reads the arguments by the table of the program, or of program and subcommand."""
    program, rest = launch.program, launch.line[1:]
    if program in CONTAINERS:
        return _container(launch)
    if specs.is_bundle(launch.line[0].text):
        return launch._replace(packages=(specs.bundle(launch.line[0].text, launch.line[0].at),), arguments=rest)
    if program in _GLOBAL:
        own, rest = runners.read(rest, runners.table()[_GLOBAL[program]]["value"])
        launch = launch._replace(options=own)
    for skipped in range(min(len(rest), 2) + 1 if program in _LEADING else 0):
        name = " ".join((program, *(word.text for word in rest[:skipped])))
        runner = _ALIASES.get(name, name)
        if runner in _RUNNERS:
            return _RUNNERS[runner](launch, runner, rest[skipped:], depth)
    kind = _interpreter_kind(program)
    if kind:
        return _interpreter(launch, kind)
    rest = launch.line[1:]
    local = specs.is_local(launch.line[0].text) or "/" in launch.line[0].text or launch.line[0].text.startswith("${")
    return launch._replace(arguments=rest, script=launch.line[0] if local else _shell_script(launch))


def _interpreter_kind(program: str) -> str:
    """The name of an interpreter in the table of runners, whatever its version (python3.12, lua5.4); empty for other programs."""
    return INTERPRETERS.get(program) or INTERPRETERS.get(shells.interpreter(program), "")


def _shell_script(launch: Launch) -> Word | None:
    """The script file of a shell that runs one (`bash ./run.sh`), else None."""
    if launch.program not in wrappers.SHELLS | wrappers.POWERSHELLS:
        return None
    return next(
        (word for word in launch.line[1:] if not word.text.startswith("-") and word.text.lower() not in ("bypass", "unrestricted", "remotesigned")),
        None,
    )


def _packaged(launch: Launch, runner: str, rest: tuple[Word, ...], depth: int) -> Launch:
    """npx, bunx, uvx, pipx run, …: packages, then the server's arguments."""
    table = runners.table()[runner]
    options, line = runners.read(rest, table["value"])
    if line and (runner == "dnx" or launch.program == "npm") and all(word.text != "--" for word in rest[: -len(line)]):
        more, kept = runners.scattered(line[1:], table["value"])
        options, line = (*options, *more), (line[0], *kept)
    launch = launch._replace(runner=runner, options=(*launch.options, *options))
    call = next(
        (Word(option.value, option.value_at) for option in options if runner == "npx" and option.name in ("-c", "--call") and option.value), None
    )
    if call:
        layer = wrappers.simple(call)
        launch, line = launch._replace(shell=layer.script), layer.line
    named = runners.values(options, table.get("package", ()))
    packages = [runners.package(table["ecosystem"], word, runner, options) for word in named or line[:1]]
    packages += runners.added(runner, options)
    launch = launch._replace(packages=tuple(package for package in packages if package), arguments=line[1:])
    return _hosted(launch, line, depth)


def _hosted(launch: Launch, line: tuple[Word, ...], depth: int) -> Launch:
    """The launch with what an interpreter or a shell from a package runs: `npx tsx server.ts`, `uvx --from pkg python -c …`, `npx bash -c …`."""
    first = line[0].text if line else ""
    name = "" if first.startswith("@") else wrappers.program_name(first.partition("@")[0].partition("==")[0])
    if not (name in _SHELLS or _interpreter_kind(name)):
        return launch
    inner = _nested((Word(name, line[0].at), *line[1:]), depth)
    return _joined(launch, inner)._replace(packages=(*launch.packages, *inner.packages))


def _nested(words: tuple[Word, ...], depth: int) -> Launch:
    """The launch of a command line inside another one; below so many layers it stays a script."""
    inner = _unwrap(Launch(words=words))
    if inner.shell or not inner.line:
        return inner
    if depth == 0:
        return inner._replace(shell=_as_script(inner.line))
    return _read(inner._replace(program=wrappers.program_name(inner.line[0].text)), depth - 1)


def _joined(outer: Launch, inner: Launch) -> Launch:
    """The outer launch with what the inner one runs, its packages left to the caller."""
    return outer._replace(
        image=inner.image,
        script=inner.script,
        code=inner.code,
        shell=outer.shell or inner.shell,
        arguments=inner.arguments,
        options=(*outer.options, *inner.options),
        wrappers=(*outer.wrappers, *inner.wrappers),
        env=(*outer.env, *inner.env),
    )


def _uv_run(launch: Launch, runner: str, rest: tuple[Word, ...], depth: int) -> Launch:
    """`uv run [options] script.py | module | program`: the inner program is read as if it stood there itself."""
    options, rest = runners.read(rest, runners.table()[runner]["value"])
    launch = launch._replace(runner=runner, options=(*launch.options, *options), packages=tuple(runners.added(runner, options)))
    script = next(iter(runners.values(options, ("-s", "--script"))), None)
    if script is None and rest and specs.is_address(rest[0].text):
        script, rest = rest[0], rest[1:]
    if script is not None and specs.is_address(script.text):
        fetched = runners.package("pypi", script, runner, options)
        launch = launch._replace(packages=(*((fetched,) if fetched else ()), *launch.packages))
    if script is not None or runners.values(options, ("-m", "--module")):
        return launch._replace(script=script, arguments=rest)
    if not rest:
        return launch
    inner = _nested(rest, depth)
    own = rest[0] if rest[0].text.endswith((".py", ".pyw")) or specs.is_local(rest[0].text) else None
    return _joined(launch, inner)._replace(packages=(*inner.packages, *launch.packages), script=None if inner.shell else inner.script or own)


def _deno(launch: Launch, runner: str, rest: tuple[Word, ...], depth: int) -> Launch:
    options, rest = runners.read(rest, runners.table()["deno run"]["value"])
    launch = launch._replace(runner="deno run", options=options, arguments=rest[1:])
    if not rest:
        return launch
    package = runners.package("deno", rest[0], "deno run", options)
    return launch._replace(packages=(package,) if package else (), script=None if package else rest[0])


def _deno_eval(launch: Launch, runner: str, rest: tuple[Word, ...], depth: int) -> Launch:
    options, rest = runners.read(rest, runners.table()["deno"]["value"])
    return launch._replace(runner="deno eval", options=options, code=rest[0] if rest else None, arguments=rest[1:])


_RUNNERS = {
    **dict.fromkeys(("npx", "bunx", "pnpm dlx", "yarn dlx", "uvx", "pipx run", "dnx", "go run"), _packaged),
    "uv run": _uv_run,
    "deno run": _deno,
    "deno x": _deno,
    "deno eval": _deno_eval,
}


_LEADING = frozenset(name.partition(" ")[0] for name in (*_RUNNERS, *_ALIASES))


def _container(launch: Launch) -> Launch:
    """`docker run …`: the engine's own flags, the image, what the image gets."""
    rest = launch.line[1:]
    _, rest = runners.read(
        rest, ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--connection", "--url", "--root", "-n", "--namespace"]
    )
    own = launch.line[1 : len(launch.line) - len(rest)]
    if rest and rest[0].text == "container":
        rest = rest[1:]
    if not rest or rest[0].text not in ("run", "create"):
        return launch._replace(arguments=rest, options=runners.read(own, ["-H", "--host", "-c", "--context"])[0])
    options, rest = runners.read(rest[1:], runners.table()["docker run"]["value"])
    if rest and options and options[-1].value is None and specs.is_local(rest[0].text):
        # No image is named by a path; it is the value of a flag that the table does not have.
        options, rest = (*options[:-1], options[-1]._replace(value=rest[0].text, value_at=rest[0].at)), rest[1:]
    options = (*runners.read(own, ["-H", "--host", "-c", "--context"])[0], *options)
    image = specs.image(rest[0]) if rest and not specs.is_local(rest[0].text) else None
    return launch._replace(runner="docker run", options=options, image=image, arguments=rest[1:])


def _interpreter(launch: Launch, kind: str) -> Launch:
    """node, python and their kin: program text, a module, or a script with its arguments."""
    table = runners.table()[kind]
    rest = launch.line[1:]
    if kind == "bun" and rest and rest[0].text == "run":
        rest = rest[1:]
    if kind == "dotnet" and rest and rest[0].text in ("run", "exec"):
        options, rest = runners.read(rest[1:], table["value"])
        project = next((Word(option.value, option.value_at) for option in options if option.name == "--project" and option.value), None)
        return launch._replace(
            runner=kind, options=options, script=project or (rest[0] if rest and rest[0].text.endswith(".dll") else None), arguments=rest
        )
    ends = table["code"] + table.get("module", [])
    at = 0
    while at < len(rest) and rest[at].text.startswith("-") and rest[at].text not in ends and runners.inline_code(rest[at].text, table) is None:
        at += 2 if rest[at].text in table["value"] else 1
    options, _ = runners.read(rest[:at], table["value"])
    launch = launch._replace(runner=kind, options=options)
    if at >= len(rest):
        return launch
    word = rest[at]
    inline = runners.inline_code(word.text, table)
    if inline is not None:
        code = Word(inline, word.at) if inline else rest[at + 1] if at + 1 < len(rest) else Word("", word.at)
        return launch._replace(code=code, options=(*options, Option(word.text.partition("=")[0], None, word.at, code.at)), arguments=rest[at + 2 :])
    if word.text in table.get("module", ()):
        return launch._replace(
            options=(*options, Option(word.text, rest[at + 1].text if at + 1 < len(rest) else None, word.at, word.at)), arguments=rest[at + 2 :]
        )
    return launch._replace(script=word, arguments=rest[at + 1 :])


_PROXY_FLAGS = ["--port", "--host", "-p", "-e", "--env", "--cwd", "--transport", "--sse-port", "--sse-host", "--allow-origin"]


def _proxied(launch: Launch, depth: int) -> tuple[Launch, ...]:
    """Reads mcp-remote and its kin as the address, or the command, that they wrap."""
    name = launch.package.name if launch.package else launch.program
    table = runners.table()["proxies"].get(name)
    if table is None:
        return (launch,)
    if depth == 0:
        return (launch._replace(shell=launch.shell or _as_script(launch.line)),)
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
            text = Word(value, word.at) if equals else following or word
            inner += _understand(Fields((Word("sh", text.at), Word("-c", text.at), text), transport="stdio"), depth - 1)[:1]
    if "<rest>" in table["command"] and not urls:
        rest = arguments[1:] if arguments and arguments[0].text == "--" else runners.read(arguments, _PROXY_FLAGS)[1]
        if rest:
            inner += _understand(Fields(rest, transport="stdio"), depth - 1)
    return (launch._replace(urls=tuple(urls)), *inner)


def _is_value(arguments: tuple[Word, ...], number: int) -> bool:
    """True for the value of a flag of the proxy that takes an address of another kind."""
    return number > 0 and arguments[number - 1].text in ("--header", "--resource", "--static-oauth-client-info", "--host", "--allow-origin", "--cors")
