"""The verdict of a run, by the whole table: what blocks, what could not be assessed, what was there at all."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from mcp_audit_gate.model import RANK, Finding, Input, Location, NotAssessed, Verdict
from mcp_audit_gate.policy.verdict import conclude, mark

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = Location(".mcp.json", 1, 1, 1, 2)
GAP = NotAssessed("file", ".mcp.json", None, "not valid JSON")
READ, LEFT_OUT, BROKEN = (Input(".mcp.json", None, None, None, 0, status) for status in ("parsed", "excluded", "unreadable"))
SEVERITIES = ("info", "low", "medium", "high", "critical")


def finding(severity: str = "high", status: str = "reported") -> Finding:
    return Finding("plain-http", severity, "m", None, "", PLACE, (), "f", "r", status)


def concluded(
    *findings: Finding, gaps: int = 0, inputs: tuple[Input, ...] = (READ,), fail_on: str = "high", empty: bool = False, zero: bool = False
) -> Verdict:
    return conclude(findings, (GAP,) * gaps, inputs, fail_on=fail_on, allow_empty=empty, exit_zero=zero)


@pytest.mark.parametrize(("severity", "fail_on"), list(product(SEVERITIES, SEVERITIES)))
def test_what_reaches_the_threshold_blocks(severity: str, fail_on: str) -> None:
    (one,) = mark((finding(severity),), fail_on)
    assert one.status == ("blocking" if RANK[severity] >= RANK[fail_on] else "reported")
    assert one._replace(status="reported") == finding(severity)


@pytest.mark.parametrize("status", ["waived", "baseline"])
def test_what_is_let_through_does_not_block(status: str) -> None:
    assert mark((finding("critical", status), finding("critical")), "info") == (finding("critical", status), finding("critical", "blocking"))


def test_without_a_threshold_nothing_blocks() -> None:
    assert mark((finding("critical"),), "never") == (finding("critical"),)


BLOCKING = finding(status="blocking")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda: concluded(), Verdict("passed", 0, ("no finding at or above high",))),
        (lambda: concluded(fail_on="never"), Verdict("passed", 0, ("no threshold is set",))),
        (lambda: concluded(finding("critical"), fail_on="never"), Verdict("passed", 0, ("no threshold is set",))),
        (lambda: concluded(BLOCKING), Verdict("failed", 1, ("1 finding at or above high",))),
        (lambda: concluded(BLOCKING, BLOCKING, finding("low"), fail_on="low"), Verdict("failed", 1, ("2 findings at or above low",))),
        (lambda: concluded(BLOCKING, zero=True), Verdict("passed", 0, ("1 finding at or above high, let through by --exit-zero",))),
        (lambda: concluded(gaps=1), Verdict("incomplete", 4, ("1 thing could not be assessed",))),
        (lambda: concluded(gaps=2, zero=True, empty=True), Verdict("incomplete", 4, ("2 things could not be assessed",))),
        (lambda: concluded(gaps=1, inputs=()), Verdict("incomplete", 4, ("1 thing could not be assessed",))),
        (lambda: concluded(BLOCKING, gaps=1), Verdict("incomplete", 4, ("1 thing could not be assessed", "1 finding at or above high"))),
        (
            lambda: concluded(BLOCKING, gaps=1, zero=True),
            Verdict("incomplete", 4, ("1 thing could not be assessed", "1 finding at or above high, let through by --exit-zero")),
        ),
        (lambda: concluded(inputs=()), Verdict("empty", 3, ("no MCP config found",))),
        (lambda: concluded(inputs=(LEFT_OUT,)), Verdict("empty", 3, ("no MCP config found, but for those that the policy excludes",))),
        (lambda: concluded(inputs=(), zero=True), Verdict("empty", 3, ("no MCP config found",))),
        (lambda: concluded(inputs=(), empty=True), Verdict("passed", 0, ("no MCP config found, which --allow-empty permits",))),
        (lambda: concluded(inputs=(LEFT_OUT, READ)), Verdict("passed", 0, ("no finding at or above high",))),
        (lambda: concluded(inputs=(LEFT_OUT, BROKEN)), Verdict("passed", 0, ("no finding at or above high",))),
        (lambda: concluded(BLOCKING, inputs=()), Verdict("failed", 1, ("1 finding at or above high", "no MCP config found"))),
        (lambda: concluded(finding(status="waived")), Verdict("passed", 0, ("no finding at or above high, but for 1 waived",))),
        (lambda: concluded(finding("low", "waived")), Verdict("passed", 0, ("no finding at or above high",))),
        (
            lambda: concluded(finding("critical", "baseline"), finding(status="baseline"), finding(status="waived")),
            Verdict("passed", 0, ("no finding at or above high, but for 1 waived and 2 in the baseline",)),
        ),
    ],
)
def test_verdicts(run: Callable[[], Verdict], expected: Verdict) -> None:
    assert run() == expected


@pytest.mark.parametrize(
    ("blocks", "gaps", "inputs", "empty", "zero"), list(product((0, 1), (0, 1), ((), (READ,), (LEFT_OUT,)), (False, True), (False, True)))
)
def test_nothing_is_green_that_was_not_seen(blocks: int, gaps: int, inputs: tuple[Input, ...], empty: bool, zero: bool) -> None:
    code = concluded(*(BLOCKING,) * blocks, gaps=gaps, inputs=inputs, empty=empty, zero=zero).exit_code
    if gaps:
        assert code == 4
    elif blocks and not zero:
        assert code == 1
    elif inputs != (READ,) and not empty:
        assert code == 3
    else:
        assert code == 0
