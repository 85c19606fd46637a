"""Markdown for a job summary: the verdict first, then findings, servers, a picture, what was not assessed; at most 1 MiB."""

from __future__ import annotations

from mcp_audit_gate.model import RANK, SEVERITIES
from mcp_audit_gate.report import escape, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.model import Finding, NotAssessed, Report, Server
    from mcp_audit_gate.report import Look

# GitHub drops a summary above 1 MiB as a whole; these add up to less, in bytes.
_FINDINGS, _DRIFT, _SERVERS, _GAPS, _EXCLUDED, _REASONS = 450_000, 200_000, 150_000, 100_000, 30_000, 30_000
_DRAWN = 40  # Mermaid refuses more than 500 edges; a picture of more servers says nothing


def write(report: Report, look: Look) -> bytes:
    """The summary; every list says how much of it was cut."""
    return "\n".join([*_head(report), *_findings(report, look), *_servers(report), *_gaps(report.not_assessed)]).rstrip("\n").encode() + b"\n"


def _head(report: Report) -> Iterator[str]:
    yield f"# MCP audit: {report.verdict.result}"
    yield ""
    yield f"**{words.counts(report)}**; {escape.prose(words.scope(report))}."
    yield ""
    yield from _cut([f"- {escape.prose(reason)}" for reason in report.verdict.reasons], _REASONS, "reason")
    excluded = [f"- {escape.code(item.path)}" for item in report.inputs if item.status == "excluded"]
    if excluded:
        yield "Excluded by the policy:"
        yield ""
        yield from _cut(excluded, _EXCLUDED, "file")


def _findings(report: Report, look: Look) -> Iterator[str]:
    least = RANK[look.min_severity]
    shown = words.worst(finding for finding in report.findings if RANK[finding.severity] >= least)
    families = {rule.id: rule.family for rule in report.rules}
    drift = [finding for finding in shown if families.get(finding.rule) == "drift"]
    others = [finding for finding in shown if families.get(finding.rule) != "drift"]
    for title, findings, limit in (("Findings", others, _FINDINGS), ("Drift", drift, _DRIFT)):
        if findings:
            yield f"## {title}"
            yield ""
            yield from _table(("Status", "Severity", "Rule", "Place", "Server", "What is wrong"), map(_row, findings), limit, "finding")
    if len(shown) < len(report.findings):
        yield f"{words.number(len(report.findings) - len(shown), 'finding')} below {SEVERITIES[least]} not shown; the verdict counts all of them."
        yield ""


def _row(finding: Finding) -> tuple[str, ...]:
    place = finding.location
    where = escape.code(f"{place.path}:{place.start_line}:{place.start_column}", 1000)
    about = escape.prose(words.message(finding))
    if finding.status in ("waived", "baseline"):
        about += f" ({escape.prose(words.excuse(finding))})"
    return finding.status, finding.severity, f"`{finding.rule}`", where, "" if finding.server is None else escape.code(finding.server), about


def _servers(report: Report) -> Iterator[str]:
    if not report.servers:
        return
    yield "## Servers"
    yield ""
    rows = (_server(server) for server in report.servers)
    yield from _table(("Server", "Risk", "Capabilities", "Place"), rows, _SERVERS, "server")
    yield from _picture(report.servers)


def _server(server: Server) -> tuple[str, ...]:
    place = escape.code(f"{server.location.path}:{server.location.start_line}", 1000)
    return escape.code(server.entry.name), f"{server.risk.score:.1f}", ", ".join(words.capabilities(server)) or "none known", place


def _picture(servers: Sequence[Server]) -> Iterator[str]:
    """The servers with the highest risk, and what each can do."""
    drawn = sorted(servers, key=lambda server: -server.risk.score)[:_DRAWN]
    yield "```mermaid"
    yield "flowchart LR"
    used: dict[str, None] = {}
    for number, server in enumerate(drawn):
        yield f'  s{number}["{escape.mermaid(server.entry.name)} ({server.risk.score:.1f})"]'
        for capability, confidence in words.best(server).items():
            used[capability] = None
            yield f"  s{number} {'-.->' if confidence == 'low' else '-->'} {capability}"
    for capability in words.CAPABILITIES:
        if capability in used:
            yield f'  {capability}(["{capability}"])'
    yield "```"
    yield ""
    if len(servers) > _DRAWN:
        yield f"The picture shows the {_DRAWN} servers with the highest risk of {len(servers)}."
        yield ""


def _gaps(items: Sequence[NotAssessed]) -> Iterator[str]:
    if not items:
        return
    yield f"## Not assessed: {len(items)}"
    yield ""
    yield from _table(("What", "Place", "Server", "Reason", "What to try"), map(_gap, items), _GAPS, "item")


def _gap(item: NotAssessed) -> tuple[str, ...]:
    path = "" if item.path is None else escape.code(item.path, 1000)
    server = "" if item.server is None else escape.code(item.server)
    return escape.prose(item.what), path, server, escape.prose(item.reason), escape.prose(item.hint or "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], limit: int, noun: str) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from _cut([f"| {' | '.join(row)} |" for row in rows], limit, noun)


def _cut(lines: Sequence[str], limit: int, noun: str) -> Iterator[str]:
    """The first lines that fit into `limit` bytes, an empty line, and how many are missing."""
    kept = 0
    for line in lines:
        limit -= len(line.encode()) + 1
        if limit < 0:
            break
        kept += 1
        yield line
    if lines:
        yield ""
    if kept < len(lines):
        yield f"{words.number(len(lines) - kept, f'more {noun}')} left out here; the JSON report has all {len(lines)}."
        yield ""
