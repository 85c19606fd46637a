from __future__ import annotations

import pytest

from mcp_audit_gate.model import Capability, Input, Mode
from mcp_audit_gate.report import words


@pytest.mark.parametrize(("server", "subject"), [("long name " * 40, ""), ("s", "tool:" + "long name " * 40)])
def test_long_names_with_blanks_are_shortened_in_a_message(make, server, subject):
    name = server if not subject else subject[5:]
    shown = words.message(make.finding(server=server, subject=subject, message=f'"{name}" is bad'))
    assert shown == f'"{name[:199]}…" is bad'
    assert words.message(make.finding(server="alpha", message='"alpha" is bad')) == '"alpha" is bad'


def test_a_capability_counts_with_its_best_confidence_in_a_fixed_order(make):
    made = [Capability("tool:a", "network", "low", ""), Capability("tool:b", "network", "declared", ""), Capability("", "shell_execution", "low", "")]
    server = make.server(capabilities=tuple(made))
    assert words.best(server) == {"shell_execution": "low", "network": "declared"}
    assert list(words.best(server)) == ["shell_execution", "network"]
    assert words.capabilities(server) == ["shell_execution (low confidence)", "network"]


def test_the_scope_names_files_policy_lock_and_revision(make):
    unread = Input("x", None, None, None, 0, "unreadable")
    mode = Mode(True, "mcp-audit.yaml", "mcp-audit.lock.json", "origin/main")
    report = make.report(inputs=(*make.report().inputs, unread), mode=mode)
    assert words.scope(report) == "1 of 2 files read, 2 servers, policy mcp-audit.yaml, lock mcp-audit.lock.json, trusted revision origin/main"


def test_the_worst_come_first_and_blocking_ones_before_all(make):
    findings = [
        make.finding(severity="high", status="reported"),
        make.finding(severity="critical", status="baseline"),
        make.finding(severity="low"),
        make.finding(severity="high"),
    ]
    assert [(finding.status, finding.severity) for finding in words.worst(findings)] == [
        ("blocking", "high"),
        ("blocking", "low"),
        ("reported", "high"),
        ("baseline", "critical"),
    ]


@pytest.mark.parametrize(
    ("waiver", "text"),
    [
        ({"reason": "r", "expires": "2027-01-31", "owner": "o"}, "Waived until 2027-01-31: r (o)"),
        ({"reason": "r", "expires": "2027-01-31"}, "Waived until 2027-01-31: r"),
    ],
)
def test_an_excuse(make, waiver, text):
    assert words.excuse(make.finding(status="waived", waiver=waiver)) == text
