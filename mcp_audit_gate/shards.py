"""What a part of a run tells (`--shard I/N`): matches in, the part out; then the run's report and its accounts in, the part's own report out.

Every part reads every file and sees every pin, so that rules about several files find the same in each; a part starts its own servers
alone, judges the text of its own alone, and keeps of the rest what is told about them.
"""

from __future__ import annotations

from mcp_audit_gate import rules
from mcp_audit_gate.lock.canonical import digest, sha256
from mcp_audit_gate.model import Location, Place
from mcp_audit_gate.part import FLAGS, Owed, Part, Shard, dealt
from mcp_audit_gate.policy import rules as policy_rules
from mcp_audit_gate.reading import in_order
from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.provenance import provenance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_audit_gate.gate import Settings
    from mcp_audit_gate.lock.lockfile import Lock
    from mcp_audit_gate.lock.match import Match
    from mcp_audit_gate.model import Context, Drift, Finding, Input, Json, Report, Rule
    from mcp_audit_gate.policy.compared import Comparison
    from mcp_audit_gate.policy.policy import Policy
    from mcp_audit_gate.policy.waivers import Use
    from mcp_audit_gate.reading import Reading
    from mcp_audit_gate.rules import Raised

# Rules of these scopes look at one thing that belongs to one part; all others look at everything, in every part.
_OWN = frozenset(("entry", "setting", "surface", "server"))
_ADDED = "tool-added"


def part(number: int, parts: int, matches: Iterable[Match]) -> Part:
    """The part of a number: servers with all their entries, weighed by entries and pinned tools."""
    weights: dict[str, int] = {}
    seen: set[int] = set()
    for item in matches:
        tools = 0 if item.pin is None or id(item.pin) in seen else len(item.pin.surface.tools)
        seen.add(id(item.pin))
        weights[item.entry.name] = weights.get(item.entry.name, 0) + 1 + tools
    return dealt(number, parts, weights)


def told(part: Part, findings: Iterable[Finding], scopes: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings that are the part's to tell. scopes: of each rule."""
    return tuple(finding for finding in findings if scopes[finding.rule] in _OWN or part.has(finding.server, finding.location.path))


def certain(part: Part, hits: Iterable[Raised]) -> tuple[Raised, ...]:
    """Of the hits about waivers those that one part can be sure of, if they are its own."""
    sure = (item for item in hits if item.rule is not policy_rules.UNUSED and item.rule is not policy_rules.EXPIRED)
    return tuple(item for item in sure if isinstance(item.hit.place, Place) and part.has(None, item.hit.place.document.path))


def owed(uses: Sequence[Use], policy: Policy) -> tuple[Owed, ...]:
    """What the part knows of each waiver, with the findings that come of it when all parts agree."""
    unused = _supposed([use._replace(expired=False, idle=True) for use in uses], policy_rules.UNUSED, policy)
    late = _supposed([use._replace(expired=True, missed=1, idle=False) for use in uses], policy_rules.EXPIRED, policy)
    return tuple(
        Owed(waiver.rule, waiver.path, str(waiver.expires), is_over, matched, missed, *ifs)
        for (waiver, is_over, missed, _, _, matched), *ifs in zip(uses, unused, late)
    )


def _supposed(uses: Sequence[Use], rule: Rule, policy: Policy) -> list[Finding]:
    """The finding that each use would give by one rule, in the order of the uses."""
    hits = [item for item in policy_rules.of_waivers(uses) if item.rule is rule]
    by_place = {finding.location: finding for finding in rules.findings(hits, policy.severity)}
    return [by_place[_located(item)] for item in hits]


def _located(item: Raised) -> Location:
    place = item.hit.place
    return place if isinstance(place, Location) else place.document.locate(place)


class Told(NamedTuple):
    """What a part says beside its findings. live: which of the changes asking servers showed. ran: the rules that had what they look at."""

    run: Mapping[str, Json]
    live: range
    ran: tuple[str, ...]
    reasons: tuple[str, ...]
    waivers: tuple[Owed, ...]


def own(report: Report, context: Context, part: Part, said: Told, root: str) -> Report:
    """The report with its part of the files and changes alone; servers, findings and gaps are the part's already."""
    inputs = tuple(number for number, item in enumerate(report.inputs) if part.has(None, item.path))
    counted = [item for item in context.matches if not item.entry.again]
    servers = tuple(number for number, item in enumerate(counted) if part.has(item.entry.name, item.entry.document.path))
    changes = [number for number, drift in enumerate(report.changes) if part.has(drift.change.server, None)]
    first = {id(item.entry): number for number, item in reversed([*enumerate(context.matches)])}
    live = [report.changes[number] for number in changes if number in said.live]
    shard = Shard(
        part.number,
        part.parts,
        said.run,
        (len(report.inputs), inputs),
        (len(counted), servers),
        said.reasons,
        bool(context.observed),
        said.ran,
        said.waivers,
        tuple(_order(number, report.changes[number], said.live, first) for number in changes),
        in_order({gap for seen in context.observed for gap in seen.gaps if not part.has(gap.server, gap.path)}),
        any(drift.change.kind == _ADDED for drift in live),
        bool(live),
        provenance(root),
    )
    return report._replace(
        mode=report.mode._replace(shard=shard.name),
        inputs=tuple(report.inputs[number] for number in inputs),
        changes=tuple(report.changes[number] for number in changes),
        shard=shard,
    )


def _order(number: int, drift: Drift, live: range, first: Mapping[int, int]) -> tuple[int, ...]:
    """Where a change stands in the whole run: before those that asking showed, among them by their server, or behind them."""
    if number in live:
        return (1, first[id(drift.entries[0])], number)
    return (0, number) if number < live.start else (2, number - live.stop)


def common(settings: Settings, reading: Reading, policy: Policy, lock: Lock | None, measured: Comparison | None) -> dict[str, Json]:
    """What all parts of a run must have in common; files as digests."""
    clients: list[Json] = [*sorted(settings.clients)]
    return {
        "date": str(settings.today),
        "clients": clients,
        "fail_on": settings.fail_on or policy.fail_on,
        "files": digest([_files(reading.inputs), _programs(reading.context.matches)]),
        "policy": digest([layer.source if layer.document is None else _bytes(layer.document.data) for layer in policy.layers]),
        "lock": None if lock is None else _bytes(lock.document.data),
        "baseline": digest([*sorted(settings.baseline)]),
        "trusted": None if measured is None else _revision(measured),
        **{flag: getattr(settings, flag) for flag in FLAGS},
    }


def _revision(measured: Comparison) -> str:
    locks = [None if side.lock is None else _bytes(side.lock.document.data) for side in (measured.before, measured.trusted, measured.after)]
    layers = [_bytes(layer.document.data) for layer in measured.after.policy.layers if layer.document]
    return digest([_files(measured.before.reading.inputs), *locks, *layers])


def _files(inputs: Iterable[Input]) -> str:
    return digest([[item.path, item.client, item.status, None if item.data is None else _bytes(item.data)] for item in inputs])


def _programs(matches: Iterable[Match]) -> list[Json]:
    """The files of the repository that launches run, which decide as much as the configs do."""
    return [[path, seen] for path, seen in sorted({pair for item in matches for pair in item.ran.files.items()})]


def _bytes(data: bytes) -> str:
    return f"sha256:{sha256()(data).hexdigest()}"
