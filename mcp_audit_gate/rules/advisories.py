"""Packages with a record in data/advisories.json: malware, published faults, abandoned ones. Entries in, hits out, offline.

The file says where its records come from; scripts/advisories.py renews it. What a match means depends on how much is certain: the
table is in `judge`. Names are compared exactly, within their ecosystem, never by a part of them.
"""

from __future__ import annotations

import functools
import os
import re

from mcp_audit_gate.model import Hit, Rule, RuleInfo
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules.wording import field, server, shown
from mcp_audit_gate.sources import specs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from mcp_audit_gate.model import Entry, Image, Launch, Package

OLD_DAYS = 90
_BEGIN = '"ecosystem": "'
_ECOSYSTEMS = {"npm": "npm", "pypi": "PyPI", "go": "Go"}
# What these name comes from elsewhere, so the registry's records do not speak of it.
_ELSEWHERE = frozenset(("local", "url", "commit", "branch"))


class Record(NamedTuple):
    """One fact about one package. affected: ranges of rules.versions, `*` for all versions; fixed: the first fixed version of each branch."""

    id: str
    kind: str
    ecosystem: str
    package: str
    affected: tuple[str, ...]
    fixed: tuple[str, ...]
    severity: str
    summary: str
    replacement: str


class Match(NamedTuple):
    """A record that something a launch fetches meets. rule: what it amounts to. version: exact, or None for unknown."""

    rule: str
    record: Record
    version: str | None
    launch: Launch
    what: Package | Image


class _File(NamedTuple):
    """The text of the file, and `ecosystem", "package": "name` of every record, just as it stands there."""

    text: str
    names: frozenset[str]


@functools.cache
def _file() -> _File:
    """The file, not yet read as JSON.

    It holds one record a line, written by scripts/advisories.py in one spelling. So a run finds out which of its packages have
    records in 0.2 ms and reads JSON only for those, where json.load would take 1 ms of every scan (a bare interpreter takes 10).
    A test compares the two readings for every record.
    """
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "advisories.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return _File(text, frozenset(part.partition('", "kind"')[0] for part in text.split(_BEGIN)))


def collected() -> str:
    """The day on which the records were collected, as YYYY-MM-DD."""
    return _file().text.partition('"collected": "')[2].partition('"')[0]


def age_days(today: date) -> int:
    """How many days before `today` the records were collected."""
    return today.toordinal() - type(today).fromisoformat(collected()).toordinal()


def aged(today: date) -> tuple[str, ...]:
    """What a report says once the records are more than OLD_DAYS days old; nothing until then."""
    days = age_days(today)
    if days <= OLD_DAYS:
        return ()
    return (f"the advisories of this release are {days} days old (collected {collected()}): update mcp-audit-gate to match later ones",)


@functools.cache
def records(ecosystem: str, name: str) -> tuple[Record, ...]:
    """The records of a package, name and ecosystem as in the file."""
    text, names = _file()
    key = _key(ecosystem, name)
    return tuple(_lines(text, f'{_BEGIN}{key}", "kind"')) if key in names else ()


def _key(ecosystem: str, name: str) -> str:
    return f'{ecosystem}", "package": "{name}'


def _lines(text: str, needle: str) -> Iterator[Record]:
    """The records on the lines that hold a text."""
    import json

    at = text.find(needle)
    while at >= 0:
        end = text.find("\n", at)
        one = json.loads(text[text.rfind("\n", 0, at) + 1 : end].removesuffix(","))
        affected, fixed = tuple(one["affected"]), tuple(one["fixed"])
        yield Record(
            one["id"], one["kind"], one["ecosystem"], one["package"], affected, fixed, one["severity"], one["summary"], one.get("replacement", "")
        )
        at = text.find(needle, end)


def matches(entry: Entry) -> Iterator[Match]:
    """Every record that a package or an image of the entry meets."""
    for launch in entry.launches:
        for package in launch.packages:
            names = _names(package)
            if names:
                version = package.version if package.pin == "exact" else None
                for met in _meet(_ECOSYSTEMS[package.ecosystem], names, version):
                    yield Match(*met, launch, package)
        if launch.image is not None and specs.is_known(launch.image):
            image = launch.image
            for met in _meet("Docker", (_image_name(image),), image.tag or None):
                yield Match(*met, launch, image)


def _meet(ecosystem: str, names: Iterable[str], version: str | None) -> tuple[tuple[str, Record, str | None], ...]:
    """What the records say about the first of the names that has any: rule, record, and the version if it is one."""
    for name in names:
        if _key(ecosystem, name) in _file().names:
            from mcp_audit_gate.rules import versions

            return _judged(ecosystem, name, version if version and len(version) <= versions.LONGEST else None)
    return ()


