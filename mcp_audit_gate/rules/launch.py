"""Family launch: what a client would execute. Entries in, hits out; here where the program lies and what runs on loading."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata import placeholders
from mcp_audit_gate.model import Hit, Launch, Place, Rule, RuleInfo, Word
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.rules import commands, rights, variables
from mcp_audit_gate.rules.starts import EXPANDING, HELPERS, depth, launches, temporary, words
from mcp_audit_gate.rules.wording import field, server
from mcp_audit_gate.sources import specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Context, Entry, Setting

TEMP_DIR_PROGRAM = RuleInfo(
    id="temp-dir-program",
    family="launch",
    severity="high",
    title="The program lies in a folder for temporary files",
    why="Everybody on the machine, and every program that runs there, may put another file in its place before the next start.",
    looks_at="The program, the script and the folder a launch runs from, when it lies in /tmp, /var/tmp, /dev/shm, %TEMP% or $TMPDIR. Data files "
    "there, paths inside a container, and launches pinned to the letter are left alone.",
    fix="Install the program properly, or keep it in the repository.",
    references=("CWE-426",),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "node", "args": ["/tmp/docs-mcp/server.js"]}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "node", "args": ["./tools/docs-mcp/server.js"]}}}\n'),
)


def temp_dir_program(entry: Entry) -> Iterator[Hit]:
    """Programs, scripts and local packages in a temporary folder, each word once."""
    seen = set()
    for launch in launches(entry):
        for word in _programs(launch):
            if temporary(word.text) and word not in seen:
                seen.add(word)
                yield Hit(entry.place(word.at), f"{server(entry)} runs a program from a temporary folder ({field(word.at)}).", word.text)


def _programs(launch: Launch) -> Iterator[Word]:
    """What a launch runs: its program, its script, a package at a path, and the folder that relative ones start from."""
    yield from launch.line[:1]
    if launch.script is not None and launch.script not in launch.line[:1]:
        yield launch.script
    yield from (Word(package.text, package.at) for package in launch.packages if package.pin == "local")
    if launch.runner != "docker run":
        for option in launch.options:
            if option.value and option.name in ("--directory", "--project", "--prefix", "--cwd", "-C"):
                yield Word(option.value, option.value_at)
    if launch.cwd is not None and any(_relative(word) for word in (*launch.line[:1], launch.script) if word is not None):
        yield launch.cwd


def _relative(word: Word) -> bool:
    return word.text.startswith((".", "..")) or (re.match(r"[\w@-][\w.@-]*[/\\]|[\w-]+\.[A-Za-z]{2,3}$", word.text) is not None)


MACHINE_PATH = RuleInfo(
    id="machine-path",
    family="launch",
    severity="low",
    title="A path of one person's machine is part of the launch",
    why="The launch works on one machine only, it names a user, and what lies at that path was reviewed by nobody who reads the repository.",
    looks_at="Home folders (/home/name, /Users/name, C:\\Users\\name) and drive paths in the program, its arguments and PYTHONPATH. Programs of "
    "the system, placeholders, workspace variables, homes that CI and container images have, and paths inside a container are left alone.",
    fix="Use a path relative to the repository, or a variable.",
    references=("CWE-426",),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "/home/mkowalski/docs-mcp/bin/docs-mcp"}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "./tools/docs-mcp/bin/docs-mcp"}}}\n'),
)


def machine_path(entry: Entry) -> Iterator[Hit]:
    """Launches with paths of one machine: the first such word, the others related."""
    found = list(dict.fromkeys(word for launch in entry.launches for word in _paths(launch) if _of_one_machine(word.text)))
    if found:
        related = tuple(entry.place(word.at) for word in found[1:])
        message = f"{server(entry)} is started with a path of one machine ({field(found[0].at)})."
        yield Hit(entry.place(found[0].at), message, found[0].text, related=related)


def _paths(launch: Launch) -> Iterator[Word]:
    """The words of a launch that may be paths on this machine."""
    if launch.runner == "docker run":
        for option in launch.options:
            if option.value and option.name in ("-v", "--volume", "--mount", "--env-file"):
                yield Word(re.sub(r"^(?:.*,)?(?:source|src)=", "", option.value), option.value_at)
        return
    for word in launch.line:
        flag, equals, value = word.text.partition("=")
        yield Word(value, word.at) if equals and flag.startswith("-") else word
    for variable in launch.env:
        if variable.name == "PYTHONPATH" and variable.value:
            yield Word(variable.value, variable.at)
    if launch.cwd is not None:
        yield launch.cwd


def _of_one_machine(text: str) -> bool:
    if not (text.startswith(("/home/", "/Users/", "/mnt/", "file:")) or text[1:2] == ":") or _to_fill_in(text):
        return False
    home = _home().match(text)
    if home:
        account = placeholders.blank(text)[home.start(1) : home.end(1)].lower()
        return "\0" not in account and account.strip(".*") != "" and account not in words("accounts")
    return _drive().match(text) is not None


@functools.cache
def _home() -> re.Pattern[str]:
    return re.compile(r"(?:file://)?(?:/mnt/[a-z])?(?:/home/|/Users/|[A-Za-z]:[\\/]+Users[\\/]+)([^\\/:]+)")


@functools.cache
def _drive() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z]:[\\/]+(?!Program|Windows|nodejs|Python|nvm|tools|msys|Users)[^\\/]", re.I)


def _to_fill_in(text: str) -> bool:
    low = text.lower()
    return "<" in text or any(part in low for part in ("path/to", "path\\to", "your-", "your_", "/your", "\\your", "xxx", "...", "absolute/path"))


PARENT_PATH_PROGRAM = RuleInfo(
    id="parent-path-program",
    family="launch",
    severity="low",
    title="The program lies outside the repository",
    why="It is code that nobody who reviews this repository sees, and what lies there differs from machine to machine.",
    looks_at="Program, script, local package and project folder of a launch, when .. leads out of the folder that the config is for. Paths that "
    "stay inside are left alone.",
    fix="Keep the program in the repository, or install it as a package.",
    references=("CWE-22",),
    example_bad=(".mcp.json", '{"mcpServers": {"docs": {"command": "node", "args": ["../docs-mcp/server.js"]}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {"docs": {"command": "node", "args": ["./docs-mcp/server.js"]}}}\n'),
)

_ROOTS = lazy(r"(?:\$\{(?:workspaceFolder|workspaceRoot|PWD|CLAUDE_PROJECT_DIR)\}|\$PWD|\$\(pwd\))[\\/]")


def parent_path_program(entry: Entry) -> Iterator[Hit]:
    """Programs reached through `..` out of the repository."""
    for launch in entry.launches:
        below = _steps(launch.cwd.text) if launch.cwd is not None else []
        for word in _programs(launch):
            if ".." in word.text and _leaves(word.text, depth(entry.document.path), below if word is not launch.cwd else []):
                yield Hit(entry.place(word.at), f"{server(entry)} runs a program outside the repository ({field(word.at)}).", word.text)


def _steps(text: str) -> list[str]:
    return [step for step in re.split(r"[\\/]", _ROOTS.sub("", text)) if step not in ("", ".")]


def _leaves(text: str, depth: int, below: list[str]) -> bool:
    """True when a relative path, from a folder so deep below the root, leads above it."""
    plain = _ROOTS.sub("", text)
    if specs.has_reference(plain) or plain.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:|[a-z]+://", plain):
        return False
    for step in (*below, *_steps(plain)):
        depth += -1 if step == ".." else 1
        if depth < 0:
            return True
    return False


LOAD_TIME_COMMAND = RuleInfo(
    id="load-time-command",
    family="launch",
    severity="medium",
    title="A command runs when a client reads the file",
    why="It runs before any server starts and before anybody is asked, so opening the repository is enough. It has honest uses, mostly to fetch a "
    "token.",
    looks_at="$(…) in the files that Crush reads, other commands in a crushrc, headersHelper, apiKeyHelper and their kin in Claude Code's files, "
    "inputs of type command in VS Code's. $(…) in files whose client does not expand it is left alone.",
    fix="Use an environment reference, and let the person's own machine provide the value.",
    references=("CWE-78",),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"tracker": {"type": "http", "url": "https://mcp.example.com/v1", "headersHelper": "./scripts/headers.sh"}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"tracker": {"type": "http", "url": "https://mcp.example.com/v1", "headers": {"X-Token": "${TRACKER_TOKEN}"}}}}\n',
    ),
)
_ASKED_ON_LOADING = frozenset(("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper"))


def load_time_command(context: Context) -> Iterator[Hit]:
    """Commands of entries and settings that a client runs while it reads the file."""
    scripts: set[str] = set()
    for entry in context.entries:
        if entry.sample or entry.disabled:
            continue
        for at in _on_loading(entry):
            name = entry.name if entry.kind == "server" else None
            yield Hit(entry.place(at), _loading(entry.pointer if name is None else at, name), server=name)
        if entry.document.path.lower().endswith("crushrc") and entry.document.path not in scripts:
            scripts.add(entry.document.path)
            if _more_than_servers(entry.document.text):
                yield Hit(
                    Place(entry.document, entry.pointer, entry.nth),
                    "The file is a script that does more than add servers, and runs whenever it is read.",
                    server=entry.name,
                )
    for setting in context.settings:
        if not setting.sample:
            yield from _inputs(setting)


def _loading(at: tuple[str | int, ...], name: str | None) -> str:
    who = "The file" if name is None else f"Server {_quoted(name)}"
    return f"{who} has a command that runs when the client reads it ({field(at)})."


def _quoted(name: str) -> str:
    from mcp_audit_gate.metadata.text import visible

    return f'"{visible(name, 80)}"'


def _on_loading(entry: Entry) -> Iterator[tuple[str | int, ...]]:
    """Where below the entry the commands stand."""
    if entry.kind == "command":
        if entry.pointer and entry.pointer[-1] in _ASKED_ON_LOADING:
            yield ()
        return
    found = [launch.words[0].at for launch in entry.launches[1:] if launch.words]
    yield from dict.fromkeys(at for at in found if entry.client in EXPANDING or (len(at) == 1 and at[0] in HELPERS))


def _more_than_servers(text: str) -> bool:
    from mcp_audit_gate.sources import shell

    for parts, _ in shell.commands(shell.split(text)):
        names = [part.text for part in parts if not part.operator]
        if (
            names
            and names[0] not in ("mcp", "lsp", "option", "options", "provider", "model", "permissions", "set", "export", "crush")
            and "=" not in names[0]
        ):
            return True
    return False


def _inputs(setting: Setting) -> Iterator[Hit]:
    """Inputs of type command: VS Code runs a command of an extension to get the value."""
    items = setting.value if isinstance(setting.value, list) and setting.name.rpartition(".")[2] == "inputs" else []
    for number, item in enumerate(items):
        if isinstance(item, dict) and item.get("type") == "command":
            yield Hit(
                setting.place((number, "type")),
                f"The file has an input that runs a command to get its value (inputs[{number}]).",
                str(item.get("command", "")),
            )


RULES: tuple[Rule, ...] = (
    *commands.RULES,
    *rights.RULES,
    *variables.RULES,
    Rule(TEMP_DIR_PROGRAM, temp_dir_program, alike=True),
    Rule(MACHINE_PATH, machine_path, alike=True),
    Rule(PARENT_PATH_PROGRAM, parent_path_program),
    Rule(LOAD_TIME_COMMAND, load_time_command, scope="context"),
)
