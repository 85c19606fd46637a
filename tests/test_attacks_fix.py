"""Attacks on `scan --fix` by what stands in a repository: edits that reach elsewhere, names that belong to others, work that grows as a square."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from fakes import token

from mcp_audit_gate.cli import main
from mcp_audit_gate.fix import plan
from mcp_audit_gate.model import Entry, Finding, Location
from mcp_audit_gate.sources.document import Document

MANY = 8000


def mend(number: int, regains: bool = False) -> plan._Mend:
    """A mend of one server of a file, which brings a new finding."""
    path = f"{number % 2}.json"
    document = Document(path, b"{}", "{}", {}, lambda: None)
    entry = Entry(document, "cursor", f"s{number}", "server", {}, (), (), ())
    return plan._Mend(finding(path, entry.name), entry, entry.place(), (), token("github"), regains=regains)


def finding(path: str, server: str | None) -> Finding:
    return Finding("token-to-third-party", "medium", "", server, "", Location(path, 1, 1), (), "0" * 32, "", "reported", None)


def test_that_every_fix_brings_a_finding_costs_no_square() -> None:
    mends = [mend(number) for number in range(MANY)]
    wrong = [finding(one.entry.document.path, one.entry.name) for one in mends]
    started = time.perf_counter()
    assert plan._blamed(wrong, mends) == {id(one) for one in mends}
    assert time.perf_counter() - started < 2


def test_the_nearest_are_blamed() -> None:
    mends = [mend(number) for number in range(4)]
    for wrong, blamed in (
        (finding("0.json", "s0"), [0]),
        (finding("elsewhere.json", "s3"), [3]),
        (finding("1.json", None), [1, 3]),
        (finding("elsewhere.json", None), [0, 1, 2, 3]),
    ):
        assert plan._blamed([wrong], mends) == {id(mends[number]) for number in blamed}


def test_what_counts_again_is_blamed_for_a_finding_elsewhere() -> None:
    mends = [mend(0, regains=True), mend(1, regains=True), mend(2)]
    assert plan._blamed([finding("mcp-audit.lock.json", "s2")], mends) == {id(mends[0]), id(mends[1])}
    assert plan._blamed([finding("0.json", "s0")], mends) == {id(mends[1])}
    assert plan._blamed([finding("0.json", "s0")], [mends[0], mends[2]]) == {id(mends[0])}


@pytest.mark.parametrize("folder", [".git", "vendor/lib/.git", "vendor/lib/.GIT"])
def test_a_link_into_a_git_folder_is_not_written_through(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    (tmp_path / folder).mkdir(parents=True)
    text = json.dumps({"mcpServers": {"one": {"command": "npx", "args": ["x@1.0.0"], "env": {"KEY": token("github")}}}})
    (tmp_path / folder / "state.json").write_text(text)
    (tmp_path / ".mcp.json").symlink_to(tmp_path / folder / "state.json")
    monkeypatch.chdir(tmp_path)
    code = main(["scan", "--skip-connect", "--fix", "--yes"])
    assert (code, "it lies outside the repository's files" in capfd.readouterr().err) == (4, True)
    assert (tmp_path / folder / "state.json").read_text() == text
