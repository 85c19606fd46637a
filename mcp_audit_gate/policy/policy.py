"""The policy in force, as a value: thresholds, requirements, lists, severities, waivers."""

from __future__ import annotations

from types import MappingProxyType

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.sources.discover import excluded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mcp_audit_gate.model import Json, Place, RuleInfo
    from mcp_audit_gate.sources.document import Document

# Findings that say that something was not judged, or that the policy itself is at fault: never waived, never off.
FIXED = frozenset(
    (
        "config-unreadable",
        "live-incomplete",
        "lock-tampered",
        "config-vanished",
        "policy-weakened",
        "waiver-expired",
        "waiver-unused",
        "waiver-untrusted",
        "waiver-too-broad",
    )
)
# What `require: {exact-versions: true}` raises to high, unless `rules` says otherwise.
EXACT = ("unpinned-package", "floating-image-tag")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Layer(NamedTuple):
    """One policy on the way of `extends`: a path or `preset:NAME`, its plain value, and the file it was read from."""

    source: str
    value: Mapping[str, Json]
    document: Document | None = None


class Waiver(NamedTuple):
    """A finding, or the findings of a place, let through until a day. Every part that is given must match; `place` is the waiver's own."""

    rule: str
    reason: str
    expires: date
    place: Place
    owner: str | None = None
    fingerprint: str | None = None
    path: str | None = None
    server: str | None = None
    subject: str | None = None


class Terms(NamedTuple):
    """What holds for one server only."""

    max_risk: float | None = None
    rules: Mapping[str, str] = _NOTHING


_NO_TERMS = Terms()


class Policy(NamedTuple):
    """What is tolerated. A list absent from `allow` allows everything, an empty one nothing; servers are keyed by `same_name`.

    name: a path or `preset:NAME`. layers: the files and presets it was put together from, the base first.
    """

    name: str = "preset:default"
    fail_on: str = "high"
    max_risk: float | None = None
    lock: bool = False
    exact_versions: bool = False
    deny: Mapping[str, tuple[str, ...]] = _NO_LISTS
    allow: Mapping[str, tuple[str, ...]] = _NO_LISTS
    rules: Mapping[str, str] = _NOTHING
    servers: Mapping[str, Terms] = MappingProxyType({})
    exclude: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    layers: tuple[Layer, ...] = ()

    def severity(self, info: RuleInfo, server: str | None = None) -> str:
        """The severity in force for a rule, or "off"; for one server when it is named."""
        own = self.terms(server).rules.get(info.id) or self.rules.get(info.id)
        return own or ("high" if self.exact_versions and info.id in EXACT else info.severity)

    def limit(self, server: str) -> float | None:
        """The highest risk that a server may have, or None."""
        own = self.terms(server).max_risk
        return self.max_risk if own is None else own

    def terms(self, server: str | None) -> Terms:
        """What holds for a server only; nothing for None."""
        return self.servers.get(same_name(server), _NO_TERMS) if self.servers and server is not None else _NO_TERMS

    def excludes(self, path: str) -> bool:
        """True for a path that `exclude` covers; a glob for a folder covers all that lies in it."""
        return bool(self.exclude) and excluded(path, (*self.exclude, *(f"{glob.rstrip('/')}/**" for glob in self.exclude)))


def same_name(text: str) -> str:
    """A server's name as names are compared: compatibility forms and case make no difference."""
    if text.isascii():
        return text.lower()
    from unicodedata import normalize

    return normalize("NFKC", normalize("NFKC", text).casefold())
