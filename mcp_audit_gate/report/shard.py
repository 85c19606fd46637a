"""The member `shard` of a part's JSON report: what `mcp-audit merge` needs to make of all parts what one run would have said."""

from __future__ import annotations

from mcp_audit_gate.record import NamedTuple
from mcp_audit_gate.report.excerpt import Excerpts
from mcp_audit_gate.report.linehash import of_findings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_audit_gate.model import Change, Finding, Fix, Location, NotAssessed, Report
    from mcp_audit_gate.part import Owed, Shard
    from mcp_audit_gate.report.json import Value
    from mcp_audit_gate.report.kept import Line

VERSION = 1
EMBEDDED = "mcpAuditGate/report"  # where a part's SARIF file has its JSON report, among the properties of the run


class Forms(NamedTuple):
    """How the report writes a finding, a gap and a place."""

    finding: Callable[[Finding], Value]
    gap: Callable[[NotAssessed], Value]
    place: Callable[[Location], Value]


def member(shard: Shard, report: Report, forms: Forms) -> Mapping[str, Value]:
    """The part's accounts as plain values; report: the part's own."""
    (files, own_files), (servers, own_servers) = shard.inputs, shard.servers
    return {
        "version": VERSION,
        "number": shard.number,
        "parts": shard.parts,
        "run": shard.run,
        "inputs": {"all": files, "own": own_files},
        "servers": {"all": servers, "own": own_servers},
        "severities": {rule.id: level for rule in report.rules if (level := report.severities[rule.id]) != rule.severity},
        "told": shard.told,
        "observed": shard.observed,
        "ran": shard.ran,
        "waivers": [_owed(item, forms) for item in shard.waivers],
        "changes": [{"order": order, **_change(drift.change)} for order, drift in zip(shard.changes, report.changes)],
        "elsewhere": [forms.gap(item) for item in shard.elsewhere],
        "grown": shard.grown,
        "reworded": shard.reworded,
        "provenance": shard.provenance and shard.provenance._asdict(),
        "fixes": {fingerprint: _fix(fix, forms) for fingerprint, fix in sorted(report.fixes.items())},
        "sources": _sources(report),
        "hashes": _hashes(report),
    }


def _owed(item: Owed, forms: Forms) -> Mapping[str, Value]:
    counted: dict[str, Value] = {"matched": item.matched, "missed": item.missed, "is_over": item.is_over}
    ifs = {"unused": forms.finding(item.unused), "ended": forms.finding(item.ended)}
    return {"rule": item.rule, "path": item.path, "expires": item.expires, **counted, **ifs}


def _change(change: Change) -> dict[str, Value]:
    """What the reports for people show of a change."""
    return {
        "class": change.kind,
        "server": change.server,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "message": change.message,
    }


def _fix(fix: Fix, forms: Forms) -> Mapping[str, Value]:
    return {"words": fix.words, "edits": [{"location": forms.place(edit.location), "text": edit.text} for edit in fix.edits]}


def _told(report: Report) -> tuple[Finding, ...]:
    """The findings, also those that only all parts together can tell."""
    waivers = report.shard.waivers if report.shard else ()
    return (*report.findings, *(one for item in waivers for one in (item.unused, item.ended)))


def _sources(report: Report) -> dict[str, Value]:
    """The lines that findings are shown with, by file; secrets are overwritten."""
    excerpts = Excerpts(report.documents)
    secret = {rule.id for rule in report.rules if rule.family == "secrets"}
    counts: dict[str, int] = {}
    lines: dict[str, dict[int, Line]] = {}
    for finding in _told(report):
        kept = excerpts.keep(finding.location, finding.rule in secret)
        if kept is None:
            continue
        counts[finding.location.path] = kept[0]
        known = lines.setdefault(finding.location.path, {})
        for number, line in kept[1]:
            if number not in known or len(line.hidden) > len(known[number].hidden):
                known[number] = line
    return {
        path: {
            "count": counts[path],
            "lines": {str(number): line.text for number, line in sorted(known.items())},
            "hidden": {str(number): line.hidden for number, line in sorted(known.items()) if line.hidden},
        }
        for path, known in sorted(lines.items())
    }


def _hashes(report: Report) -> dict[str, Value]:
    """GitHub's hash of each line that a finding begins on, by file."""
    found = of_findings(report, _told(report))
    return {path: {str(number): value for number, value in sorted(lines.items())} for path, lines in sorted(found.items()) if lines}
