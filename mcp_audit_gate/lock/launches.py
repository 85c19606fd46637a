"""Two written launches in (the lockfile's `launch` objects), out comes whose code they start, which version, and what differs."""

from __future__ import annotations

import functools

from mcp_audit_gate.lock.written import pypi_name
from mcp_audit_gate.metadata import addresses
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Variable, Word
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.launch import Fields, understand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_audit_gate.model import Json, Launch, Package

IDENTITY, VERSION, OTHER = "identity", "version", "other"
# The user confirms on the command line what the client would ask for.
_CONSENT = frozenset(("-y", "--yes"))
_HUBS = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")


class Difference(NamedTuple):
    """How two launches differ. kind: identity when they start or reach something else, version when only its version, else other."""

    kind: str
    words: str


def understood(launch: Mapping[str, Json]) -> Launch:
    """The launch that a written one stands for."""
    words = [_text(launch.get("command")), *map(_text, _listed(launch.get("args")))] if "command" in launch else []
    cwd, url = launch.get("cwd"), launch.get("url")
    return understand(
        Fields(
            words=tuple(Word(text, ("args", number - 1) if number else ("command",)) for number, text in enumerate(words)),
            urls=(Word(url, ("url",)),) if isinstance(url, str) else (),
            env=_variables(launch.get("env")),
            headers=_variables(launch.get("headers")),
            cwd=Word(cwd, ("cwd",)) if isinstance(cwd, str) else None,
            transport=_text(launch.get("transport")),
        )
    )[0]


def _variables(value: Json) -> tuple[Variable, ...]:
    return tuple(Variable(name, text if isinstance(text, str) else None, ()) for name, text in _members(value).items())


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _members(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def identity(launch: Mapping[str, Json]) -> tuple[str, ...]:
    """Whose code or service it is: package names or the image without version, hosts, else the program and what it runs."""
    return _identity(understood(launch))


def _identity(found: Launch) -> tuple[str, ...]:
    names = {f"{package.ecosystem} package {_package(package)}" for package in found.packages} | {f"host {_host(url.text)}" for url in found.urls}
    if found.image:
        names.add(f"image {_image(found.image.name)}")
    if names and found.line and _is_near(found.line[0].text):
        names.add(f"program {_file(found.line[0].text)}")
    return tuple(sorted(names)) or tuple(_program(found))


def _package(package: Package) -> str:
    """The name, or where it comes from, without version or commit."""
    if not package.source:
        return pypi_name(package.name) if package.ecosystem == "pypi" else package.name.lower() if package.ecosystem == "nuget" else package.name
    address = package.source.partition("#")[0]
    scheme, _, rest = address.removeprefix("git+").rpartition("://")
    host, slash, path = rest.partition("/")
    if _has_commit(address):
        path = path.partition("@")[0].removesuffix(".git").lower()
    return f"{scheme}://{host.rpartition('@')[2]}{slash}".lower().removeprefix("://") + path


def _has_commit(address: str) -> bool:
    """True for an address of version control, in which `@` stands before a branch or commit; in others it is part of a name."""
    return "+" in address.partition("://")[0] or "://" not in address


def _image(name: str) -> str:
    lower = name.lower()
    hub = next((hub for hub in _HUBS if lower.startswith(hub)), "")
    return lower[len(hub) :].removeprefix("library/")


def _host(url: str) -> str:
    found = addresses.read(url)
    return url if found is None else found.host


def _program(found: Launch) -> Iterator[str]:
    """The program, and the script, module or program text that it runs. `./node` is a file of the repository, `node` is the one on PATH."""
    first = found.line[0].text if found.line else ""
    yield f"program {_file(first) if _is_near(first) else found.program}"
    modules = [option.value for option in found.options if option.name in ("-m", "--module") and option.value]
    for kind, text in (("script", found.script), ("code", found.code), ("commands", found.shell)):
        if text is not None:
            yield f"{kind} {_path(text.text)}"
    yield from (f"module {module}" for module in modules)


def version(launch: Mapping[str, Json]) -> str:
    """The versions of what is started as written, "" when none is."""
    found = understood(launch)
    packages = [_version(package) for package in sorted(found.packages, key=_package)]
    image = f"{found.image.tag}{'@' if found.image.digest else ''}{found.image.digest}" if found.image else ""
    return " ".join(text for text in (*packages, image) if text)


def _version(package: Package) -> str:
    if package.version or not package.source:
        return package.version
    address, _, commit = package.source.partition("#")
    return commit or (address.partition("://")[2].partition("/")[2].partition("@")[2] if _has_commit(address) else "")


def difference(old: Mapping[str, Json], new: Mapping[str, Json]) -> Difference | None:
    """What two launches of one name have different; None for spelling: order of keys, `-y`, `./` before a path."""
    before, after = _whose(_One(old)), _whose(_One(new))
    if before != after:
        return Difference(
            IDENTITY, f"starts {_shown(after)} instead of {_shown(before)}" if old.get("command") or new.get("command") else _reached(before, after)
        )
    parts = tuple(_parts(old, new))
    if parts:
        return Difference(OTHER, f"differs in {', '.join(parts)}")
    first, second = version(old), version(new)
    return (
        None
        if first == second
        else Difference(VERSION, f"version {visible(second, 60) or 'not given'} instead of {visible(first, 60) or 'none given'}")
    )


class _One:
    """A launch as a key: this very object, which the key keeps alive."""

    __slots__ = ("launch",)

    def __init__(self, launch: Mapping[str, Json]) -> None:
        self.launch = launch

    def __hash__(self) -> int:
        return id(self.launch)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _One) and self.launch is other.launch


