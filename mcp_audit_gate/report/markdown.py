"""Markdown for a job summary: the verdict first, then what to do, what blocks, what changed, servers, a picture; at most 1 MiB."""

from __future__ import annotations

from mcp_audit_gate import HOME
from mcp_audit_gate.model import RANK, SEVERITIES
from mcp_audit_gate.report import changed, escape, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_audit_gate.model import Finding, NotAssessed, Report, Server
    from mcp_audit_gate.report import Look

# GitHub drops a summary above 1 MiB as a whole; these add up to less, in bytes.
_BLOCKING, _DRIFT, _TEXTS, _OTHERS, _SERVERS, _GAPS = 300_000, 120_000, 100_000, 80_000, 130_000, 90_000
_EXCLUDED, _REASONS = 20_000, 20_000
_DRAWN = 40  # Mermaid refuses more than 500 edges; a picture of more servers says nothing
_DIGITS = 8  # of a fingerprint, as many as `waive` needs
_HEADS = ("Severity", "Rule", "Where", "What is wrong", "Fix", "Fingerprint")
_FOLDED = {"reported": "Reported, not blocking", "baseline": "Known before, not blocking", "waived": "Waived"}


def write(report: Report, look: Look) -> bytes:
    """The summary; every list says how much of it was cut."""
    return "\n".join([*_head(report), *_gaps(report.not_assessed), *_findings(report, look), *_servers(report)]).rstrip("\n").encode() + b"\n"


def _head(report: Report) -> Iterator[str]:
    yield f"# MCP audit: {report.verdict.result}"
    yield ""
    yield f"**{words.counts(report)}**; {escape.prose(words.scope(report))}."
    yield ""
    yield from _cut([f"- {escape.prose(reason)}" for reason in report.verdict.reasons], _REASONS, "reason")
    if advice := words.advice(report):
        yield f"**What to do.** {' '.join(f'{said} {escape.code(command)}' if command else said for said, command in advice)}"
        yield ""
    excluded = [f"- {escape.code(item.path)}" for item in report.inputs if item.status == "excluded"]
    if excluded:
        yield "Excluded by the policy:"
        yield ""
        yield from _cut(excluded, _EXCLUDED, "file")


def _findings(report: Report, look: Look) -> Iterator[str]:
    """What blocks, what changed since the pins, and the rest folded away."""
    least = RANK[look.min_severity]
    shown = words.worst(finding for finding in report.findings if RANK[finding.severity] >= least)
    families = {rule.id: rule.family for rule in report.rules}
    drift = [finding for finding in shown if families.get(finding.rule) == "drift"]
    others = [finding for finding in shown if families.get(finding.rule) != "drift"]
    yield from _titled("What blocks", [finding for finding in others if finding.status == "blocking"], _BLOCKING)
    yield from _titled("What changed", drift, _DRIFT, ("Status",))
    yield from changed.summary(report, _TEXTS)
    for status, title in _FOLDED.items():
        found = [finding for finding in others if finding.status == status]
        if found:
            yield "<details>"
            yield f"<summary>{title} ({len(found)})</summary>"
            yield ""
            yield from _table(_HEADS, _rows(found), _OTHERS, "finding")
            yield "</details>"
            yield ""
    if len(shown) < len(report.findings):
        yield f"{words.number(len(report.findings) - len(shown), 'finding')} below {SEVERITIES[least]} not shown; the verdict counts all of them."
        yield ""


def _titled(title: str, findings: Sequence[Finding], limit: int, more: tuple[str, ...] = ()) -> Iterator[str]:
    if findings:
        yield f"## {title} ({len(findings)})"
        yield ""
        rows = ((*(finding.status for _ in more), *row) for finding, row in zip(findings, _rows(findings)))
        yield from _table((*more, *_HEADS), rows, limit, "finding")


def _rows(findings: Iterable[Finding]) -> Iterator[tuple[str, ...]]:
    """The cells of each finding; advice that the row before gives is not repeated."""
    before = ("", "")
    for finding in findings:
        place = finding.location
        where = escape.code(f"{place.path}:{place.start_line}:{place.start_column}", 1000)
        about = escape.prose(words.message(finding))
        if finding.status in ("waived", "baseline"):
            about += f" ({escape.prose(words.excuse(finding))})"
        advice = finding.rule, finding.remediation
        fix = "as above" if advice == before else escape.prose(finding.remediation)
        before = advice
        rule = f"[`{finding.rule}`]({HOME}/blob/main/docs/rules.md#{finding.rule})"
        yield finding.severity, rule, where, about, fix, escape.code(finding.fingerprint[:_DIGITS])


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
    """The servers with the highest risk in their files, and what each can do."""
    drawn = sorted(servers, key=lambda server: -server.risk.score)[:_DRAWN]
    files: dict[str, list[tuple[int, Server]]] = {}
    for number, server in enumerate(drawn):
        files.setdefault(server.location.path, []).append((number, server))
    yield "```mermaid"
    yield "flowchart LR"
    for number, (path, inside) in enumerate(files.items()):
        yield f'  subgraph f{number}["{escape.mermaid(path[-60:])}"]'
        yield from (f'    s{at}["{escape.mermaid(server.entry.name)} ({server.risk.score:.1f})"]' for at, server in inside)
        yield "  end"
    yield from _edges(drawn)
    yield "```"
    yield ""
    if len(servers) > _DRAWN:
        yield f"The picture shows the {_DRAWN} servers with the highest risk of {len(servers)}."
        yield ""


def _edges(servers: Sequence[Server]) -> Iterator[str]:
    """Lines to what each server can do, dashed for a guess."""
    used: set[str] = set()
    for number, server in enumerate(servers):
        for capability, confidence in words.best(server).items():
            used.add(capability)
            yield f"  s{number} {'-.->' if confidence == 'low' else '-->'} {capability}"
    yield from (f'  {capability}(["{capability.replace("_", " ")}"])' for capability in words.CAPABILITIES if capability in used)


def _gaps(items: Sequence[NotAssessed]) -> Iterator[str]:
    if not items:
        return
    yield f"## Not assessed ({len(items)})"
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
