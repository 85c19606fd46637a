"""Rules that say `alike`: equal entries have equal faults, whatever they are called and wherever they stand; the engine relies on it."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from fakes import fill
from test_cases import CASES, TODAY

from mcp_audit_gate import gate, rules
from mcp_audit_gate.model import Context, Entry
from mcp_audit_gate.policy import load
from mcp_audit_gate.sources.discover import WorkingTree


def context(root: Path) -> Context:
    return gate.read(WorkingTree(str(root)), (str(root),), frozenset(), load.preset("default", TODAY)).context


def moved(entry: Entry) -> Entry:
    document = copy.copy(entry.document)
    document.path = f"one/two/three/{document.path}"
    return entry._replace(name="renamed", document=document, pointer=("elsewhere", "renamed") if entry.kind == "server" else ("elsewhere",))


@pytest.mark.parametrize("rule", [rule for rule in rules.ALL if rule.alike], ids=lambda rule: rule.info.id)
def test_name_and_place_do_not_matter(rule, tmp_path):
    found = 0
    for number, file in enumerate(sorted(path for path in (CASES / rule.info.id).rglob("*") if path.is_file() and path.name != "expected.txt")):
        target = tmp_path / str(number) / file.relative_to(CASES / rule.info.id).as_posix().split("/", 2)[2]
        target.parent.mkdir(parents=True)
        target.write_bytes(fill(file.read_bytes().decode("utf-8")).encode("utf-8"))
        for entry in context(tmp_path / str(number)).entries:
            here, there = ([(hit.value, hit.secret) for hit in rule.check(one)] for one in (entry, moved(entry)))
            assert here == there
            found += len(here)
    assert found, "the cases hold at least one fault"


def write(root: Path, folder: str, servers: dict[str, object]) -> None:
    (root / folder).mkdir()
    (root / folder / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))


def test_every_one_of_equal_entries_is_reported(tmp_path):
    servers = {
        "loose": {"command": "npx", "args": ["-y", "acme-tool"]},
        "exact": {"command": "npx", "args": ["-y", "acme-tool@1.0.0"]},
        "kept": {"command": "npx", "args": ["-y", "acme-tool"], "cwd": "."},
    }
    for folder in "abc":
        write(tmp_path, folder, servers)
    raised = [(item.about.document.path, item.server) for item in rules.run(context(tmp_path)) if item.rule.info.id == "unpinned-package"]
    assert sorted(raised) == [(f"{folder}/.mcp.json", name) for folder in "abc" for name in ("kept", "loose")]


def test_a_place_that_matters_is_asked_for_each_entry(tmp_path):
    write(tmp_path, "a", {"docs": {"command": "node", "args": ["../docs/server.js"]}})
    (tmp_path / ".mcp.json").write_bytes((tmp_path / "a" / ".mcp.json").read_bytes())
    raised = [item.about.document.path for item in rules.run(context(tmp_path)) if item.rule.info.id == "parent-path-program"]
    assert raised == [".mcp.json"]
