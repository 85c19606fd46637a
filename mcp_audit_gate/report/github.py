"""Workflow commands that annotate the changed files on GitHub: the ten worst of each kind, then what is left out and the verdict."""

from __future__ import annotations

from mcp_audit_gate.report import escape, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.model import Finding, NotAssessed, Report
    from mcp_audit_gate.report import Look

LIMIT = 10  # actions/runner ExecutionContext.cs drops more of a kind without a word
_KINDS = {"error": "error", "warning": "warning", "note": "notice"}


def write(report: Report, look: Look) -> bytes:
    """The annotations, and lines of plain text for what has none."""
    return "".join([f"{line}\n" for line in _lines(report)]).encode()


def _lines(report: Report) -> Iterator[str]:
    left = dict.fromkeys(_KINDS.values(), LIMIT)
    more = dict.fromkeys(_KINDS.values(), 0)
    for finding in words.worst(finding for finding in report.findings if finding.status != "waived"):
        kind = "notice" if finding.status == "baseline" else _KINDS[words.LEVELS[finding.severity]]
        left[kind] -= 1
        if left[kind] >= 0:
            yield escape.unmarked(f"::{kind} {_where(finding)}::{escape.command_data(_about(finding))}")
        else:
            more[kind] += 1
    told = {finding.location.path for finding in report.findings}
    for item in report.not_assessed:
        if item.path in told:
            continue
        left["error"] -= 1
        if left["error"] >= 0:
            yield escape.unmarked(f"::error title=not assessed::{escape.command_data(_gap(item))}")
        else:
            more["error"] += 1
    if any(more.values()):
        rest = ", ".join(words.number(count, kind) for kind, count in more.items() if count)
        yield f"Not annotated, because GitHub shows {LIMIT} of a kind: {rest}."
    if report.not_assessed:
        yield f"Not assessed: {len(report.not_assessed)}, so this run is incomplete."
    yield escape.line(f"{report.verdict.result}: {words.counts(report)}")
    yield from (escape.line(f"  {escape.message(reason)}") for reason in report.verdict.reasons)


def _where(finding: Finding) -> str:
    """The annotation's properties; a file whose name a build log cannot carry is named in the text instead."""
    place = finding.location
    title = f"title={finding.rule} ({finding.severity})"
    path = escape.command_path(place.path)
    if path is None:
        return title
    end = f",endColumn={place.end_column}" if place.end_line == place.start_line and place.end_column > place.start_column else ""
    return f"file={path},line={place.start_line},endLine={place.end_line},col={place.start_column}{end},{title}"


def _about(finding: Finding) -> str:
    place = finding.location
    where = "" if escape.command_path(place.path) else f" At {place.path}:{place.start_line}:{place.start_column}."
    excuse = f" {words.sentence(words.excuse(finding))}" if finding.status == "baseline" else ""
    fix = f" Fix: {words.sentence(finding.remediation)}" if finding.remediation else ""
    return f"{words.sentence(words.message(finding))}{where}{excuse}{fix} See mcp-audit explain {finding.rule}."


def _gap(item: NotAssessed) -> str:
    place = "" if item.path is None else f" {item.path}"
    server = "" if item.server is None else f" of server {escape.name(item.server)}"
    return f"{item.what}{place}{server}: {item.reason}{f' ({item.hint})' if item.hint else ''}"
