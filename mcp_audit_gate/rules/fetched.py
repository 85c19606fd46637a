"""What a launch fetches: the packages and images it names, and how messages show them. Shared by the rules of family packages."""

from __future__ import annotations

import functools
import itertools
import os
import re

from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Image, Package, Word
from mcp_audit_gate.sources import specs
from mcp_audit_gate.sources.fields import bundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_audit_gate.model import Entry, Launch, Pointer

_READERS: dict[str, Callable[[Word], Package | None]] = {
    "npm": specs.npm,
    "pypi": specs.pypi,
    "go": specs.go,
    "nuget": specs.nuget,
    "jsr": specs.deno,
}
# Flags whose value is a package of its own, beside the one that the launch is about.
_MORE = {
    "npx": ("-p", "--package"),
    "bunx": ("-p", "--package"),
    "pnpm dlx": ("--package",),
    "yarn dlx": ("-p", "--package"),
    "uvx": ("--with", "-w"),
    "uv run": ("--with", "-w"),
}
_ADDRESSES = ("http://", "https://", "git+", "git:", "github:", "git@")


@functools.cache
def table() -> dict[str, frozenset[str]]:
    """The lists of data/packages.json; a table of flags by runner becomes one list a runner, `registry_flags npx`."""
    import json

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "packages.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    lists = {name: frozenset(value) for name, value in data.items() if isinstance(value, list)}
    return lists | {f"{name} {key}": frozenset(value) for name, inner in data.items() if isinstance(inner, dict) for key, value in inner.items()}


def packages(launch: Launch) -> Iterator[Package]:
    """The package a launch is about, then the others its flags name; `${VAR:-default}` is read as its default."""
    main = launch.package
    if main is not None:
        yield from _listed(_reread(launch, main))
    elif launch.words and _is_bundle(launch.words[0].text):
        found = bundle(launch.words[0].text, launch.words[0].at).package
        if found is not None:
            yield found
    for option in launch.options:
        if option.name in _MORE.get(launch.runner, ()) and option.value and not (main and (option.value, option.value_at) == (main.text, main.at)):
            more = (specs.pypi if launch.runner.startswith("uv") else specs.npm)(Word(option.value, option.value_at))
            yield from _listed(_reread(launch, more))
    if launch.runner == "uv run" and launch.script and launch.script.text.startswith(("https://", "http://")):
        yield specs.pypi(launch.script)


def hashed(entry: Entry, package: Package) -> bool:
    """True for a bundle of a registry entry (server.json) that comes with the hash of the file."""
    return package.ecosystem == "mcpb" and isinstance(entry.value.get("fileSha256"), str)


def _is_bundle(address: str) -> bool:
    """True for the address of an MCP bundle."""
    return address.startswith(("https://", "http://")) and address.partition("?")[0].partition("#")[0].lower().endswith((".mcpb", ".dxt"))


def _listed(package: Package) -> Iterator[Package]:
    """The packages of `--with one,two`; a comma inside a version range parts nothing."""
    if package.ecosystem != "pypi" or "," not in package.text or "://" in package.text:
        yield package
        return
    for text in re.split(r",(?=\s*[A-Za-z])", package.text):
        yield specs.pypi(Word(text.strip(), package.at))


def _reread(launch: Launch, package: Package) -> Package:
    """The package with what its text alone does not tell: a variable's default, a version that is an address, a flag behind the name."""
    if package.pin == "reference" and "${" in package.text and "-" in package.text:
        text = addresses.fill(package.text)
        reader = _READERS.get(package.ecosystem)
        package = (reader(Word(text, package.at)) if reader and addresses.HOLE not in text else None) or package
    if package.ecosystem == "npm" and package.version.startswith(_ADDRESSES):
        package = specs.npm(Word(package.version, package.at))._replace(name=package.name, text=package.text)
    if package.ecosystem == "npm" and package.pin == "branch" and _is_archive(package.source):
        package = Package("npm", "", "", "url", package.source, package.text, package.at)
    if package.pin == "url" and _is_bundle(package.source):
        return bundle(package.source, package.at).package or package
    if package.pin == "url":
        return _registry_file(package) or _hosted_git(package) or package
    if package.ecosystem == "nuget" and package.pin == "none":
        texts = [word.text for word in launch.arguments]
        version = texts[texts.index("--version") + 1 : texts.index("--version") + 2] if "--version" in texts else []
        return specs.nuget(Word(f"{package.name}@{version[0]}", package.at))._replace(text=package.text) if version else package
    return package


