from __future__ import annotations

import re
import time

import pytest

from mcp_audit_gate.model import Input, NotAssessed, Verdict
from mcp_audit_gate.report.excerpt import cells

SGR = re.compile(r"\x1b\[[0-9;]*m")


def commands(text):
    return [line for line in re.split(r"\r\n|\r|\n", text) if line.strip().startswith("::") or "##[" in line]


def test_the_whole_report(make):
    assert (
        make.written("text", width=90)
        == f"""\
error[literal-secret]: server "alpha" has literal-secret
  --> .mcp.json:7:24
 7 |       "env": {{"TOKEN": "***"}}
   |                        ^^^^^
  = fix: mend literal-secret
  = mcp-audit explain literal-secret

error[plain-http]: server "alpha" has plain-http
  --> .mcp.json:3:38
 3 |     "alpha": {{"type": "http", "url": "http://mcp.example.com/alpha"}},
   |                                      {"^" * 30}
  = fix: mend plain-http
  = mcp-audit explain plain-http

waived[duplicate-key]: server "alpha" has duplicate-key
  --> .mcp.json:5:7
  = Waived until 2027-01-31: known, see OPS-1 (platform)

warning[unpinned-package]: server "alpha" has unpinned-package
  --> .mcp.json:6:18
 6 |         "args": ["-y", "@acme/search"],
   |                        ^^^^^^^^^^^^^^
  = In the baseline: reported, not blocking

note[server-note]: server "alpha" has server-note
  --> .mcp.json:4:5
 4 |     "beta": {{
   |     ^^^^^^
  = fix: mend server-note
  = mcp-audit explain server-note

Servers, with risk from 0.0 to 10.0
   1.5  alpha  network; .mcp.json:3
   0.0  beta   no capability known; .mcp.json:4

1 file read, 2 servers, policy preset:default
failed: 5 findings (2 blocking, 1 reported, 1 waived, 1 in the baseline)
  2 findings at or above high
  = to let one through until a day: mcp-audit waive FINGERPRINT --reason … --expires DATE;
    -v shows fingerprints
"""
    )


def test_advice_is_given_once_a_rule_unless_more_is_asked_for(make):
    findings = [make.finding(fingerprint=str(number)) for number in range(3)]
    usual, verbose = make.written("text", make.report(findings)), make.written("text", make.report(findings), verbosity=1)
    assert (usual.count("explain plain-http"), usual.count("fix: mend")) == (1, 1)
    assert (verbose.count("explain plain-http"), verbose.count("fix: mend")) == (3, 3)
    assert usual.count("--> .mcp.json:3:38") == verbose.count("--> .mcp.json:3:38") == 3


def test_another_fix_for_the_same_rule_is_told(make):
    text = make.written("text", make.report([make.finding(), make.finding(remediation="or this")]))
    assert "fix: mend plain-http" in text
    assert "fix: or this" in text


def test_quiet_is_what_blocks_and_verbose_says_what_it_rests_on(make):
    quiet, usual, verbose = (make.written("text", verbosity=level) for level in (-1, 0, 1))
    assert len(quiet) < len(usual) < len(verbose)
    assert "-->" in quiet
    assert "unpinned-package" not in quiet
    assert "failed: 5 findings" in quiet
    assert "network, declared: 1.50" in verbose
    assert "rests on: launch" in verbose
    assert "= critical, blocking, f-literal-secret" in verbose


def test_a_level_hides_findings_and_says_how_many(make):
    text = make.written("text", min_severity="high")
    assert "[unpinned-package]" not in text
    assert "[plain-http]" in text
    assert "3 findings below high not shown; the verdict counts all of them." in text
    assert "failed: 5 findings (2 blocking, 1 reported, 1 waived, 1 in the baseline)" in text


