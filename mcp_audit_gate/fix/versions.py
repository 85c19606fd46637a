"""Packages and images without an exact version: the one that the lockfile has on record, written as their runner takes it. Nothing is guessed."""

from __future__ import annotations

from mcp_audit_gate.fix.edits import Part
from mcp_audit_gate.lock.launches import VERSION, understood
from mcp_audit_gate.lock.match import nearest
from mcp_audit_gate.model import Word
from mcp_audit_gate.pattern import lazy
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources import specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Json, Launch, Package

_FLOATING = ("none", "tag", "range")
_LINES = (("args",), ("command",), ("cmd",))  # elsewhere (catalogues) a version has a key of its own
_BEFORE, _AFTER = ("", " ", "=", "'", '"', "\t"), ("", " ", "'", '"', "\t")
_VERSION = lazy(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,127}")
_DIGEST = lazy(r"sha256:[0-9a-f]{64}")
_PYPI = lazy(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\[\];@]*\])?\s*((?:@|[=<>~!])[^;]*)?")


class Version(NamedTuple):
    """A package or image that gets its version, and the change of the string it stands in."""

    match: Match
    part: Part
    version: str


def versions(matches: Iterable[Match]) -> Iterator[Version]:
    """Each server whose launch floats and whose version the lockfile knows: as `resolved`, or as that of the record it fell from."""
    for item in matches:
        known = _known(item)
        named = item.entry.launch.image or item.entry.launch.package
        if not known or named is None or named.at[:1] not in _LINES or len(item.entry.launch.packages) > 1:
            continue
        new = _image(item.entry.launch, known) if item.entry.launch.image else _package(item.entry.launch, known)
        value = _text(item.entry.value, named.at)
        starts = list(_words(value, named.text))
        if new is not None and len(starts) == 1:  # more than one place where it may stand is one too many
            (start,), same = starts, _same(named.text, new)
            part = Part(item.entry.place(named.at), value, start + same, start + len(named.text), new[same:])
            yield Version(item, part, known)


def _words(text: str, wanted: str) -> Iterator[int]:
    """Where a word stands in a command line, or behind the equals sign of a flag."""
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if text[at - 1 : at] in _BEFORE and text[end : end + 1] in _AFTER:
            yield at
        at = text.find(wanted, at + 1)


def _same(one: str, other: str) -> int:
    """How many first characters two texts share."""
    return next((number for number, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def _known(item: Match) -> str:
    """The version on record, "" when there is none."""
    if item.pin is not None:
        return item.pin.resolved or "" if item.exact and item.sound else ""
    near = nearest(item)
    if near is None or near.difference.kind != VERSION:
        return ""
    before = understood(near.pin.launch)
    if before.image:
        return before.image.digest
    return before.package.version if before.package and before.package.pin == "exact" else ""


def _text(value: Json, at: tuple[str | int, ...]) -> str:
    for step in at:
        value = value[step] if isinstance(value, (dict, list)) else None  # type: ignore[index]
    return value if isinstance(value, str) else ""


def _image(launch: Launch, digest: str) -> str | None:
    image = launch.image
    if image is None or image.digest or not specs.is_known(image) or not _DIGEST.fullmatch(digest) or specs.filled(image.text) != image.text:
        return None
    return f"{image.text}@{digest}"


def _package(launch: Launch, version: str) -> str | None:
    package = launch.package
    if package is None or package.pin not in _FLOATING or package.source or not _VERSION.fullmatch(version):
        return None
    if specs.has_reference(package.text) or package.ecosystem not in _SPELLINGS:
        return None
    new = _SPELLINGS[package.ecosystem](launch, package, version)
    read = new and specs.package("deno" if new.startswith("npm:") else package.ecosystem, Word(new, package.at))
    return new if read and read.pin == "exact" and read.name == package.name else None


def _at(launch: Launch, package: Package, version: str) -> str | None:
    """`name@version`, behind `npm:` for deno."""
    prefix = "npm:" if package.text.startswith("npm:") else ""
    head = f"{prefix}{package.name}"
    rest = package.text.removeprefix(head)
    if not package.text.startswith(head) or (rest and rest[0] != "@") or "/" in rest or ":" in rest:
        return None
    return f"{head}@{version}"


def _pypi(launch: Launch, package: Package, version: str) -> str | None:
    """`name==version` where a requirement stands, `name@version` where uvx takes a tool's name."""
    found = _PYPI.fullmatch(package.text)
    if found is None or found[1] != package.name:
        return None
    is_requirement = launch.runner != "uvx" or any(
        option.value_at == package.at and (option.value or "").strip() == package.text for option in launch.options
    )
    if not is_requirement and found[2]:
        return None
    return f"{found[1]}{found[2] or ''}{'==' if is_requirement else '@'}{version}"


_SPELLINGS = {"npm": _at, "nuget": _at, "go": _at, "pypi": _pypi}