@functools.lru_cache(maxsize=1024)
def _judged(ecosystem: str, name: str, version: str | None) -> tuple[tuple[str, Record, str | None], ...]:
    """Rule and record for each record that says something about the version, and the version if it is one.

    Cached, as four rules ask and the same few packages stand in many entries.
    """
    from mcp_audit_gate.rules import versions

    known = version if version is not None and versions.key(ecosystem, version) is not None else None
    return tuple((rule, record, known) for record in records(ecosystem, name) if (rule := judge(record, known)))


def _names(package: Package) -> tuple[str, ...]:
    """The names under which records of a package may stand, the longest first."""
    if package.pin in _ELSEWHERE or package.source or package.ecosystem not in _ECOSYSTEMS:
        return ()
    if package.ecosystem == "pypi":
        return (re.sub(r"[-_.]+", "-", package.name).lower(),)
    if package.ecosystem == "go":
        # No module path is longer, and the parents of a path are as many as its slashes.
        return tuple(_modules(package.name)) if len(package.name) <= 1024 else ()
    return (package.name,)


def _modules(path: str) -> Iterator[str]:
    """The modules that a Go package may belong to: `host/a/b/cmd` is in one of its parents; `host/a/v2/cmd` is not in `host/a`."""
    while "/" in path:
        yield path
        path, _, last = path.rpartition("/")
        if re.fullmatch(r"v[0-9]+", last):
            return


def _image_name(image: Image) -> str:
    name = image.name
    for prefix in ("docker.io/", "index.docker.io/", "registry-1.docker.io/"):
        name = name.removeprefix(prefix)
    return name.removeprefix("library/")


def judge(record: Record, version: str | None) -> str:
    """The rule a record amounts to for an exact version, or for an unknown one (None); empty when it says nothing about it.

    `*` on a vulnerability means that the source lost the upper bound, so it warns and never blocks; on malware and on abandoned
    packages it means every version.
    """
    if record.kind == "deprecated":
        return "deprecated-package"
    from mcp_audit_gate.rules import versions

    whole = "*" in record.affected
    inside = version is not None and any(versions.within(record.ecosystem, version, spec) for spec in record.affected)
    if record.kind == "malicious":
        newest = any(_open(spec) for spec in record.affected)
        return "known-malicious" if whole or inside or (newest and version is None) else "advisory-to-review"
    if whole:
        return "advisory-to-review"
    if version is None:
        return "" if record.fixed else "advisory-to-review"
    if not inside:
        return ""
    return "known-vulnerable" if record.severity in ("critical", "high") else "advisory-to-review"


def _open(spec: str) -> bool:
    """True for a range without an upper end."""
    return spec == "*" or not any(bound.lstrip().startswith(("<", "==")) for bound in spec.split(","))


KNOWN_MALICIOUS = RuleInfo(
    id="known-malicious",
    family="packages",
    severity="critical",
    title="The launch runs a package reported as malware",
    why="Hostile code was confirmed in the releases this launch can run. Whoever starts the server runs it with their own rights and credentials.",
    looks_at="Ecosystem, exact name and version of every package an entry fetches, compared offline with the records the gate ships. Without an "
    "exact version it counts when every version or the newest one is hostile.",
    fix="Remove the entry and replace every credential that machines which started it could read.",
    references=("CWE-506", "OWASP MCP04", "SAFE-T1003", "MAL-2025-47604", "MAL-2026-5320"),
    example_bad=(".mcp.json", '{\n  "mcpServers": {\n    "mail": {"command": "npx", "args": ["-y", "postmark-mcp@1.0.16"]}\n  }\n}\n'),
    example_good=(".mcp.json", '{\n  "mcpServers": {\n    "mail": {"command": "npx", "args": ["-y", "@acme/mail-mcp@1.4.2"]}\n  }\n}\n'),
    precision="very-high",
)
KNOWN_VULNERABLE = RuleInfo(
    id="known-vulnerable",
    family="packages",
    severity="high",
    title="The exact version launched has a grave published fault",
    why="The fault and how to use it are public, and a fixed version exists or the source says that there is none.",
    looks_at="The exact version of every package and image an entry fetches, compared offline with records of critical or high severity whose range "
    "of versions is certain. Image tags count when they are full versions.",
    fix="Raise it to the fixed version.",
    references=("CWE-1395", "OWASP MCP04", "CVE-2025-6514", "CVE-2025-53109", "CVE-2026-27825"),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "tracker": {"command": "npx", "args": ["-y", "mcp-remote@0.1.15", "https://mcp.example.com/mcp"]}\n  }\n}\n',
    ),
    example_good=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "tracker": {"command": "npx", "args": ["-y", "mcp-remote@0.1.37", "https://mcp.example.com/mcp"]}\n  }\n}\n',
    ),
    precision="very-high",
)
ADVISORY_TO_REVIEW = RuleInfo(
    id="advisory-to-review",
    family="packages",
    severity="medium",
    title="An advisory applies to the package, but weakly or not for certain",
    why="Somebody should read the record: it is of medium or low severity, or it says no upper bound, or the version that will run is not known "
    "and no fix is, or other releases of the same package were malware.",
    looks_at="The same records as known-vulnerable and known-malicious, where those two can't speak.",
    fix="Read the record, and pin a version outside its range.",
    references=("CWE-1395", "OWASP MCP04", "CVE-2025-59333"),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "ckan": {"command": "npx", "args": ["-y", "@aborruso/ckan-mcp-server@0.4.111"]}\n  }\n}\n',
    ),
    example_good=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "ckan": {"command": "npx", "args": ["-y", "@aborruso/ckan-mcp-server@0.4.112"]}\n  }\n}\n',
    ),
)
DEPRECATED_PACKAGE = RuleInfo(
    id="deprecated-package",
    family="packages",
    severity="low",
    title="The package is archived and gets no security fixes",
    why="Nobody will repair the next fault. The archived reference servers are still among the most used ones.",
    looks_at="Ecosystem and exact name of every package and image an entry fetches, compared offline with the records the gate ships.",
    fix="Move to a maintained server.",
    references=("CWE-1104", "OWASP MCP04"),
    example_bad=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "search": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-brave-search@0.6.2"]}\n  }\n}\n',
    ),
    example_good=(
        ".mcp.json",
        '{\n  "mcpServers": {\n    "search": {"command": "npx", "args": ["-y", "@brave/brave-search-mcp-server@2.0.80"]}\n  }\n}\n',
    ),
    precision="very-high",
)


