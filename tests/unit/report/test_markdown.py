from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from mcp_audit_gate import HOME
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


def folded(text, title):
    """The cells of a table that is folded away."""
    return rows(text.replace(f"<summary>{title}</summary>\n", f"## {title}\n"), title)


def test_the_verdict_comes_first(make):
    lines = make.written("markdown").split("\n")
    assert lines[0] == "# MCP audit: failed"
    assert lines[2] == "**5 findings (2 blocking, 1 reported, 1 waived, 1 in the baseline)**; 1 file read, 2 servers, policy `preset:default`."
    assert lines[4] == "- 2 findings at or above high"
    assert lines[6] == (
        "**What to do.** Fix the 2 findings that block, or let one through until a day: `mcp-audit waive FINGERPRINT --reason … --expires DATE`"
    )


def test_what_blocks_comes_before_the_rest(make):
    text = make.written("markdown")
    assert rows(text, "What blocks (2)") == [
        ["critical", "literal-secret", ".mcp.json:7:24", 'server "alpha" has literal-secret', "mend literal-secret", "f-litera"],
        ["high", "plain-http", ".mcp.json:3:38", 'server "alpha" has plain-http', "mend plain-http", "f-plain-"],
    ]
    assert folded(text, "Reported, not blocking (1)")[0][:3] == ["info", "server-note", ".mcp.json:4:5"]
    assert folded(text, "Known before, not blocking (1)")[0][1] == "unpinned-package"
    (waived,) = folded(text, "Waived (1)")
    assert waived[3] == 'server "alpha" has duplicate-key (Waived until 2027-01-31: known, see OPS-1 (platform))'


def test_advice_is_given_once(make):
    findings = [make.finding(fingerprint=f"{number}" * 20) for number in range(3)]
    text = make.written("markdown", make.report(findings))
    assert [row[4] for row in rows(text, "What blocks (3)")] == ["mend plain-http", "as above", "as above"]


def test_drift_has_its_own_table(make):
    rules = (*make.report().rules, rule("launch-changed", "drift", "high"))
    text = make.written("markdown", make.report([make.finding(), make.finding("launch-changed")], rules=rules))
    assert [row[1] for row in rows(text, "What blocks (1)")] == ["plain-http"]
    assert [row[:3] for row in rows(text, "What changed (1)")] == [["blocking", "high", "launch-changed"]]


def test_servers_and_their_picture(make):
    text = make.written("markdown")
    assert rows(text, "Servers") == [["alpha", "1.5", "network", ".mcp.json:3"], ["beta", "0.0", "none known", ".mcp.json:4"]]
    picture = next(token.content for token in tokens(text) if token.type == "fence" and token.info == "mermaid")
    assert picture.split("\n") == [
        "flowchart LR",
        '  subgraph f0[".mcp.json"]',
        '    s0["alpha (1.5)"]',
        '    s1["beta (0.0)"]',
        "  end",
        "  s0 --> network",
        '  network(["network"])',
        "",
    ]


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
    assert rows(text, "Not assessed (1)") == [["config", "x|y/.mcp.json", "", "not JSON at 1:2", "correct it"]]
    assert "- `z/.mcp.json`" in text


def test_a_level_hides_findings_and_says_how_many(make):
    text = make.written("markdown", min_severity="high")
    assert [row[1] for row in rows(text, "What blocks (2)")] == ["literal-secret", "plain-http"]
    assert "3 findings below high not shown; the verdict counts all of them." in text


@pytest.mark.parametrize("long", [20, 900])
def test_it_stays_below_a_mebibyte_and_says_what_was_cut(make, long):
    findings = [make.finding(fingerprint=str(number), message="é" * long, server="ü" * 500, status="blocking") for number in range(9000)]
    gaps = tuple(NotAssessed("config", f"{'p' * 900}{number}", None, "reason " * 100, "hint") for number in range(3000))
    servers = tuple(make.server("ß" * 190 + str(number)) for number in range(5000))
    text = make.written("markdown", make.report(findings, not_assessed=gaps, servers=servers))
    assert len(text.encode()) < 1 << 20
    shown = len(rows(text, "What blocks (9000)"))
    assert f"{9000 - shown} more findings left out here; the JSON report has all 9000." in text
    assert "**9000 findings" in text
    assert re.search(r"\d+ more servers left out here; the JSON report has all 5000\.", text)
    assert re.search(r"\d+ more items left out here; the JSON report has all 3000\.", text)


OWN = re.compile(r"</?details>|<summary>[A-Za-z, ]+ \(\d+\)</summary>")


def test_hostile_text_stays_in_code(make):
    report = make.hostile()
    text = make.written("markdown", report)
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
    active = [token for token in tokens(text) if token.type in {"html_block", "html_inline", "link_open", "image"}]
    for token in active:
        assert token.type in ("html_block", "link_open")
        assert OWN.sub("", token.content).strip() == ""
        assert token.type != "link_open" or token.attrs["href"] == f"{HOME}/blob/main/docs/rules.md#plain-http"
    assert [line for line in text.split("\n") if line.strip().startswith("::") or "##[" in line] == []
    count = len(report.findings) // 3
    found = [*rows(text, f"What blocks ({count})"), *folded(text, f"Waived ({count})"), *folded(text, f"Known before, not blocking ({count})")]
    assert len(found) == len(report.findings)
    assert all(len(row) == 6 for row in found)
    assert "a" * 301 not in text
    for token in tokens(text):
        if token.type == "fence":
            assert [line for line in token.content.split("\n") if line.count('"') % 2 or re.match(r"\s*(click|%%)", line) or "<" in line] == []


def test_a_long_path_is_named_whole(make):
    path = "d/" * 100 + ".mcp.json"
    text = make.written("markdown", make.report([make.finding(location=Location(path, 1, 2, 1, 3))]))
    assert f"`{path}:1:2`" in text
