"""Variables of a launch that make its runtime load other code, or send its traffic through somebody else."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata import addresses, placeholders
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Launch, Rule, RuleInfo, Variable
from mcp_audit_gate.rules.starts import launches, lists, temporary
from mcp_audit_gate.rules.wording import field, server
from mcp_audit_gate.sources import flags, wrappers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.model import Entry

    Check = Callable[[str, str, Launch], str]

CODE_INJECTING_ENV = RuleInfo(
    id="code-injecting-env",
    family="launch",
    severity="high",
    title="A variable makes the runtime load other code than the launch says",
    why="It hides the payload from every check of program and package: the launch names a reviewed server, and the loader runs something else "
    "first. Langflow's repair of the same fault refuses these variables.",
    looks_at="Literal loader variables (LD_PRELOAD, LD_AUDIT, LD_LIBRARY_PATH, DYLD_*), start-up hooks (PYTHONSTARTUP, PYTHONHOME, BASH_ENV, "
    "PERL5OPT, RUBYOPT, NODE_OPTIONS with --require, --import, --loader or --inspect, JAVA_TOOL_OPTIONS with an agent), Git's helper commands, a "
    "PATH that begins with a relative or temporary folder, a PYTHONPATH in one; in env and in an env A=b prefix. References, system folders, "
    "memory limits and variables that only a container gets are left alone.",
    fix="Drop the variable; pass the module on the command line.",
    references=("CWE-427", "GHSA-w794-rj3p-xv45", "CVE-2026-44995"),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"NODE_OPTIONS": "--require ./lib/hook.js"}}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["@acme/docs-mcp@1.4.2"], "env": {"NODE_OPTIONS": "--max-old-space-size=4096"}}}}\n',
    ),
)


def code_injecting_env(entry: Entry) -> Iterator[Hit]:
    """Variables with a literal value that the loader, or the runtime, takes code from."""
    for launch in launches(entry):
        for variable in launch.env:
            does = _injects(variable, launch)
            if does:
                message = f"{server(entry)} sets {visible(variable.name, 80)} ({field(variable.at)}), which {does}."
                yield Hit(entry.place(variable.at), message, f"{variable.name}={variable.value}")


def _injects(variable: Variable, launch: Launch) -> str:
    """What the variable does, or "" when it is harmless."""
    name, value = variable.name.strip(), variable.value
    upper = name.upper()
    known = _checks().get(upper)
    if known is None or not value or not _literal(value):
        return ""
    if launch.runner == "docker run" and upper not in lists()["variables"]["loader"]:
        return ""
    return known(upper, value, launch)


@functools.cache
def _checks() -> dict[str, Check]:
    """The check for each variable of data/launch.json."""
    data = lists()["variables"]
    kinds = (("any", _always), ("folders", _folders), ("options", _options), ("prefixes", _prefixes), ("temporary", _temporary))
    return {**{name: check for part, check in kinds for name in data[part]}, "PATH": _path, "ENV": _shell_file, "GIT_SSH_COMMAND": _ssh}


def _literal(value: str) -> bool:
    """True when the value says something itself: no reference, no gap to fill in."""
    text = placeholders.without_references(value).strip()
    return bool(text) and not (text.startswith("<") and text.endswith(">"))


def _always(name: str, value: str, launch: Launch) -> str:
    return "makes the runtime load or run what it names"


_WORKSPACE = r"\$\{(?:workspaceFolder|workspaceRoot|PWD|CLAUDE_PROJECT_DIR|CLAUDE_PLUGIN_ROOT|extensionPath|__dirname)\}|\$PWD\b"


def _parts(value: str) -> list[tuple[str, str]]:
    """The folders of a search path, with references as NUL and as written; a colon of a drive or a reference parts nothing."""
    blanked = placeholders.blank(value)
    separator = ";" if ";" in blanked or re.match(r"[A-Za-z]:[\\/]", blanked) else ":"
    found, start = [], 0
    for part in blanked.split(separator):
        found.append((part, value[start : start + len(part)]))
        start += len(part) + 1
    return found


def _folders(name: str, value: str, launch: Launch) -> str:
    system = tuple(lists()["variables"]["system"])
    for part, _ in _parts(re.sub(_WORKSPACE, ".", value)):
        if part.strip() and not part.startswith(("\0", *system)):
            return "puts libraries from another folder before those of the system"
    return ""


def _options(name: str, value: str, launch: Launch) -> str:
    loading = lists()["variables"]["options"][name]
    named = next((flag for word in value.split() if (flag := word.strip("\"'").partition("=")[0].replace("_", "-")) in loading), "")
    return f"loads code or opens a debugger by {named}" if named else ""


def _prefixes(name: str, value: str, launch: Launch) -> str:
    starts = lists()["variables"]["prefixes"][name]
    named = next((start for start in starts if any(word.strip("\"'").startswith(start) for word in value.split())), "")
    return f"loads code by {named.rstrip(':')}" if named else ""


def _temporary(name: str, value: str, launch: Launch) -> str:
    return "takes modules from a temporary folder" if any(temporary(part) for _, part in _parts(value)) else ""


def _path(name: str, value: str, launch: Launch) -> str:
    first, written = _parts(value)[0]
    if temporary(written):
        return "puts a temporary folder first among the places programs are taken from"
    absolute = first.startswith(("/", "~", "\0", "\\", "%")) or re.match(r"[A-Za-z]:", first)
    return "" if absolute else "puts a relative folder first among the places programs are taken from"


def _shell_file(name: str, value: str, launch: Launch) -> str:
    """ENV names a start-up file only to shells; to others it is the name of an environment."""
    names = {launch.program, *(word.text for word in launch.wrappers), *(wrappers.program_name(word.text) for word in launch.words[:1])}
    return _always(name, value, launch) if names & {"sh", "dash", "ksh", "ash"} and re.search(r"[/~]|\.sh$", value) else ""


def _ssh(name: str, value: str, launch: Launch) -> str:
    """Plain ssh with a key or a port is no other code; another program, a config file or a ProxyCommand is."""
    words = value.split()
    allowed = re.compile(lists()["variables"]["ssh"])
    at = 1
    while at < len(words):
        text = words[at]
        if text in ("-i", "-p", "-l"):
            at += 2
            continue
        if text == "-o" and at + 1 < len(words):
            at += 1
            text += words[at]
        if not allowed.fullmatch(text):
            return "runs another command in place of ssh"
        at += 1
    return "" if wrappers.program_name(words[0]) == "ssh" else "runs another command in place of ssh"


PROXY_ENV = RuleInfo(
    id="proxy-env",
    family="launch",
    severity="medium",
    title="A variable sends the server's traffic through a public host",
    why="Whoever runs that proxy sees where the server connects, and everything that is not encrypted; who commits the file decides for everybody "
    "who opens the repository.",
    looks_at="Literal HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and their kin, in either case, also as -e of a container, with a public host. Loopback, "
    "internal hosts and references are left alone.",
    fix="Set the proxy on the machine, or write a reference to a variable.",
    references=("CWE-300",),
    example_bad=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"HTTPS_PROXY": "http://proxy.example.net:3128"}}}}\n',
    ),
    example_good=(
        ".mcp.json",
        '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"], "env": {"HTTPS_PROXY": "${HTTPS_PROXY}"}}}}\n',
    ),
)


def proxy_env(entry: Entry) -> Iterator[Hit]:
    """Proxy variables that name a public host."""
    for launch in launches(entry):
        for variable in flags.variables(launch):
            if not variable.value or not variable.name.lower().endswith("proxy") or variable.name.lower() not in lists()["variables"]["proxies"]:
                continue
            address = addresses.read(variable.value if "://" in variable.value else f"http://{variable.value}")
            if address is not None and address.kind == addresses.PUBLIC:
                message = (
                    f"{server(entry)} sends its traffic through {visible(address.host, 80)}, by {visible(variable.name, 80)} ({field(variable.at)})."
                )
                yield Hit(entry.place(variable.at), message, f"{address.host}:{address.port}")


RULES: tuple[Rule, ...] = (Rule(CODE_INJECTING_ENV, code_injecting_env, alike=True), Rule(PROXY_ENV, proxy_env, alike=True))
