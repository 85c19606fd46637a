"""Whose code or service a launch is, apart from version, wrapper and environment: Launch in, Identity out."""

from __future__ import annotations

import functools
import re

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.specs import has_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Launch, Package


class Identity(NamedTuple):
    """kind: host, package, image, script, command. text: the name without version; for a script its path."""

    kind: str
    text: str


def of_launch(launch: Launch) -> Identity | None:
    """The identity of a launch; None when nothing tells, or a variable decides."""
    if launch.urls:
        found = addresses.read(launch.urls[0].text)
        return Identity("host", found.host) if found and found.kind != addresses.REFERENCE and found.host else None
    if launch.image:
        return _known("image", launch.image.name.removeprefix("docker.io/").removeprefix("library/"))
    if launch.package and launch.package.pin != "local":
        return _known("package", _package(launch.package))
    if launch.shell:
        return _known("command", " ".join(launch.shell.text.split()))
    local = launch.script or (launch.package if launch.package and launch.package.pin == "local" else None)
    if local:
        return _known("script", path(local.text))
    return _known("command", _command(launch)) if launch.line else None


def _known(kind: str, text: str) -> Identity | None:
    return None if not text or has_reference(text) else Identity(kind, text)


def _package(package: Package) -> str:
    if package.source:
        address = package.source.partition("#")[0].removesuffix(f"@{package.version}")
        return re.sub(r"^(?:git\+)?[a-z]+://(?:[^/@]*@)?|^github:", "", address, flags=re.I).removesuffix(".git")
    name = re.sub(r"[-_.]+", "-", package.name.lower()) if package.ecosystem == "pypi" else package.name
    return f"{package.ecosystem}:{name}"


@functools.cache
def _here() -> re.Pattern[str]:
    variables = "workspaceFolder|workspaceRoot|CLAUDE_PROJECT_DIR|CLAUDE_PLUGIN_ROOT|extensionPath|workspacePath|__dirname|PWD"
    return re.compile(r"(?:\$\{(?:" + variables + r")(?::-[^}]*)?\}|\$PWD|\.)[\\/]+")


def path(text: str) -> str:
    """A path with `/`, and without what only says `here`: `./a.js`, `a.js` and `${workspaceFolder}/a.js` are one."""
    plain = text.replace("\\", "/")
    at = 0
    while found := _here().match(plain, at):
        at = found.end()
    return plain[at:]


def _command(launch: Launch) -> str:
    """The program, with the module, or the inner program, that it runs."""
    taken = {at for option in launch.options for at in (option.at, option.value_at)}
    module = next((option.value for option in launch.options if option.name in ("-m", "--module") and option.value), None)
    if module:
        return f"{_family(launch.program)} -m {module}"
    if launch.runner == "uv run":
        inner = [word.text for word in launch.line[2:] if word.at not in taken]
        return inner[0] if inner else ""
    return _family(launch.program)


def _family(program: str) -> str:
    """The program without its version: python3.12 and python are one."""
    return re.sub(r"^(python|pypy|node|php|ruby|perl)[\d.]+$", r"\1", program)


def same(one: Identity, other: Identity) -> bool:
    """True for equal identities, and for a machine's own path against its relative form."""
    if one == other:
        return True
    if one.kind != other.kind or one.kind != "script":
        return False
    short, long = sorted((one.text, other.text), key=len)
    absolute = long.startswith(("/", "~")) or long[1:2] == ":"
    return absolute and not short.startswith(("/", "~")) and long.endswith("/" + short)


def project(file: str) -> str:
    """The project folder of a config: its path up to the client's own folder (`a/.cursor/mcp.json` belongs to `a`)."""
    folders = file.split("/")[:-1]
    cut = next((number for number, folder in enumerate(folders) if folder.startswith(".")), len(folders))
    return "/".join(folders[:cut])
