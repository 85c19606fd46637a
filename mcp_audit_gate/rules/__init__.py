"""What is wrong: Context in, Finding out. ALL is the list of rules; nothing registers itself."""

from __future__ import annotations

from mcp_audit_gate.model import RANK, Entry, Finding, Location, Pinned, Place, Rule, Setting
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.rules import (
    advisories,
    analysis,
    apps,
    collisions,
    definitions,
    drift,
    forwarded,
    injection,
    inputs,
    launch,
    live,
    names,
    packages,
    pins,
    posture,
    scope,
    secrets,
    transport,
    trust,
)
from mcp_audit_gate.rules.changes import told
from mcp_audit_gate.rules.preapproved import over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcp_audit_gate.model import Context, Hit, RuleInfo
    from mcp_audit_gate.part import Part

    Severity = Callable[[RuleInfo, str | None], str]
    # What a rule looks at, and the number of its group of equal entries, 0 for none.
    _Subject = tuple[Entry | Setting | Pinned, int]

ALL: tuple[Rule, ...] = tuple(
    sorted(
        (
            *advisories.RULES,
            *analysis.RULES,
            *apps.RULES,
            *collisions.RULES,
            *definitions.RULES,
            *drift.RULES,
            *forwarded.RULES,
            *injection.RULES,
            *inputs.RULES,
            *launch.RULES,
            *live.RULES,
            *names.RULES,
            *packages.RULES,
            *pins.RULES,
            *posture.RULES,
            *scope.RULES,
            *secrets.RULES,
            *transport.RULES,
            *trust.RULES,
        ),
        key=lambda rule: rule.info.id,
    )
)

# One fault, one finding: the rule on the left silences those on the right at the same subject of the same entry.
NARROWER = {
    "hostile-command": ("shell-wrapper", "inline-code", "pipe-to-shell", "committed-hook"),
    "pipe-to-shell": ("shell-wrapper", "inline-code", "committed-hook"),
    "shell-wrapper": ("committed-hook",),
    "inline-code": ("committed-hook",),
    "dangerous-flag": ("committed-hook",),
    "privileged-launch": ("committed-hook",),
    "url-package": ("unpinned-package",),
    "metadata-address": ("plain-http", "plain-http-internal", "raw-ip-url", "private-address"),
    "broad-path": ("machine-path",),
    "sensitive-path": ("machine-path",),
    "literal-secret": ("probable-secret", "credential-in-url", "token-to-third-party"),
    "launch-changed": ("lock-outdated",),
    "preapproved-changed-server": ("launch-changed", "lock-outdated"),
    "version-downgraded": ("version-changed",),
    "tool-poisoning": ("suspicious-instruction",),
    "confusable-name": ("stray-format-character",),
    "known-malicious": ("known-vulnerable", "advisory-to-review", "deprecated-package"),
}


# Rules that no class of drift speaks for: what a pinned server newly shows is judged by them before it is pinned.
_BESIDE_DRIFT = frozenset(("annotation-lie",))


class Raised(NamedTuple):
    """A hit with the rule that made it and the entry, setting or surface it is about (None: the run)."""

    rule: Rule
    about: Entry | Setting | Pinned | None
    hit: Hit
    server: str | None
    subject: str


def run(context: Context) -> list[Raised]:
    """Every hit of every rule."""
    subjects: dict[tuple[str, bool, bool], list[_Subject]] = {}
    groups = _groups(context.entries)
    found = [item for rule in ALL for item in _apply(rule, context, subjects, groups)]
    return [*found, *(raised(rule, None, hit) for rule, hit in over(context, told(context.changes)))]


def findings(hits: Iterable[Raised], severity: Severity) -> tuple[Finding, ...]:
    """Hits as findings, sorted by severity, path, place and rule. `severity` gives the one in force for a rule and server, or "off"."""
    live = [(item, severity(item.rule.info, item.server)) for item in hits]
    live = [(item, level) for item, level in live if level != "off"]
    silenced: dict[tuple[object, ...], int] = {}
    for item, level in live:
        for wide in NARROWER.get(item.rule.info.id, ()):
            node = (wide, *_node(item))
            silenced[node] = max(RANK[level], silenced.get(node, 0))
    # A policy may hold the wider fault for the graver one; then both are told, or the narrower would be a way around it.
    kept = [(item, level) for item, level in live if silenced.get((item.rule.info.id, *_node(item)), -1) < RANK[level]]
    # In the everyday run nothing is found, and no hash need be loaded.
    return tuple(sorted(_findings(kept), key=order)) if kept else ()


def order(finding: Finding) -> tuple[int, str, int, int, str, str]:
    """The key by which findings are sorted everywhere: severity, path, place, rule, fingerprint."""
    place = finding.location
    return -RANK[finding.severity], place.path, place.start_line, place.start_column, finding.rule, finding.fingerprint


def _groups(entries: Iterable[Entry]) -> dict[int, int]:
    """Entry (by id) -> the number of its group, for entries that others equal in all but name and place; a large repository is full of them.

    Equal values of one reading have one and the same tuple of launches (sources.fields.understand_entry), so nothing need be compared.
    """
    groups: dict[tuple[int, str, str], list[int]] = {}
    for entry in entries:
        groups.setdefault((id(entry.launches), entry.client, entry.kind), []).append(id(entry))
    return {one: number for number, group in enumerate(groups.values(), 1) if len(group) > 1 for one in group}


