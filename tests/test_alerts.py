"""Alerts of code scanning open, stay and close rightly: what a finding is about decides its fingerprint, never where it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import token
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_audit_gate.cli import main

SERVERS = {
    "alpha": {"type": "http", "url": "http://mcp.acme-tools.com/alpha"},
    "beta": {"command": "npx", "args": ["-y", "@acme/search-mcp"], "env": {"A_TOKEN": token("npm", 1), "B_TOKEN": token("npm", 2)}},
}


def results(root: Path, *options: str) -> tuple[int, list[dict], dict]:
    """(exit code, SARIF results, the invocation) of a scan."""
    code = main(["scan", "--skip-connect", str(root), "-o", f"sarif={root / 'out.sarif'}", *options])
    run = json.loads((root / "out.sarif").read_bytes())["runs"][0]
    return code, run["results"], run["invocations"][0]


def prints(found: list[dict]) -> dict[str, tuple[str, str]]:
    """Fingerprint → rule and file."""
    return {item["partialFingerprints"]["mcpAuditGate/v1"]: (item["ruleId"], uri(item)) for item in found}


def uri(item: dict) -> str:
    return item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def place(folder: Path, text: str, path: str = ".mcp.json") -> Path:
    (folder / ".git").mkdir(exist_ok=True)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, "utf-8")
    return folder


def backwards(value: object) -> object:
    """The value with the keys of every object in the other order."""
    return {key: backwards(item) for key, item in reversed(value.items())} if isinstance(value, dict) else value


SPELLINGS = {
    "as it was": json.dumps({"mcpServers": SERVERS}, indent=2),
    "lower in the file": "\n\n\n" + json.dumps({"note": ["x"] * 30, "mcpServers": SERVERS}, indent=2),
    "with a server before it": json.dumps({"mcpServers": {"first": {"type": "http", "url": "https://mcp.example.com/f"}, **SERVERS}}, indent=2),
    "keys in another order": json.dumps(backwards({"mcpServers": SERVERS}), indent=2),
    "indented with tabs": json.dumps({"mcpServers": SERVERS}, indent="\t"),
    "on one line": json.dumps({"mcpServers": SERVERS}),
    "with other line ends": json.dumps({"mcpServers": SERVERS}, indent=4).replace("\n", "\r\n"),
    "escaped": json.dumps({"mcpServers": SERVERS}).replace("alpha", "\\u0061lpha"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_same_finding_keeps_its_alert(spelling: str, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    before = prints(results(place(tmp_path / "one", SPELLINGS["as it was"]))[1])
    after = prints(results(place(tmp_path / "two", SPELLINGS[spelling]))[1])
    assert len(before) >= 4
    assert after == before


@given(blank=st.lists(st.sampled_from(["\n", "\t", " ", "\r\n"]), min_size=3, max_size=3), order=st.permutations(sorted(SERVERS)))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_white_space_and_order_never_matter(blank: list[str], order: list[str], tmp_path: Path) -> None:
    text = json.dumps({"mcpServers": {name: SERVERS[name] for name in order}}, separators=(f"{blank[0]},{blank[1]}", f"{blank[2]}: "))
    assert prints(results(place(tmp_path, text))[1]) == prints(results(place(tmp_path, SPELLINGS["as it was"]))[1])


def test_two_servers_of_one_name_in_two_files_share_no_alert(tmp_path: Path) -> None:
    for path in (".mcp.json", ".cursor/mcp.json", "packages/app/.mcp.json"):
        place(tmp_path, SPELLINGS["as it was"], path)
    found = results(tmp_path)[1]
    known = prints(found)
    assert len(known) == len(found)
    files = {path: sum(about[1] == path for about in known.values()) for path in {about[1] for about in known.values()}}
    assert len(files) == 3
    assert len(set(files.values())) == 1


def test_another_value_at_the_same_place_is_another_alert(tmp_path: Path) -> None:
    before = prints(results(place(tmp_path, SPELLINGS["as it was"]))[1])
    changed = SPELLINGS["as it was"].replace("mcp.acme-tools.com", "mcp.other-tools.com").replace(token("npm", 1), token("npm", 3))
    after = prints(results(place(tmp_path, changed))[1])
    assert sorted(rule for rule, _ in {key: before[key] for key in before.keys() - after.keys()}.values()) == ["literal-secret", "plain-http"]
    assert len(after) == len(before)


def test_a_mended_finding_is_gone_and_all_rules_stay_declared(tmp_path: Path) -> None:
    place(tmp_path, SPELLINGS["as it was"].replace("http://", "https://"))
    found = results(tmp_path)[1]
    assert "plain-http" not in {item["ruleId"] for item in found}
    declared = json.loads((tmp_path / "out.sarif").read_bytes())["runs"][0]["tool"]["driver"]["rules"]
    assert "plain-http" in {rule["id"] for rule in declared}


def test_an_incomplete_run_says_so_in_the_file(tmp_path: Path) -> None:
    place(tmp_path, SPELLINGS["as it was"])
    place(tmp_path, "{", ".cursor/mcp.json")
    code, found, invocation = results(tmp_path)
    assert (code, invocation["executionSuccessful"]) == (4, False)
    assert found
    assert invocation["toolExecutionNotifications"]


def test_a_waived_finding_raises_no_alert(tmp_path: Path) -> None:
    place(tmp_path, SPELLINGS["as it was"])
    (tmp_path / "mcp-audit.yaml").write_text(
        "version: 1\nwaivers:\n  - rule: plain-http\n    server: alpha\n    reason: OPS-112\n    expires: 2027-01-31\n", "utf-8"
    )
    now = ("--now", "2026-11-22")
    assert "plain-http" not in {item["ruleId"] for item in results(tmp_path, *now)[1]}
    assert "plain-http" in {item["ruleId"] for item in results(tmp_path, *now, "--ignore-waivers")[1]}
