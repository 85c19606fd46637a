"""The examples of the policy's own rules: each is a policy, tried beside the config that its rule needs."""

from __future__ import annotations

import json

import pytest

from mcp_audit_gate import gate
from mcp_audit_gate.policy.rules import RULES
from mcp_audit_gate.rules.surfaces import examples
from mcp_audit_gate.sources.discover import WorkingTree

from .conftest import TODAY

DOCS = {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}
WEB = {"web": {"type": "http", "url": "https://mcp.example.com/v1"}}
STAGING = {"staging": {"type": "http", "url": "http://mcp.example.com/v1"}}
CONFIGS = {
    "server-not-allowed": DOCS,
    "denied-capability": WEB,
    "risk-over-limit": WEB,
    "waiver-expired": STAGING,
    "waiver-unused": STAGING,
    "waiver-too-broad": STAGING,
}
# Where it is the config that the good example mends.
MENDED = {"denied-capability": DOCS, "risk-over-limit": DOCS}


@pytest.mark.parametrize("info", [rule.info for rule in RULES], ids=lambda info: info.id)
def test_bad_gives_the_rule_and_good_nothing(info, tmp_path):
    config = CONFIGS[info.id]
    for (path, text), servers, expected in zip(examples(info), (config, MENDED.get(info.id, config)), ([info.id], []), strict=True):
        (tmp_path / path).write_text(text, "utf-8")
        (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))
        report = gate.scan(WorkingTree(str(tmp_path)), (str(tmp_path),), gate.Settings(TODAY))
        assert [finding.rule for finding in report.findings if finding.rule != "plain-http"] == expected
