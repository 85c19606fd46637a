"""What servers declare, judged for its size and shape: a surface in the lockfile to findings."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from locks import LOCK, complete
from repos import PINNED, servers

from mcp_audit_gate import gate
from mcp_audit_gate.sources.discover import WorkingTree


def found(root: Path, rule: str, tools: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Subject and message of each finding of a rule, for a server that declares tools."""
    (root / ".mcp.json").write_text(servers(files=PINNED))
    (root / LOCK).write_bytes(complete(root, [{"name": "files", "tools": tools}]))
    report = gate.scan(WorkingTree(str(root)), (str(root),), gate.Settings(date(2026, 11, 22)))
    return [(finding.subject, finding.message) for finding in report.findings if finding.rule == rule]


def tool(name: str, properties: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "description": "Adds.", "inputSchema": {"type": "object", "properties": properties or {}}}


def test_too_many_tools_are_told_once(tmp_path: Path) -> None:
    tools = [tool(f"t{number:03}") for number in range(205)]
    [(subject, message)] = found(tmp_path, "oversized-metadata", tools)
    assert (subject, message.partition(" comes after ")[2]) == ("tool:t200", "200 others: the server declares 205 tools.")
    assert found(tmp_path, "oversized-metadata", tools[:200]) == []


def test_a_schema_too_long_although_no_text_of_it_is(tmp_path: Path) -> None:
    long = {f"parameter_{number:04}": {"type": "string", "description": "What to add, and how to add it. " * 5} for number in range(400)}
    [(subject, message)] = found(tmp_path, "oversized-metadata", [tool("a"), tool("wide", long)])
    assert (subject, "has a schema of more than 65536 characters." in message) == ("tool:wide", True)
    assert found(tmp_path, "oversized-metadata", [tool("wide", dict(list(long.items())[:250]))]) == []


def test_a_pattern_is_bounded_by_the_length_beside_it(tmp_path: Path) -> None:
    slow = {"type": "string", "pattern": "^(a+)+$"}
    assert [subject for subject, _ in found(tmp_path, "slow-pattern", [tool("a", {"x": slow})])] == ["tool:a"]
    assert found(tmp_path, "slow-pattern", [tool("a", {"x": {**slow, "maxLength": 20}})]) == []
    assert [subject for subject, _ in found(tmp_path, "slow-pattern", [tool("a", {"x": {"anyOf": [{"maxLength": 20}, slow]}})])] == ["tool:a"]
    assert found(tmp_path, "slow-pattern", [tool("a", {"x": {"anyOf": [{**slow, "maxLength": 20}]}})]) == []
