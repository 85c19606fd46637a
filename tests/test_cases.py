"""Every folder below cases/: a small tree in, the findings of the whole run out, compared with expected.txt beside it.

`pins.json` in a case stands for the lockfile (locks.py). What lies in `before/` is the trusted revision, the rest the change of it. A
case that fires lists its findings, one a line: `rule path:line:column-line:column`. A quiet case gives the reason in its first line,
as a comment, and lists nothing, or what other rules say.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from fakes import fill
from locks import LOCK, complete, fill_in
from repos import Repository

from mcp_audit_gate import gate, rules
from mcp_audit_gate.change import Trusted
from mcp_audit_gate.rules import preapproved
from mcp_audit_gate.rules.surfaces import examples
from mcp_audit_gate.sources import revision
from mcp_audit_gate.sources.discover import WorkingTree

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.rglob("expected.txt"))
DOCS = {"command": "npx", "args": ["-y", "@acme/docs-mcp@1.4.2"]}
TODAY = date(2026, 11, 22)


def findings(root: Path, ref: str | None = None) -> list[str]:
    trusted = Trusted(ref, *revision.trusted(str(root), ref)) if ref else None
    report = gate.scan(WorkingTree(str(root)), (str(root),), gate.Settings(TODAY, trusted=trusted))
    return sorted(
        f"{f.rule} {f.location.path}:{f.location.start_line}:{f.location.start_column}-{f.location.end_line}:{f.location.end_column}"
        for f in report.findings
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(CASES).as_posix())
def test_case(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    shutil.copytree(folder, root)
    (root / "expected.txt").unlink()
    for path in root.rglob("*"):
        if path.is_file():
            path.write_bytes(fill(path.read_bytes().decode("utf-8")).encode("utf-8"))
    fill_in(root)
    ref = _committed(root) if (root / "before").exists() else None
    lines = (folder / "expected.txt").read_text("utf-8").splitlines()
    rule, kind = folder.relative_to(CASES).parts[:2]
    if kind == "quiet":
        assert lines[0].startswith("# "), "a quiet case says why it is quiet"
    else:
        assert any(line.split()[0] == rule for line in lines if not line.startswith("#")), f"a case that fires lists {rule}"
    assert findings(root, ref) == sorted(line for line in lines if line and not line.startswith("#"))


def _committed(root: Path) -> str:
    """Makes a repository of a case: what lies in `before` is committed, and then stands beside the rest no more."""
    fill_in(root / "before")
    (root / "before").rename(root.parent / "repository")
    repository = Repository(root.parent / "repository")
    commit = repository.commit("before")
    (repository.root / ".git").rename(root / ".git")
    return commit


# What a rule looks at that needs neither config nor lock is in no tree: the tests of live/ and of revisions make it fire. Those of
# the family drift compare two records, and so do their examples (unit/rules/test_drift.py).
@pytest.mark.parametrize("info", [rule.info for rule in gate.RULES], ids=lambda info: info.id)
def test_every_rule_has_cases_that_fire_and_cases_that_stay_quiet(info) -> None:
    kinds = {folder.relative_to(CASES).parts[1] for folder in FOLDERS if folder.relative_to(CASES).parts[0] == info.id}
    assert kinds in ([{"fires", "quiet"}] if {"config", "lock"} & set(info.needs) else [{"fires", "quiet"}, {"quiet"}, set()])


@pytest.mark.parametrize(
    "info",
    [rule.info for rule in rules.ALL if {"config", "lock"} & set(rule.info.needs) and rule.info.family != "drift" and rule not in preapproved.RULES],
    ids=lambda info: info.id,
)
def test_examples_of_a_rule(info, tmp_path: Path) -> None:
    for name, (path, text), expected in zip(("bad", "good"), examples(info), ({info.id}, set()), strict=True):
        file = tmp_path / name / path
        file.parent.mkdir(parents=True)
        if path == LOCK:
            _with_lock(tmp_path / name, text)
        elif path == "mcp-audit.yaml":
            file.write_bytes(text.encode("utf-8"))
            (tmp_path / name / ".mcp.json").write_text(json.dumps({"mcpServers": {"docs": DOCS}}))
        else:
            file.write_bytes(text.encode("utf-8"))
        assert {line.split()[0] for line in findings(tmp_path / name)} == expected


def _with_lock(root: Path, text: str) -> None:
    """An example that is a lockfile, or an excerpt of one, beside a config that declares the servers it names (`gone`: none)."""
    value = json.loads(text)
    records = value if isinstance(value, list) else value.get("servers", []) if "lockfileVersion" in value else [value]
    entries = {name: {**DOCS, "args": ["-y", f"@acme/{name}-mcp@1.4.2"]} for record in records if (name := record["name"]) != "gone"}
    (root / ".mcp.json").write_text(json.dumps({"mcpServers": entries}))
    (root / LOCK).write_bytes(text.encode("utf-8") if "lockfileVersion" in value else complete(root, value))
