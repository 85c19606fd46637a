"""Whose code or service an entry is: what it fetches and where it connects, as the lists of a policy name them."""

from __future__ import annotations

from mcp_audit_gate.lock.written import pypi_name
from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import wording
from mcp_audit_gate.sources.match import fits
from mcp_audit_gate.sources.specs import has_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.model import Image, Launch, Package, Pointer, Server, Word

_DOCKER_HUB = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")


class Part(NamedTuple):
    """A package, an image or a host of an entry, and where it stands.

    names: the texts that a list may name it by, the first without version; none when the config does not tell (a reference, a
    path, a git address). shown: the same for messages.
    """

    names: tuple[str, ...]
    at: Pointer
    shown: str


def packages(launch: Launch) -> Iterator[Part]:
    """`npm:NAME`, `pypi:NAME` or `oci:IMAGE` of everything that the launch fetches."""
    found: list[tuple[Package | Image, tuple[str, ...]]] = [(package, _package(package)) for package in launch.packages]
    if launch.image is not None:
        found.append((launch.image, _image(launch.image)))
    for what, names in found:
        # What may be a credential in the place of a package names nothing.
        yield Part(() if wording.hides(launch, what) else names, what.at, wording.shown(launch, what))


def _package(package: Package) -> tuple[str, ...]:
    if package.ecosystem not in ("npm", "pypi") or package.source or not package.name or package.pin in ("local", "url", "branch", "commit"):
        return ()
    # A reference in the version alone leaves the name certain, unless the version is an address.
    version = package.text.removeprefix(package.name)
    filled = not package.text.startswith(package.name)
    if has_reference(package.text) and (filled or has_reference(package.name) or set(addresses.fill(version)) & set(":/")):
        return ()
    name = f"{package.ecosystem}:{pypi_name(package.name) if package.ecosystem == 'pypi' else package.name}"
    return (name, f"{name}@{package.version}") if package.version else (name,)


def _image(image: Image) -> tuple[str, ...]:
    # A name that a variable's default filled in is not certain: the variable may be set.
    if has_reference(image.name) or (has_reference(image.text) and not image.text.startswith(image.name)):
        return ()
    name = f"oci:{_hub(image.name)}"
    tag = f":{image.tag}" if image.tag else ""
    digest = f"@{image.digest}" if image.digest else ""
    return tuple(dict.fromkeys((name, f"{name}{tag}", f"{name}{digest}", f"{name}{tag}{digest}")))


def _hub(name: str) -> str:
    """An image's name without the parts that mean Docker's own registry."""
    for prefix in _DOCKER_HUB:
        name = name.removeprefix(prefix)
    return name.removeprefix("library/")


def hosts(launch: Launch) -> Iterator[Part]:
    """The host of every address that the launch connects to."""
    for word in launch.urls:
        host, certain = host_of(word)
        yield Part((host,) if certain else (), word.at, f'"{visible(host, 80)}"' if host else "its address")


def host_of(word: Word) -> tuple[str, bool]:
    """The host of an address, lower case, without port and trailing dot, and whether it is all in the text."""
    found = addresses.read(word.text)
    if found is None:
        return "", False
    return ascii_host(found.host), bool(found.host) and "*" not in found.host and not has_reference(_authority(word.text))


def _authority(url: str) -> str:
    """What stands before the path, with braces kept together."""
    rest = url.partition("://")[2] or url
    depth = 0
    for number, char in enumerate(rest):
        depth += (char == "{") - (char == "}")
        if char in "/\\?#" and depth <= 0:
            return rest[:number]
    return rest


def ascii_host(host: str) -> str:
    """A host, or a glob for hosts, in the form in which hosts are compared: canonical, other scripts as Punycode."""
    host = addresses.canonical(host.strip("[]"))
    if host.isascii():
        return host
    labels = []
    for label in host.split("."):
        try:
            labels.append(label if label.isascii() else label.encode("idna").decode("ascii"))
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def matches(names: Iterable[str], globs: Iterable[str]) -> bool:
    """True when one of the names fits one of the globs; `*` stands for any part."""
    listed = tuple(globs)
    return any(fits(name, glob) for name in names for glob in listed)


def package_glob(glob: str) -> str:
    """A glob of `allow: packages` in the spelling of the names it is compared with."""
    kind, _, name = glob.partition(":")
    if kind == "oci":
        return f"oci:{_hub(name)}"
    if kind == "pypi":
        base, at, version = name.partition("@")
        return f"pypi:{base.replace('_', '-').replace('.', '-').lower()}{at}{version}"
    return glob


def of(server: Server) -> str:
    """What a server is, without version and secret: the same text for the same code or service."""
    found = [part.names[0] for launch in server.entry.launches for part in (*packages(launch), *hosts(launch)) if part.names]
    if found:
        return " ".join(found)
    return "\0".join(str(server.launch.get(key, "")) for key in ("command", "args", "url"))


def registry_host(text: str) -> str:
    """The host of an item of `allow: registries`, which may be an address."""
    found = addresses.read(text) if "://" in text else None
    return ascii_host(found.host if found else text)
