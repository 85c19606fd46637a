"""Packages and images that a launch fetches: entries in, hits for what is not pinned or comes from elsewhere."""

from __future__ import annotations

import re

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Hit, Package, Rule, RuleInfo, Word
from mcp_audit_gate.sources import specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.model import Entry, Launch, Pointer

_READERS: dict[str, Callable[[Word], Package | None]] = {"npm": specs.npm, "pypi": specs.pypi, "go": specs.go, "nuget": specs.nuget}
# Flags whose value is a package of its own, beside the one that the launch is about.
_MORE = {
    "npx": ("-p", "--package"),
    "bunx": ("-p", "--package"),
    "pnpm dlx": ("--package",),
    "yarn dlx": ("-p", "--package"),
    "uvx": ("--with", "-w"),
    "uv run": ("--with", "-w"),
}
_DEFAULT = r"\$\{[A-Za-z_][A-Za-z0-9_]*:-([^${}]*)\}"
_LOCAL_VERSIONS = ("workspace:", "file:", "link:", "portal:")


def packages(launch: Launch) -> Iterator[Package]:
    """The package a launch is about, then the others its flags name; `${VAR:-default}` is read as its default."""
    main = launch.package
    if main is not None:
        yield from _listed(_reread(launch, main))
    for option in launch.options:
        again = main is not None and (option.value, option.value_at) == (main.text, main.at)
        if option.name in _MORE.get(launch.runner, ()) and option.value and not again:
            more = (specs.pypi if launch.runner.startswith("uv") else specs.npm)(Word(option.value, option.value_at))
            yield from _listed(_reread(launch, more))


def _listed(package: Package) -> Iterator[Package]:
    """The packages of `--with one,two`; a comma inside a version range parts nothing."""
    if package.ecosystem != "pypi" or "," not in package.text or "://" in package.text:
        yield package
        return
    for text in re.split(r",(?=\s*[A-Za-z])", package.text):
        yield specs.pypi(Word(text.strip(), package.at))


def _reread(launch: Launch, package: Package) -> Package:
    """The package with what only the whole launch tells: a default of a variable, a version that is an address, a flag behind the name."""
    if package.pin == "reference" and ":-" in package.text:
        text = re.sub(_DEFAULT, r"\1", package.text)
        found = None if specs.has_reference(text) else _READERS.get(package.ecosystem, _no_package)(Word(text, package.at))
        return found or package
    if package.ecosystem == "npm" and package.version.startswith(("http://", "https://", "git+", "git:", "github:", "git@")):
        return specs.npm(Word(package.version, package.at))._replace(name=package.name, text=package.text)
    if package.ecosystem == "nuget" and package.pin == "none":
        texts = [word.text for word in launch.arguments]
        version = texts[texts.index("--version") + 1 : texts.index("--version") + 2] if "--version" in texts else []
        return specs.nuget(Word(f"{package.name}@{version[0]}", package.at))._replace(text=package.text) if version else package
    return package


def _no_package(word: Word) -> None:
    return None


def server(entry: Entry) -> str:
    """How messages name the entry."""
    return f'Server "{visible(entry.name, 80)}"' if entry.kind != "command" else f'"{visible(entry.name, 80)}"'


def field(at: Pointer) -> str:
    """A pointer below the entry as people write it: args[1]."""
    return visible("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip("."), 80) or "the entry"


def named(package: Package) -> str:
    """The package as messages show it: never an address, which may hold a credential."""
    if package.source or "://" in package.text:
        return f'"{visible(package.name, 80)}"' if package.name and "://" not in package.name else "code"
    return f'"{visible(package.text, 80)}"'


UNPINNED_PACKAGE = RuleInfo(
    id="unpinned-package",
    family="packages",
    severity="medium",
    title="A package is started without an exact version",
    why="The next start may run another release than the one that was reviewed. The npm package postmark-mcp was harmless for fifteen "
    "releases and sent every mail to a stranger in the sixteenth; those who had named no version got it at the next start.",
    looks_at="The package that npx, npm exec, bunx, pnpm dlx, yarn dlx, uvx, uv tool run, uv run --with, pipx run, dnx, deno or go run fetches: no "
    "version, a tag such as latest, a range, a git address without a full commit, a bundle of the latest release. Paths, workspace packages and what "
    "the repository's own lock decides are left alone.",
    fix="Write the exact version (name@1.2.3, name==1.2.3 or a full commit), or run mcp-audit pin.",
    references=("CWE-1357", "CWE-494", "OWASP MCP04", "SAFE-T1207", "MAL-2025-47604"),
    example_bad=(".mcp.json", '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp", "./docs"]}\n  }\n}\n'),
    example_good=(".mcp.json", '{\n  "mcpServers": {\n    "docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2", "./docs"]}\n  }\n}\n'),
)
_FLOATING = {"none": "without a version", "tag": "by a tag", "range": "by a range of versions", "branch": "from a git address without a full commit"}


def unpinned_package(entry: Entry) -> Iterator[Hit]:
    """Every package of the entry that the next start may resolve to another release."""
    for launch in entry.launches:
        for package in packages(launch):
            how = _floating(launch, package)
            if how:
                message = f"{server(entry)} starts {named(package)} {how} ({field(package.at)}), so the next start may run another release"
                yield Hit(entry.place(package.at), message, f"{package.name}@{package.version}" if package.source else package.text)


def _floating(launch: Launch, package: Package) -> str:
    """How the package floats, in words; empty when it is pinned or nothing can be said."""
    if package.pin == "url":
        latest = "/releases/latest/download/" in package.source and _is_bundle(package.source)
        return "from the latest release" if latest else ""
    if package.pin not in _FLOATING or package.version.startswith(_LOCAL_VERSIONS) or _decided_elsewhere(launch, package):
        return ""
    return _FLOATING[package.pin]


def _is_bundle(address: str) -> bool:
    return address.partition("?")[0].partition("#")[0].lower().endswith((".mcpb", ".dxt"))


def _decided_elsewhere(launch: Launch, package: Package) -> bool:
    """True when a lock, a workspace or a date decides which release runs."""
    if package.ecosystem == "go":
        # `go run module` without @version takes the version in go.mod.
        return package.pin == "none"
    if launch.package is not None and package.at != launch.package.at and launch.runner == "uvx":
        # `uvx --with` adds a dependency; like all dependencies it is resolved anew, and the launch is about another package.
        return True
    for option in launch.options:
        if option.name in ("-w", "--workspace", "--workspaces", "-ws") and launch.runner == "npx":
            return True
        if option.name in ("--exclude-newer", "--before") and (option.value or "")[:4].isdigit():
            return True
        if option.name == "--frozen" and launch.runner == "deno run":
            return True
    return False


RULES: tuple[Rule, ...] = (Rule(UNPINNED_PACKAGE, unpinned_package),)
