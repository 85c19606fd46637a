from __future__ import annotations

import re

from mcp_audit_gate.model import Location, NotAssessed


def commands(text):
    """The commands a runner reads, as (kind, properties, text); (None, {}, line) for what is none of ours."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if "##[" in line:
            found.append((None, {}, line))
        elif match := re.match(r"::([A-Za-z_-]+)(?: (.*?))?::(.*)$", line.strip()):
            properties = dict(pair.partition("=")[::2] for pair in (match[2] or "").split(","))
            found.append((match[1], {key: unescape(value, ((":", "%3A"), (",", "%2C"))) for key, value in properties.items()}, unescape(match[3])))
        elif line.strip().startswith("::"):
            found.append((None, {}, line))
    return found


def unescape(text, more=()):
    for char, code in (*more, ("\r", "%0D"), ("\n", "%0A"), ("%", "%25")):
        text = text.replace(code, char)
    return text


def test_an_annotation(make):
    assert make.written("github").split("\n")[1] == (
        "::error file=.mcp.json,line=3,endLine=3,col=38,endColumn=68,title=plain-http (high)::"
        'server "alpha" has plain-http. Fix: mend plain-http. See mcp-audit explain plain-http.'
    )


def test_kinds_follow_severity_and_waived_findings_are_left_out(make):
    assert [(kind, properties["title"]) for kind, properties, _ in commands(make.written("github"))] == [
        ("error", "literal-secret (critical)"),
        ("error", "plain-http (high)"),
        ("notice", "server-note (info)"),
        ("notice", "unpinned-package (medium)"),
    ]


def test_the_ten_worst_of_a_kind_and_the_rest_counted(make):
    slight = [
        make.finding("duplicate-key", Location(".mcp.json", 9, number, 9, 90), severity="high", status="reported", fingerprint=f"a{number}")
        for number in range(1, 9)
    ]
    grave = [make.finding("plain-http", Location(".mcp.json", 1, number, 1, 90), fingerprint=f"b{number}") for number in range(1, 9)]
    text = make.written("github", make.report([*slight, *grave]))
    assert [properties["line"] for _, properties, _ in commands(text)] == ["1"] * 8 + ["9"] * 2
    assert "Not annotated, because GitHub shows 10 of a kind: 6 errors." in text


def test_paths_and_names_come_back_whole(make):
    for folder in ("a:b,c%0A%25d", "x::warning file=y::pwn", "100%,=::", "nl\n::warning::pwn"):
        name = "n%0Apwn\\n::error::pwn, 50%: ok"
        finding = make.finding(location=Location(f"{folder}/.mcp.json", 1, 2, 1, 3), server=name, message=f'server "{name}" is bad')
        ((kind, properties, data),) = commands(make.written("github", make.report([finding])))
        assert (kind, properties["file"]) == ("error", f"{folder}/.mcp.json")
        assert f'server "{name}" is bad' in data


def test_a_path_that_cannot_be_written_is_named_in_the_text(make):
    finding = make.finding(location=Location("\u202e##[x/.mcp.json", 7, 2, 7, 3))
    ((_, properties, data),) = commands(make.written("github", make.report([finding])))
    assert set(properties) == {"title"}
    assert "At \\u202e#\\x23[x/.mcp.json:7:2." in data


def test_a_finding_over_several_lines_has_no_end_column(make):
    finding = make.finding(location=Location(".mcp.json", 2, 5, 4, 3))
    ((_, properties, _),) = commands(make.written("github", make.report([finding])))
    assert (properties["line"], properties["endLine"], properties["col"]) == ("2", "4", "5")
    assert "endColumn" not in properties


def test_what_was_not_assessed_is_an_error_unless_a_finding_says_it(make):
    gaps = (NotAssessed("config", ".mcp.json", None, "told by the finding"), NotAssessed("server", None, "alpha", "no answer", "try again"))
    text = make.written("github", make.report(not_assessed=gaps))
    assert ("error", {"title": "not assessed"}, "server of server alpha: no answer (try again)") in commands(text)
    assert "told by the finding" not in text
    assert "Not assessed: 2, so this run is incomplete." in text


def test_the_verdict_is_told_in_plain_lines(make):
    assert make.written("github").endswith(
        "failed: 5 findings (2 blocking, 1 reported, 1 waived, 1 in the baseline)\n  2 findings at or above high\n"
    )


def test_hostile_text_makes_no_command(make):
    text = make.written("github", make.hostile())
    assert {kind for kind, _, _ in commands(text)} <= {"error", "notice"}
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
