"""What a server can do, as far as its config tells: launches in, capabilities with evidence out.

Two sources: data/catalogue.json, which knows public servers by the name a config gives them, and the launch itself. Both only add;
no flag, variable or read-only switch takes a capability away (CVE-2025-59333, CVE-2026-46519).
"""

from __future__ import annotations

import functools
import os

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.model import Capability
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_audit_gate.model import Launch, Option, Package

UNKNOWN = "nothing known: not in the catalogue"
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "rbash", "cmd", "powershell", "pwsh", "powershell_ise"))
_REMOTE = frozenset(("ssh", "plink", "mosh"))
_MOUNTS = frozenset(("-v", "--volume", "--mount"))
_GRANTING = frozenset(("docker run", "deno run"))
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock", "docker_engine")
_HUBS = ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/")
# Deno's own permission flags, from `deno run --help` of Deno 2.5, seen 2026-11-22. It refuses what was not granted.
_GRANTS = {
    "--allow-read": ("file_read",),
    "-R": ("file_read",),
    "--allow-write": ("file_write",),
    "-W": ("file_write",),
    "--allow-net": ("network",),
    "-N": ("network",),
    "--allow-run": ("shell_execution",),
    "--allow-ffi": ("shell_execution",),
    "--allow-all": ("file_read", "file_write", "network", "shell_execution"),
    "-A": ("file_read", "file_write", "network", "shell_execution"),
}
_ROOT_FLAGS = frozenset(
    f"--{name}"
    for name in (
        *("root", "roots", "root-dir", "root-path", "base-dir", "dir", "directory", "folder", "docs-dir", "vault", "vault-path"),
        *("allowed-dir", "allowed-dirs", "allowed-directory", "allowed-directories", "allowed-path", "allowed-paths", "allow-dir"),
        *(
            "workspace",
            "workspace-dir",
            "workspace-root",
            "project",
            "project-dir",
            "project-root",
            "project-path",
            "repo",
            "repository",
            "repo-path",
        ),
    )
)
_ROOT_VARIABLES = frozenset(
    (
        *("MCP_FS_ROOT", "MCP_FS_ROOTS", "FS_ROOT", "FS_ROOTS", "FILESYSTEM_ROOT", "FILESYSTEM_ROOTS", "ALLOWED_DIR", "ALLOWED_DIRS"),
        *("ALLOWED_DIRECTORY", "ALLOWED_DIRECTORIES", "ALLOWED_PATH", "ALLOWED_PATHS", "WORKSPACE_DIR", "WORKSPACE_ROOT"),
        *("PROJECT_ROOT", "PROJECT_DIR", "REPO_PATH", "VAULT_PATH", "OBSIDIAN_VAULT_PATH"),
    )
)
# How clients and shells write a folder that only the machine knows, without the marks around the name.
_FOLDER_NAMES = ("workspacefolder", "workspaceroot", "pwd", "(pwd", "cwd", "home", "userhome", "userprofile", "claude_project_dir")


class Known(NamedTuple):
    """What is known of a server without a pin, and on what that rests: short stable strings."""

    capabilities: tuple[Capability, ...]
    evidence: tuple[str, ...]


def of_server(launches: Sequence[Launch]) -> Known:
    """What is known of an entry's server from its launches, a command that a proxy starts for it included."""
    matches: list[_Match] = []
    facts: list[Capability] = []
    for launch in _served(launches):
        matches += _catalogued(launch)
        facts += _facts(launch)
    named = [capability for match in matches for capability in match.capabilities]
    return Known(tuple(dict.fromkeys(named + facts)), _rests_on(matches, bool(facts)))


def of_launch(launch: Launch) -> Iterator[Capability]:
    """The capabilities of one launch: those of the servers it names, then those that follow from how it starts or is reached."""
    yield from of_server((launch,)).capabilities


def evidence(launch: Launch) -> tuple[str, ...]:
    """On what the capabilities of one launch rest: `catalogue: NAME` for each server known by name, `launch`, or that nothing is known."""
    return of_server((launch,)).evidence


def _rests_on(matches: Sequence[_Match], facts: bool) -> tuple[str, ...]:
    texts = dict.fromkeys([f"catalogue: {match.name}" for match in matches])
    if facts:
        texts["launch"] = None
    return tuple(texts) or (UNKNOWN,)


def _served(launches: Sequence[Launch]) -> Sequence[Launch]:
    """The entry's own launch, and what stands in its own command line; not the client's helpers, which are no part of the server."""
    if len(launches) < 2:
        return launches
    places = {word.at for word in launches[0].words}
    return (launches[0], *(launch for launch in launches[1:] if launch.words and launch.words[0].at in places))


