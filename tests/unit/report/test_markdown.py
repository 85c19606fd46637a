from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from mcp_audit_gate.model import Input, Location, NotAssessed, Risk

from .conftest import rule


def tokens(text):
    def walk(items):
        for item in items:
            yield item
            yield from walk(item.children or ())

    return list(walk(MarkdownIt("commonmark").enable("table").parse(text)))


def rows(text, heading):
    """The cells of the table below a heading, as text."""
    table = text.split(f"## {heading}\n", 1)[1].split("\n\n")[0].strip()
    inside = [token for token in MarkdownIt("commonmark").enable("table").parse(table) if token.type == "inline"]
    width = table.split("\n", 1)[0].count("|") - 1
    texts = ["".join(child.content for child in token.children) for token in inside]
    return [texts[start : start + width] for start in range(width, len(texts), width)]


def test_the_verdict_comes_first(make):
    lines = make.written("markdown").split("\n")
    assert lines[0] == "# MCP audit: failed"
    assert lines[2] == "**5 findings (2 blocking, 1 reported, 1 waived, 1 in the baseline)**; 1 file read, 2 servers, policy `preset:default`."
    assert lines[4] == "- 2 findings at or above high"


def test_the_findings_blocking_ones_first(make):
    found = rows(make.written("markdown"), "Findings")
    assert [row[:5] for row in found] == [
        ["blocking", "critical", "literal-secret", ".mcp.json:7:24", "beta"],
        ["blocking", "high", "plain-http", ".mcp.json:3:38", "alpha"],
        ["reported", "info", "server-note", ".mcp.json:4:5", "beta"],
        ["baseline", "medium", "unpinned-package", ".mcp.json:6:18", "beta"],
        ["waived", "medium", "duplicate-key", ".mcp.json:5:7", "beta"],
    ]
    assert found[4][5] == 'server "alpha" has duplicate-key (Waived until 2027-01-31: known, see OPS-1 (platform))'


def test_drift_has_its_own_table(make):
    rules = (*make.report().rules, rule("launch-changed", "drift", "high"))
    text = make.written("markdown", make.report([make.finding(), make.finding("launch-changed")], rules=rules))
    assert [row[2] for row in rows(text, "Findings")] == ["plain-http"]
    assert [row[2] for row in rows(text, "Drift")] == ["launch-changed"]


def test_servers_and_their_picture(make):
    text = make.written("markdown")
    assert rows(text, "Servers") == [["alpha", "1.5", "network", ".mcp.json:3"], ["beta", "0.0", "none known", ".mcp.json:4"]]
    picture = next(token.content for token in tokens(text) if token.type == "fence" and token.info == "mermaid")
    assert picture == 'flowchart LR\n  s0["alpha (1.5)"]\n  s0 --> network\n  s1["beta (0.0)"]\n  network(["network"])\n'


def test_the_picture_is_of_the_riskiest(make):
    servers = tuple(make.server(f"s{number}", risk=Risk(number / 10, ())) for number in range(60))
    text = make.written("markdown", make.report(servers=servers))
    assert 's0["s59 (5.9)"]' in text
    assert 's39["s20 (2.0)"]' in text
    assert "s40[" not in text
    assert "The picture shows the 40 servers with the highest risk of 60." in text


def test_not_assessed_and_excluded(make):
    gaps = (NotAssessed("config", "x|y/.mcp.json", None, "not JSON at 1:2", "correct it"),)
    inputs = (Input("z/.mcp.json", None, None, None, 0, "excluded"),)
    text = make.written("markdown", make.report(not_assessed=gaps, inputs=inputs))
    assert rows(text, "Not assessed: 1") == [["config", "x|y/.mcp.json", "", "not JSON at 1:2", "correct it"]]
    assert "- `z/.mcp.json`" in text


def test_a_level_hides_findings_and_says_how_many(make):
    text = make.written("markdown", min_severity="high")
    assert [row[2] for row in rows(text, "Findings")] == ["literal-secret", "plain-http"]
    assert "3 findings below high not shown; the verdict counts all of them." in text


@pytest.mark.parametrize("long", [20, 900])
def test_it_stays_below_a_mebibyte_and_says_what_was_cut(make, long):
    findings = [make.finding(fingerprint=str(number), message="é" * long, server="ü" * 500, status="blocking") for number in range(9000)]
    gaps = tuple(NotAssessed("config", f"{'p' * 900}{number}", None, "reason " * 100, "hint") for number in range(3000))
    servers = tuple(make.server("ß" * 190 + str(number)) for number in range(5000))
    text = make.written("markdown", make.report(findings, not_assessed=gaps, servers=servers))
    assert len(text.encode()) < 1 << 20
    shown = len(rows(text, "Findings"))
    assert f"{9000 - shown} more findings left out here; the JSON report has all 9000." in text
    assert "**9000 findings" in text
    assert re.search(r"\d+ more servers left out here; the JSON report has all 5000\.", text)
    assert re.search(r"\d+ more items left out here; the JSON report has all 3000\.", text)


def test_hostile_text_stays_in_code(make):
    text = make.written("markdown", make.hostile())
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
    assert {token.type for token in tokens(text)} & {"html_block", "html_inline", "link_open", "image"} == set()
    assert [line for line in text.split("\n") if line.strip().startswith("::") or "##[" in line] == []
    assert len(rows(text, "Findings")) == len(make.hostile().findings)
    assert all(len(row) == 6 for row in rows(text, "Findings"))
    assert "a" * 301 not in text
    for token in tokens(text):
        if token.type == "fence":
            assert [line for line in token.content.split("\n") if line.count('"') % 2 or re.match(r"\s*(click|%%)", line) or "<" in line] == []


def test_a_long_path_is_named_whole(make):
    path = "d/" * 100 + ".mcp.json"
    text = make.written("markdown", make.report([make.finding(location=Location(path, 1, 2, 1, 3))]))
    assert f"`{path}:1:2`" in text
