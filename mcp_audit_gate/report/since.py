"""What a verdict brings that the one before it had not: two reports in, lines for a person out."""

from __future__ import annotations

from mcp_audit_gate.report import escape, words
from mcp_audit_gate.report.masked import masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Finding, NotAssessed, Report

SHOWN = 50


def differs(old: Report, new: Report) -> bool:
    """True when a person would read something else in the new report."""
    return _read(old) != _read(new)


def _read(report: Report) -> tuple[object, ...]:
    servers = [(server.entry.name, server.location, server.pinned, server.capabilities, server.risk) for server in report.servers]
    return report.findings, report.not_assessed, report.verdict, report.mode, servers, [(item.path, item.status) for item in report.inputs]


def since(old: Report, new: Report) -> Iterator[str]:
    """What is new, what is gone and what is judged otherwise, then the verdicts; one line when there is nothing to tell."""
    before, after = masked(old), masked(new)
    lines = [*_findings(before, after), *_gaps(before, after)]
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"  and {words.number(len(lines) - SHOWN, 'more change')}"
    was, now = before.verdict.result, after.verdict.result
    told = f"{words.number(len(lines), 'change')} since the last run" if lines else "nothing changed since the last run"
    yield f"{told}; {f'{was}, now {now}' if was != now else f'still {now}'}"


def _findings(before: Report, after: Report) -> Iterator[str]:
    old, new = _keyed(before), _keyed(after)
    for key, finding in new.items():
        if key not in old:
            yield _line("new", finding)
        elif old[key].status != finding.status:
            yield _line(f"{old[key].status}, now {finding.status}", finding)
    for key, finding in old.items():
        if key not in new:
            yield _line("gone", finding)


def _keyed(report: Report) -> dict[tuple[str, str, str, int], Finding]:
    """The findings by what they are about; of equal ones each is counted."""
    found: dict[tuple[str, str, str, int], Finding] = {}
    for finding in report.findings:
        number = 0
        while (key := (finding.rule, finding.location.path, finding.fingerprint, number)) in found:
            number += 1
        found[key] = finding
    return found


def _line(what: str, finding: Finding) -> str:
    place = f"{escape.terminal(finding.location.path)}:{finding.location.start_line}:{finding.location.start_column}"
    return f"  {what}: {words.LEVELS[finding.severity]}[{finding.rule}] {place}: {escape.message(words.message(finding), 200)}"


def _gaps(before: Report, after: Report) -> Iterator[str]:
    old, new = (dict.fromkeys(report.not_assessed) for report in (before, after))
    for word, gaps, others in (("not assessed", new, old), ("assessed again", old, new)):
        for gap in gaps:
            if gap not in others:
                yield f"  {word}: {_about(gap)}"


def _about(gap: NotAssessed) -> str:
    server = f" server {escape.name(gap.server)}" if gap.server is not None else ""
    return f"{escape.terminal(gap.path or gap.what)}{server}: {escape.message(gap.reason, 200)}"