def test_colour_is_all_that_colour_adds(make):
    plain, coloured = make.written("text"), make.written("text", colour=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31merror[plain-http]\x1b[0m" in coloured
    assert SGR.sub("", coloured) == plain


def test_what_was_not_assessed_is_listed_even_when_quiet(make):
    gaps = (NotAssessed("config", "a b/.mcp.json", None, "not valid JSON", "correct it"), NotAssessed("pin", None, "alpha", "no answer"))
    for level in (-1, 0):
        text = make.written("text", make.report(not_assessed=gaps, verdict=Verdict("incomplete", 4, ())), verbosity=level)
        assert "Not assessed\n  a b/.mcp.json\n    config: not valid JSON\n    = correct it\n  pin server alpha\n    no answer\n" in text
        assert "incomplete: 5 findings" in text


def test_excluded_files_are_listed(make):
    text = make.written("text", make.report(inputs=(*make.report().inputs, Input("x/.mcp.json", None, None, None, 0, "excluded"))))
    assert "excluded by the policy: x/.mcp.json" in text
    assert "1 of 2 files read" in text


def test_nothing_found_is_short(make):
    text = make.written("text", make.report((), servers=(), inputs=(), verdict=Verdict("empty", 3, ("no MCP config found",))))
    assert text == "0 files read, 0 servers, policy preset:default\nempty: 0 findings\n  no MCP config found\n"


@pytest.mark.parametrize("width", [40, 60, 100])
def test_prose_fits_the_width(make, width):
    message = "this server is reached over a connection that is " * 5 + "not encrypted"
    report = make.report([make.finding(message=message, remediation=message)], not_assessed=(NotAssessed("config", "x", None, message, message),))
    lines = make.written("text", report, width=width).split("\n")
    assert [line for line in lines if cells(line) > width and "-->" not in line] == []
    assert any(cells(line) > width - 12 for line in lines)


def test_a_width_is_assumed_when_none_is_known(make):
    assert make.written("text", width=0) == make.written("text", width=100)


def test_related_places_are_named(make):
    finding = make.finding(related=(make.at('"beta"'),))
    assert "  = see .mcp.json:4:5\n" in make.written("text", make.report([finding]))


def test_hostile_text_stays_text(make):
    for colour in (False, True):
        for width in (40, 100):
            text = SGR.sub("", make.written("text", make.hostile(), colour=colour, verbosity=1, width=width))
            assert [char for char in text if char != "\n" and not char.isprintable()] == []
            assert commands(text) == []
            assert "a" * 301 not in text  # a path of 300 is whole, a name of 10 000 is not


def test_a_command_is_not_made_by_wrapping(make):
    message = "word " * 7 + "::error file=x::pwn ##[error]pwn"
    for width in range(40, 60):
        assert commands(make.written("text", make.report([make.finding(message=message)]), width=width)) == []


def test_many_findings_take_linear_time(make):
    def seconds(count):
        report = make.report([make.finding(fingerprint=str(number)) for number in range(count)])
        start = time.process_time()
        make.written("text", report)
        return time.process_time() - start

    seconds(10)
    assert seconds(8000) < 20 * max(seconds(1000), 0.01)


def test_the_way_out_is_the_last_line(make):
    way = "= to let one through until a day: mcp-audit waive FINGERPRINT --reason … --expires DATE"
    assert make.written("text", make.report()).rstrip().replace("\n    ", " ").endswith(f"{way}; -v shows fingerprints")
    assert make.written("text", make.report(), verbosity=1).rstrip().replace("\n    ", " ").endswith(way)
    assert "mcp-audit waive" not in make.written("text", make.report(), verbosity=-1)


def test_what_a_revision_or_a_server_showed_is_let_through_by_the_report(make):
    for mode in (make.report().mode._replace(trusted_ref="main"), make.report().mode._replace(connect=True)):
        assert " --report REPORT.json; " in make.written("text", make.report(mode=mode)).replace("\n    ", " ")


def test_no_way_out_of_what_cannot_be_waived(make):
    for findings in ((make.finding(rule="lock-tampered", status="blocking"),), (make.finding(status="reported"),)):
        assert "mcp-audit waive" not in make.written("text", make.report(findings))
