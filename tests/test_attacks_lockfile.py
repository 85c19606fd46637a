"""Attacks through the lockfile: what somebody wrote into it by hand, in such numbers that the gate would never end."""

from __future__ import annotations

import json
import time

import pytest

from mcp_audit_gate.cli import main
from mcp_audit_gate.lock.lockfile import MAX_FAULTS, observed, write
from mcp_audit_gate.model import Surface

LOCK = "mcp-audit.lock.json"


def scan(root, capfd, *words):
    """(exit code, JSON report, seconds) of a scan."""
    began = time.process_time()
    code = main(["scan", "--skip-connect", "-o", "json", str(root), *words])
    return code, json.loads(capfd.readouterr().out), time.process_time() - began


def record(**members):
    return {"name": "docs", "launch": {}, **members}


@pytest.mark.parametrize(
    "servers",
    [
        pytest.param([{}] * 50_000, id="empty-records"),
        pytest.param([record()] * 20_000, id="equal-records"),
        pytest.param([record(tools=[{}] * 50_000)], id="empty-items"),
        pytest.param([record(**{f"k{number}": 0 for number in range(50_000)})], id="unknown-members"),
    ],
)
def test_a_flood_of_faults_is_told_in_part_and_counted(tmp_path, capfd, servers):
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}}))
    (tmp_path / LOCK).write_text(json.dumps({"lockfileVersion": 1, "servers": servers}))
    code, report, seconds = scan(tmp_path, capfd)
    told = [finding["message"] for finding in report["findings"] if finding["rule"] == "lock-tampered"]
    assert (code, len(told)) == (1, MAX_FAULTS + 1)
    assert sum("more do not add up" in message for message in told) == 1
    assert seconds < 10


def test_many_pins_of_one_name_and_many_entries_cost_no_product_of_both(tmp_path, capfd):
    entries = {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}}
    for number in range(300):
        (tmp_path / f"p{number}").mkdir()
        entries["docs"]["args"] = ["-y", f"@acme/docs-mcp@1.4.{number}"]
        (tmp_path / f"p{number}" / ".mcp.json").write_text(json.dumps({"mcpServers": entries}))
    launches = [{"transport": "stdio", "command": "npx", "args": ["-y", f"@acme/other-{number}@1.0.0"]} for number in range(2000)]
    (tmp_path / LOCK).write_bytes(write(observed("docs", launch, Surface(server_info={})) for launch in launches))
    code, report, seconds = scan(tmp_path, capfd)
    assert code == 1
    assert len([finding for finding in report["findings"] if finding["rule"] == "launch-changed"]) == 300
    assert seconds < 15


def test_an_entry_finds_its_own_pin_among_any_number_of_its_name(tmp_path, capfd):
    launches = [{"transport": "stdio", "command": "npx", "args": ["-y", f"@acme/docs-mcp@1.4.{number}"]} for number in range(100)]
    launches = [{**launch, "package": f"npm:{launch['args'][1]}"} for launch in launches]
    (tmp_path / LOCK).write_bytes(write(observed("docs", launch, Surface(server_info={})) for launch in launches))
    for number, launch in enumerate(launches):
        (tmp_path / f"p{number}").mkdir()
        (tmp_path / f"p{number}" / ".mcp.json").write_text(json.dumps({"mcpServers": {"docs": {"command": "npx", "args": launch["args"]}}}))
    code, report, _ = scan(tmp_path, capfd, "--pin-check")
    assert (code, report["not_assessed"]) == (0, [])
    assert all(server["pinned"] for server in report["servers"])
