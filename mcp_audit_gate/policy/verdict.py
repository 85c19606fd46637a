"""Findings and what was not assessed to a verdict: which findings block, the exit code, the reasons."""

from __future__ import annotations

from mcp_audit_gate.errors import BLOCKED, EMPTY, INCOMPLETE, PASSED, worst
from mcp_audit_gate.model import RANK, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.model import Finding, Input, NotAssessed

_RESULTS = {PASSED: "passed", BLOCKED: "failed", EMPTY: "empty", INCOMPLETE: "incomplete"}


def mark(findings: tuple[Finding, ...], fail_on: str) -> tuple[Finding, ...]:
    """The findings with the status that the threshold gives them; what is waived or in the baseline stays so."""
    if fail_on == "never":
        return findings
    limit = RANK[fail_on]
    return tuple(
        finding._replace(status="blocking") if finding.status == "reported" and RANK[finding.severity] >= limit else finding for finding in findings
    )


def conclude(
    findings: tuple[Finding, ...],
    not_assessed: tuple[NotAssessed, ...],
    inputs: tuple[Input, ...],
    *,
    fail_on: str,
    allow_empty: bool,
    exit_zero: bool,
) -> Verdict:
    """The verdict of a run: incomplete outranks failed, failed outranks empty."""
    codes: set[int] = set()
    reasons: list[str] = []
    blocking = sum(finding.status == "blocking" for finding in findings)
    if not_assessed:
        codes.add(INCOMPLETE)
        reasons.append(f"{_count(len(not_assessed), 'thing')} could not be assessed")
    if blocking:
        codes.add(PASSED if exit_zero else BLOCKED)
        reasons.append(f"{_count(blocking, 'finding')} at or above {fail_on}" + (", let through by --exit-zero" if exit_zero else ""))
    if not not_assessed and all(item.status == "excluded" for item in inputs):
        codes.add(PASSED if allow_empty else EMPTY)
        excluded = ", but for those that the policy excludes" if inputs else ""
        reasons.append(f"no MCP config found{excluded}" + (", which --allow-empty permits" if allow_empty else ""))
    code = worst(codes)
    if not reasons:
        reasons.append("no threshold is set" if fail_on == "never" else f"no finding at or above {fail_on}{_but_for(findings, fail_on)}")
    return Verdict(_RESULTS[code], code, tuple(reasons))


def _but_for(findings: tuple[Finding, ...], fail_on: str) -> str:
    """How many findings would have blocked, were they not let through."""
    over = [finding.status for finding in findings if RANK[finding.severity] >= RANK[fail_on]]
    told = [f"{over.count(status)} {words}" for status, words in (("waived", "waived"), ("baseline", "in the baseline")) if status in over]
    return f", but for {' and '.join(told)}" if told else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