class _Match(NamedTuple):
    """A server of the catalogue by the name it was found under."""

    name: str
    capabilities: tuple[Capability, ...]


def _catalogued(launch: Launch) -> list[_Match]:
    """The servers of the catalogue that a launch names; the file is read only for a launch that names anything."""
    found: dict[str, _Match] = {}
    for name, sure in _names(launch):
        can = _table().get(name)
        if can is not None and can not in found:
            found[can] = _Match(name, _capabilities(can, sure))
    return list(found.values())


@functools.cache
def _table() -> dict[str, str]:
    """Name of a server -> what it can do, as data/catalogue.json writes it."""
    import json

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "catalogue.json")
    with open(path, encoding="utf-8") as file:
        return {name: record["can"] for record in json.load(file)["servers"] for name in record["keys"]}


@functools.cache
def _capabilities(can: str, sure: bool) -> tuple[Capability, ...]:
    """`file_read high read_file; …` as values; at most medium when the name of a program stands for a package."""
    parts = [part.split(" ", 2) for part in can.split("; ") if part]
    return tuple(Capability("", what, "medium" if level == "high" and not sure else level, f"catalogue: {shown}") for what, level, shown in parts)


def _names(launch: Launch) -> Iterator[tuple[str, bool]]:
    """The names under which the catalogue may know a launch, and whether each is certain."""
    if launch.package is not None:
        yield _package_name(launch.package), True
    elif launch.image is not None:
        yield f"oci:{_image_name(launch.image.name)}", True
    else:
        yield from _installed(launch)
    for url in launch.urls:
        found = _address(url.text)
        if found is not None:
            yield f"host:{found.host}", True


def _package_name(package: Package) -> str:
    """`ecosystem:name` of a package from its registry, `git:host/owner/name` of one from a repository, else a name that nothing has."""
    if package.pin in ("commit", "branch"):
        return f"git:{_repository(package.source)}"
    if package.pin in ("url", "local"):
        return ""
    if package.ecosystem == "pypi":
        return f"pypi:{_pypi_name(package.name)}"
    return f"{package.ecosystem}:{package.name.lower() if package.ecosystem == 'nuget' else package.name}"


def _pypi_name(name: str) -> str:
    """The name as PEP 503 normalises it."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def _repository(source: str) -> str:
    """`github.com/owner/name` of any spelling of a git address."""
    text = source.partition("#")[0].partition("?")[0].removeprefix("git+")
    if text.startswith("github:"):
        text = f"github.com/{text[7:]}"
    authority, _, path = text.rpartition("://")[2].partition("/")
    name = f"{authority.rpartition('@')[2].replace(':', '/')}/{path.partition('@')[0]}"
    return name.rstrip("/").removesuffix(".git").lower()


def _image_name(name: str) -> str:
    """The image's name without the default registry."""
    lower = name.lower()
    hub = next((hub for hub in _HUBS if lower.startswith(hub)), "")
    return lower[len(hub) :].removeprefix("library/")


def _installed(launch: Launch) -> Iterator[tuple[str, bool]]:
    """Names of what is already on the machine: a folder of node_modules, a Python module, a command."""
    script = launch.script.text.replace("\\", "/") if launch.script else ""
    _, found, inside = script.rpartition("node_modules/")
    if found:
        parts = inside.split("/")
        yield f"npm:{'/'.join(parts[: 2 if parts[0].startswith('@') else 1])}", True
    elif launch.runner in ("python", "uv run"):
        for option in launch.options:
            if option.name in ("-m", "--module") and option.value:
                yield f"pypi:{_pypi_name(option.value)}", False
                yield f"pypi:{_pypi_name(option.value.partition('.')[0])}", False
    elif _is_command(launch, script):
        yield f"program:{launch.program}", False
        yield f"pypi:{_pypi_name(launch.program)}", False
        yield f"npm:{launch.program}", False


def _is_command(launch: Launch, script: str) -> bool:
    """True for a command found by its name or at an absolute path; a file of the repository may be named after anything."""
    if not launch.program or launch.runner or launch.program in _SHELLS:
        return False
    return not script or (launch.script == launch.line[0] and _is_path(script) and not script.startswith("."))


@functools.lru_cache(256)
def _address(url: str) -> addresses.Address | None:
    return addresses.read(url)


