"""Credentials that stand where a name, a message or a waiver's reason belongs."""

from __future__ import annotations

import pytest
from fakes import token

from mcp_audit_gate import report as reports

GITHUB = token("github")


@pytest.mark.parametrize("name", reports.FORMATS)
def test_no_format_repeats_a_credential_from_a_name_or_a_waiver(name, make):
    waiver = {"reason": f"it was {GITHUB}, password=" + token("random22"), "owner": GITHUB, "expires": "2027-01-31", "path": "p", "line": 1}
    findings = (
        make.finding(message=f'tool "delete_{GITHUB}" of server "{GITHUB}"', server=GITHUB, subject=f"tool:{GITHUB}"),
        make.finding("duplicate-key", message=f'key "x{"-" * 20}_{GITHUB[:30]}…"', status="waived", waiver=waiver),
    )
    written = reports.write(name, make.report(findings, servers=(make.server(GITHUB),)), reports.Look(verbosity=1)).decode()
    assert GITHUB[4:20] not in written
    assert token("random22")[:12] not in written
    assert "secret" in written
