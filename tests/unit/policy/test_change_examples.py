"""The examples of the rules about a change: the good one is the trusted revision, the bad one what a change makes of it."""

from __future__ import annotations

import json

import pytest
from locks import complete
from repos import Repository

from mcp_audit_gate import gate
from mcp_audit_gate.change import Trusted
from mcp_audit_gate.policy import change_rules
from mcp_audit_gate.rules import preapproved
from mcp_audit_gate.rules.surfaces import examples
from mcp_audit_gate.sources import revision
from mcp_audit_gate.sources.discover import WorkingTree

from .conftest import TODAY

DOCS = {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}
STAGING = {"type": "http", "url": "http://mcp.example.com/v1"}
CONFIG = json.dumps({"mcpServers": {"docs": DOCS, "staging": STAGING}})
OTHER = json.dumps({"mcpServers": {"docs": DOCS}})
APPROVAL = {".claude/settings.json": '{"enabledMcpjsonServers": ["docs"]}\n'}
# What stands beside the example before the change, and what the change does besides.
BESIDE = {
    "policy-weakened": ({".mcp.json": OTHER}, {".mcp.json": OTHER + "\n"}),
    "config-excluded": ({"mcp-audit.yaml": "version: 1\nexclude: [fixtures]\n"}, {}),
    "preapproved-changed-server": (APPROVAL, {}),
    "registry-file-changed": ({".mcp.json": OTHER}, {".mcp.json": OTHER.replace("1.4.2", "1.5.0")}),
}


def judged(tmp_path, before, after):
    repository = Repository(tmp_path, before)
    for path in before:
        (tmp_path / path).unlink()
    repository.write(after)
    compared = Trusted("main", *revision.trusted(str(tmp_path), "main"))
    return gate.scan(WorkingTree(str(tmp_path)), (str(tmp_path),), gate.Settings(TODAY, trusted=compared)).findings


@pytest.mark.parametrize("info", [rule.info for rule in (*change_rules.RULES, *preapproved.RULES)], ids=lambda info: info.id)
def test_bad_gives_the_rule_and_good_nothing(info, tmp_path):
    before, besides = BESIDE.get(info.id, ({".mcp.json": CONFIG}, {}))
    bad, good = (dict([example]) for example in examples(info))
    bad, good = {**before, **besides, **bad}, {**before, **good}
    if info.id == "config-vanished":
        pytest.skip("its example is a record of the lockfile; see the next test")
    assert info.id in {finding.rule for finding in judged(tmp_path / "bad", good, bad)}
    assert info.id not in {finding.rule for finding in judged(tmp_path / "good", good, {**good, **besides})}


def test_a_record_that_is_left_and_one_that_is_not(tmp_path):
    info = change_rules.CONFIG_VANISHED
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".mcp.json").write_text(OTHER)
    record = complete(tmp_path / "x", json.loads(examples(info)[0][1])).decode()
    before = {".mcp.json": OTHER, "mcp-audit.lock.json": record}
    assert info.id in {finding.rule for finding in judged(tmp_path / "bad", before, {"mcp-audit.lock.json": record})}
    assert info.id not in {finding.rule for finding in judged(tmp_path / "good", before, {"mcp-audit.lock.json": examples(info)[1][1]})}