def known_malicious(entry: Entry) -> Iterator[Hit]:
    """Every package of the entry that is, or can be, a hostile release."""
    return _hits(entry, "known-malicious")


def known_vulnerable(entry: Entry) -> Iterator[Hit]:
    """Every exact version of the entry inside the range of a grave record."""
    return _hits(entry, "known-vulnerable")


def advisory_to_review(entry: Entry) -> Iterator[Hit]:
    """Every record about a package of the entry that warns and no more."""
    return _hits(entry, "advisory-to-review")


def deprecated_package(entry: Entry) -> Iterator[Hit]:
    """Every package of the entry that is abandoned."""
    return _hits(entry, "deprecated-package")


def _hits(entry: Entry, rule: str) -> Iterator[Hit]:
    for match in matches(entry):
        if match.rule == rule:
            at = match.what.at
            message = f"{server(entry)} starts {shown(match.launch, match.what)} ({field(at)}){_fact(match)}."
            yield Hit(entry.place(at), message, f"{match.record.id} {match.record.ecosystem}:{match.record.package}", fix=_fix(match))


def _fact(match: Match) -> str:
    """What the record says, to be joined to the name of the package."""
    record = match.record
    if record.kind == "deprecated":
        return f": {record.summary}"
    about = f"{record.id}: {record.summary}"
    if match.rule == "known-malicious":
        return f", reported as malware in {about}"
    if record.kind == "malicious":
        return (
            f"; other releases of it were reported as malware in {about}"
            if match.version
            else f"; some releases of it were reported as malware in {about}"
        )
    grade = f"{record.id} ({record.severity}): {record.summary}"
    if "*" in record.affected:
        return f", and which versions are affected is not known: {grade}"
    if match.version is None:
        return f", and no fixed version is known: {grade}"
    fixed = _first_fixed(match)
    return f", which has {grade}; {f'fixed in {fixed}' if fixed else 'no fixed version is known'}"


def _fix(match: Match) -> str:
    """Advice that names a version or a package; empty where the rule's own will do."""
    record, fixed = match.record, _first_fixed(match)
    if record.kind == "deprecated":
        return f"Move to its successor, {record.replacement}." if record.replacement else ""
    if match.rule == "known-vulnerable" and not fixed:
        return "Use another server, or a version outside the range of the record."
    return f"Raise it to {fixed} or later." if fixed and record.kind == "vulnerability" else ""


def _first_fixed(match: Match) -> str:
    """The lowest fixed version above the one launched; empty when none is known."""
    from mcp_audit_gate.rules import versions

    ecosystem = match.record.ecosystem
    mine = versions.key(ecosystem, match.version or "")
    above = sorted(
        (key, fixed) for fixed in match.record.fixed if (key := versions.key(ecosystem, fixed)) is not None and (mine is None or key > mine)
    )
    return above[0][1] if above else ""


RULES: tuple[Rule, ...] = (
    Rule(KNOWN_MALICIOUS, known_malicious, also_disabled=True, alike=True),
    Rule(KNOWN_VULNERABLE, known_vulnerable, alike=True),
    Rule(ADVISORY_TO_REVIEW, advisory_to_review, alike=True),
    Rule(DEPRECATED_PACKAGE, deprecated_package, alike=True),
)