def _facts(launch: Launch) -> Iterator[Capability]:
    """What follows from how a server is started or reached, whoever wrote it."""
    if launch.urls or launch.program in _REMOTE:
        yield from _reached(launch)
    if launch.shell is not None or launch.code is not None or launch.program in _SHELLS:
        yield from _interpreted(launch)
    if launch.runner in _GRANTING:
        yield from _granted(launch)
    # In a container the mounts tell; its own paths say nothing.
    if launch.arguments and launch.runner != "docker run" and _names_folder(launch):
        yield Capability("", "file_read", "medium", "a folder is named in the arguments")
    if any(variable.value and variable.name.upper() in _ROOT_VARIABLES for variable in launch.env):
        yield Capability("", "file_read", "medium", "a folder is named in a variable")


def _reached(launch: Launch) -> Iterator[Capability]:
    for url in launch.urls:
        found = _address(url.text)
        if found is None or found.kind != addresses.LOOPBACK:
            yield Capability("", "network", "declared", "reached over the network")
    if launch.program in _REMOTE:
        yield Capability("", "network", "high", "started on another machine")


def _interpreted(launch: Launch) -> Iterator[Capability]:
    """A shell or an interpreter with program text; a script file is only how the server starts, so it counts as a weak sign."""
    if launch.shell is not None:
        yield Capability("", "shell_execution", "high", "started through a shell")
    elif launch.program in _SHELLS and launch.script is None:
        yield Capability("", "shell_execution", "high", "the server is a shell")
    elif launch.program in _SHELLS:
        yield Capability("", "shell_execution", "low", "started by a shell script")
    elif launch.code is not None:
        yield Capability("", "shell_execution", "medium", "program text in the arguments")


def _granted(launch: Launch) -> Iterator[Capability]:
    """What the flags of a container engine or of Deno hand to the server."""
    for option in launch.options:
        if launch.runner == "docker run" and option.name in _MOUNTS and option.value:
            yield from _mounted(option, option.value)
        elif launch.runner == "deno run":
            for capability in _GRANTS.get(option.name, ()):
                yield Capability("", capability, "medium", "allowed by a flag")


def _mounted(option: Option, value: str) -> Iterator[Capability]:
    source, read_only = _bind(value) if option.name == "--mount" else _volume(value)
    if source.endswith(_SOCKETS):
        # Whoever may talk to the engine may start any container, so `:ro` means nothing here.
        yield Capability("", "shell_execution", "high", "the container engine's socket is mounted")
    elif source:
        yield Capability("", "file_read", "high", "a folder of the machine is mounted")
        if not read_only:
            yield Capability("", "file_write", "medium", "a folder of the machine is mounted, not read-only")


def _volume(value: str) -> tuple[str, bool]:
    """The machine's side of `-v SOURCE:TARGET[:OPTIONS]`, "" for a named volume, and whether it is read-only."""
    drive = 2 if value[1:2] == ":" and value[2:3] in ("\\", "/") else 0
    source, colon, rest = value[drive:].partition(":")
    source = value[:drive] + source
    if value.startswith("${") and "}" in value:
        end = value.find(":", value.find("}"))
        source, colon, rest = (value[:end], ":", value[end + 1 :]) if end >= 0 else (value, "", "")
    is_path = source.startswith(("/", ".", "~", "$", "%", "\\", "{")) or drive or "/" in source
    return (source if colon and is_path else ""), "ro" in rest.rpartition(":")[2].split(",")


def _bind(value: str) -> tuple[str, bool]:
    """The same for `--mount type=bind,source=…,target=…,readonly`."""
    fields = {name.strip().lower(): text for name, _, text in (part.partition("=") for part in value.split(","))}
    source = fields.get("source") or fields.get("src") or ""
    read_only = any(fields.get(name, "false").lower() not in ("false", "0") for name in ("readonly", "ro"))
    return (source if fields.get("type") == "bind" else ""), read_only


def _names_folder(launch: Launch) -> bool:
    """True when the arguments name a folder: by a flag that is known for it, or standing alone."""
    flag = ""
    for word in launch.arguments:
        if word.text.startswith("-"):
            flag, _, value = word.text.partition("=")
            if value and flag in _ROOT_FLAGS and _is_path(value):
                return True
            flag = "" if value else flag
        elif _is_path(word.text) and (flag in _ROOT_FLAGS or (not flag and _is_folder(word.text))):
            return True
        else:
            flag = ""
    return False


def _is_path(text: str) -> bool:
    if text[:1] in ("$", "%", "{"):
        return text.lower().lstrip("$%{").removeprefix("env:").startswith(_FOLDER_NAMES)
    return text.startswith(("/", "./", "../", "~", ".\\", "..\\", "\\\\")) or text in (".", "..") or (text[1:2] == ":" and text[2:3] in ("\\", "/"))


def _is_folder(text: str) -> bool:
    """True for a path whose last part has no ending: `./docs`, not `./config.json`."""
    return "." not in text.replace("\\", "/").rstrip("/").rpartition("/")[2].lstrip(".")