@functools.lru_cache(512)
def _whose(one: _One) -> tuple[str, ...]:
    """What a launch starts or reaches; each is compared with many."""
    return _identity(understood(one.launch))


def _reached(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    return f"reaches {_shown(after)} instead of {_shown(before)}"


def _shown(names: tuple[str, ...]) -> str:
    return visible(", ".join(names), 100)


def _parts(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
    """What differs beside identity and version, in words."""
    if old.get("transport") != new.get("transport"):
        yield "transport"
    if _line(old) != _line(new):
        yield "arguments"
    for member, words in (("cwd", "working directory"), ("url", "address")):
        before, after = _text(old.get(member)), _text(new.get(member))
        if (_path(before), _path(after)) != (before, after) and member == "cwd":
            before, after = _path(before), _path(after)
        if before != after:
            yield words
    for member, words in (("env", "variable"), ("headers", "header")):
        before_names, after_names = _members(old.get(member)), _members(new.get(member))
        changed = sorted(name for name in {*before_names, *after_names} if before_names.get(name, ...) != after_names.get(name, ...))
        yield from (f"{words} {visible(name, 40)}" for name in changed[:3])


def _line(launch: Mapping[str, Json]) -> list[str]:
    """The command line with versions, consent and the spelling of paths left out."""
    found = understood(launch)
    named = {package.at: _package(package) for package in found.packages} | ({found.image.at: _image(found.image.name)} if found.image else {})
    programs = {word.at for word in (*found.words[:1], *found.line[:1])}
    return [
        named.get(word.at) or (_file(word.text) if word.at in programs else _path(word.text))
        for word in found.words
        if not (found.packages and word.text in _CONSENT)
    ]


def _path(text: str) -> str:
    """`./tools//a.js` and `tools\\\\a.js` as `tools/a.js`; what is no path as it is."""
    if "://" in text or text[:1] == "-" or ("/" not in text and "\\" not in text):
        return text
    parts = text.replace("\\", "/").split("/")
    return ("/" if parts[0] == "" else "") + "/".join(part for part in parts if part not in ("", ".")) or "."


def _file(text: str) -> str:
    """The same for a program: `./tool` stays apart from `tool`, which is looked for on PATH."""
    path = _path(text)
    return f"./{path}" if _is_near(text) and "/" not in path else path


def _is_near(text: str) -> bool:
    """True for a program that is named by a relative path."""
    return ("/" in text or "\\" in text) and _path(text)[:1] not in ("/", "~", "$") and "://" not in text and text[1:2] != ":"