def _apply(rule: Rule, context: Context, subjects: dict[tuple[str, bool, bool], list[_Subject]], groups: dict[int, int]) -> Iterator[Raised]:
    if rule.scope == "context":
        for hit in rule.check(context):
            yield raised(rule, None, hit)
        return
    kind = (rule.scope, rule.also_disabled, rule.also_sample)
    if kind not in subjects:
        subjects[kind] = [(about, groups.get(id(about), 0)) for about in _subjects(context, *kind)]
    faultless: set[int] = set()
    recorded: set[tuple[str | None, str]] = set()
    for about, group in subjects[kind]:
        if group in faultless:
            continue
        found = False
        for hit in rule.check(about):
            found = True
            one = raised(rule, about, hit)
            recorded.add((one.server, one.subject))
            yield one
        if group and rule.alike and not found:
            faultless.add(group)
    for shown in context.newly_shown if rule.info.id in _BESIDE_DRIFT else ():
        again = (raised(rule, shown, hit) for hit in rule.check(shown))
        yield from (one for one in again if (one.server, one.subject) not in recorded)


def _subjects(context: Context, scope: str, disabled: bool, sample: bool) -> tuple[Entry | Setting | Pinned, ...]:
    """What rules of a kind look at."""
    found = tuple(_of_scope(context, scope, disabled, sample))
    return found if context.part is None else tuple(about for about in found if _is_own(context.part, about))


def _of_scope(context: Context, scope: str, disabled: bool, sample: bool) -> Iterable[Entry | Setting | Pinned]:
    if scope == "surface":
        return (item for item in context.pinned if any((sample or not entry.sample) and (disabled or not entry.disabled) for entry in item.entries))
    if scope == "setting":
        return (setting for setting in context.settings if sample or not setting.sample)
    return (entry for entry in context.entries if (sample or not entry.sample) and (disabled or not entry.disabled))


def _is_own(part: Part, about: Entry | Setting | Pinned) -> bool:
    """True for what a part judges. Equal findings are about one server, or one file, so one part numbers them."""
    if isinstance(about, Pinned):
        return part.has(about.pin.name, None)
    return part.has(about.name if isinstance(about, Entry) and about.kind == "server" else None, about.document.path)


def raised(rule: Rule, about: Entry | Setting | Pinned | None, hit: Hit) -> Raised:
    """A hit of a rule with what it is about, its server and its subject."""
    entry = about if isinstance(about, Entry) else None
    server = entry.name if entry and entry.kind == "server" else about.pin.name if isinstance(about, Pinned) else hit.server
    if isinstance(about, Pinned) and about.pin.document is not None:
        hit = hit._replace(related=(*hit.related, *(entry.place(key=True) for entry in about.entries)))
    pointer = hit.place.pointer if isinstance(hit.place, Place) else ()
    below = pointer[len(entry.pointer) :] if entry else pointer
    return Raised(rule, about, hit, server, json_pointer(below) if hit.subject is None else hit.subject)


def json_pointer(steps: Iterable[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _node(item: Raised) -> tuple[str, tuple[str | int, ...], tuple[int, ...]]:
    place = item.hit.place
    return (place.path, (), ()) if isinstance(place, Location) else (place.document.path, place.pointer, place.nth)


def _findings(kept: list[tuple[Raised, str]]) -> Iterator[Finding]:
    """Hits with their severities as findings: places worked out, fingerprints made unique, equal ones of two readings of one entry told once."""
    if not kept:
        return
    from hashlib import sha256

    seen: set[tuple[str, Location, str]] = set()
    numbers: dict[bytes, int] = {}
    for item, level in kept:
        location = _locate(item.hit.place)
        if (item.rule.info.id, location, item.hit.message) in seen:
            continue
        seen.add((item.rule.info.id, location, item.hit.message))
        identity = _identity(item, location.path)
        number = numbers[identity] = numbers.get(identity, -1) + 1
        info = item.rule.info
        yield Finding(
            info.id,
            level,
            item.hit.message,
            item.server,
            item.subject,
            location,
            tuple(dict.fromkeys(_locate(place) for place in item.hit.related)),
            sha256(identity + b"\0%d" % number).hexdigest()[:32],
            item.hit.fix or info.fix,
        )


def _locate(place: Place | Location) -> Location:
    return place if isinstance(place, Location) else place.document.locate(place)


def _identity(item: Raised, path: str) -> bytes:
    """What a finding is about: rule, file, container, server, subject and value, never a line.

    Of a credential only 16 bits of a hash go in: enough to tell another value at the same place, too few to test a guess.
    """
    from hashlib import sha256

    container = json_pointer(item.about.pointer[:-1]) if isinstance(item.about, Entry) else ""
    value = sha256(b"mcp-audit-gate/v1\0" + item.hit.value.encode("utf-8", "surrogatepass")).hexdigest()[:4] if item.hit.secret else item.hit.value
    parts = (item.rule.info.id, path, container, item.server or "", item.subject, value)
    return "\0".join(parts).encode("utf-8", "surrogatepass")