def _is_archive(address: str) -> bool:
    """True for an https address whose `.git` stands in the host's name, not at the end of the path: npm downloads it."""
    return address.startswith(("https://", "http://")) and not address.partition("#")[0].endswith(".git")


def _registry_file(package: Package) -> Package | None:
    """The package whose archive in a registry an address names: one version, never replaced, and in the advisories under its name."""
    found = addresses.read(package.source)
    if found is None or found.host not in table()["registry_files"]:
        return None
    path = package.source.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")[2]
    npm = re.fullmatch(r"((?:@[^/@]+/)?([^/@]+))/-/(.+)\.tgz", path)
    if npm and npm[3].startswith(f"{npm[2]}-"):
        return specs.npm(Word(f"{npm[1]}@{npm[3][len(npm[2]) + 1 :]}", package.at))
    wheel = re.fullmatch(r"([^-]+)-([^-]+)(?:-[^-]+){3,4}\.whl", path.rpartition("/")[2]) or re.fullmatch(
        r"(.+)-([^-]+)\.(?:tar\.gz|zip)", path.rpartition("/")[2]
    )
    return specs.pypi(Word(f"{wheel[1]}=={wheel[2]}", package.at)) if wheel else None


def _hosted_git(package: Package) -> Package | None:
    """npm clones `https://github.com/owner/repository`; only longer paths are archives."""
    address = package.source.partition("#")[0].rstrip("/")
    if package.ecosystem == "npm" and re.fullmatch(r"https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)/[^/?]+/[^/?]+", address):
        return specs.npm(Word("git+" + package.source, package.at))._replace(text=package.text)
    return None


def filled(image: Image) -> Image | None:
    """The image with the defaults of its references filled in; None when a reference is left, or for what is no image's name."""
    if image.text.startswith(("/", "~", ".")):
        # The value of a flag that a cluster such as `-itv` hides.
        return None
    if not specs.has_reference(image.text):
        return image
    text = addresses.fill(image.text)
    return None if addresses.HOLE in text or specs.has_reference(text) else specs.image(Word(text, image.at))


def server(entry: Entry) -> str:
    """How messages name the entry, at the beginning of a sentence."""
    if entry.kind == "command":
        return f"The command in {visible(str(entry.pointer[0]) if entry.pointer else entry.document.path, 80)}"
    return f'Server "{visible(entry.name, 80)}"'


def field(at: Pointer) -> str:
    """A pointer below the entry as people write it: args[1]."""
    return visible("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip("."), 80) or "the entry"


def shown(launch: Launch, what: Package | Image) -> str:
    """The package or image as messages show it: never an address, and nothing that may be a credential."""
    text = _name(what)
    return "code" if not text or hides(launch, what) else f'"{visible(text, 80)}"'


def _name(what: Package | Image) -> str:
    """What a package or image goes by: as written, or its name when that is an address."""
    if isinstance(what, Package) and (what.source or "://" in what.text):
        name = what.name.partition("?")[0].partition("#")[0]
        return "" if "://" in name else name
    return what.text


def hides(launch: Launch, what: Package | Image) -> bool:
    """True when the name holds a credential, by its form or because a flag before it says so (`npx --token … pkg`)."""
    from mcp_audit_gate.metadata.credentials import is_secret_name, judge

    before = next((flag.text for flag, word in itertools.pairwise(launch.line) if word.text == what.text), "")
    return bool(judge(_name(what))) or (before.startswith("-") and is_secret_name(before))
