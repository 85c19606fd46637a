"""What every report for people says in the same words: levels, counts, capabilities, excuses."""

from __future__ import annotations

from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import RANK
from mcp_audit_gate.policy.policy import FIXED
from mcp_audit_gate.report.escape import NAME_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_audit_gate.model import Finding, Report, Risk, Server

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
STATUSES = ("blocking", "reported", "waived", "baseline")
CAPABILITIES = ("shell_execution", "exfiltration", "file_write", "destructive", "network", "file_read")
CONFIDENCE = ("low", "medium", "high", "declared")


def number(count: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def tally(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings have each status."""
    counted = dict.fromkeys(STATUSES, 0)
    for finding in findings:
        counted[finding.status] += 1
    return counted


def counts(report: Report) -> str:
    """How many findings there are, and how many of each status."""
    counted = tally(report.findings)
    listed = ", ".join(f"{count} {'in the baseline' if status == 'baseline' else status}" for status, count in counted.items() if count)
    return f"{number(len(report.findings), 'finding')}{f' ({listed})' if listed else ''}"


def scope(report: Report) -> str:
    """What was looked at and by which policy."""
    read = sum(item.status == "parsed" for item in report.inputs)
    files = number(len(report.inputs), "file")
    files = f"{files} read" if read == len(report.inputs) else f"{read} of {files} read"
    parts = [files, number(len(report.servers), "server"), f"policy {report.mode.policy}"]
    if report.mode.lock is not None:
        parts.append(f"lock {report.mode.lock}")
    if report.mode.trusted_ref is not None:
        parts.append(f"trusted revision {report.mode.trusted_ref}")
    if report.mode.shard is not None:
        parts.append(f"part {report.mode.shard} alone")
    return ", ".join(parts)


def advice(report: Report) -> list[tuple[str, str]]:
    """What to do about the verdict: sentences, each with a command to copy or ""; nothing when it passed."""
    blocking = tally(report.findings)["blocking"]
    parts = []
    if report.not_assessed:
        parts.append(("Put right what could not be assessed; until then nobody can tell whether it is safe.", ""))
    if blocking:
        what = "the finding that blocks" if blocking == 1 else f"the {blocking} findings that block"
        command = waiving(report)
        parts.append((f"Fix {what}, or let one through until a day:" if command else f"Fix {what}.", command))
    if report.verdict.result == "empty":
        parts.append(("No MCP config was found. Where that is expected, make it a pass:", "--allow-empty"))
    return parts


def waiving(report: Report) -> str:
    """The command that lets a finding through; "" when nothing that blocks can be let through."""
    if not any(finding.status == "blocking" and finding.rule not in FIXED for finding in report.findings):
        return ""
    # A scan of the files alone does not tell what a revision or a server showed.
    source = " --report REPORT.json" if report.mode.trusted_ref or report.mode.connect else ""
    return f"mcp-audit waive FINGERPRINT --reason … --expires DATE{source}"


def best(server: Server) -> dict[str, str]:
    """The server's capabilities in a fixed order, each with its best confidence."""
    found: dict[str, str] = {}
    for item in server.capabilities:
        if item.capability not in found or CONFIDENCE.index(item.confidence) > CONFIDENCE.index(found[item.capability]):
            found[item.capability] = item.confidence
    return {capability: found[capability] for capability in CAPABILITIES if capability in found}


def capabilities(server: Server) -> list[str]:
    """The same as words; a guess says that it is one."""
    return [capability if confidence != "low" else f"{capability} (low confidence)" for capability, confidence in best(server).items()]


def risk_parts(risk: Risk) -> list[str]:
    """The addends of the score: `shell_execution, high: 2.7`."""
    return [f"{capability}, {confidence}: {points:.2f}" for capability, confidence, points in risk.parts]


def excuse(finding: Finding) -> str:
    """Why a finding does not block: its waiver's last day, reason and owner, or the baseline."""
    if finding.status == "baseline":
        return "In the baseline: reported, not blocking"
    waiver = finding.waiver or {}
    owner = f" ({waiver['owner']})" if waiver.get("owner") else ""
    return f"Waived until {waiver.get('expires')}: {waiver.get('reason')}{owner}"


def worst(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with the blocking ones first, then by severity, else in the order of the report."""
    order = {status: rank for rank, status in enumerate(("blocking", "reported", "baseline", "waived"))}
    return sorted(findings, key=lambda finding: (order[finding.status], -RANK[finding.severity]))


def message(finding: Finding) -> str:
    """The finding's message with the names in it, of the server and of what in it the finding is about, shortened where they are long."""
    text = finding.message
    for name in (finding.server or "", finding.subject.partition(":")[2]):
        if len(name) > NAME_LIMIT:
            text = text.replace(visible(name), visible(name, NAME_LIMIT))
    return text
