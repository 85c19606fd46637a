"""What a verdict brings that the one before had not."""

from __future__ import annotations

from mcp_audit_gate.model import NotAssessed, Verdict
from mcp_audit_gate.report.since import differs, since


def test_new_gone_and_judged_otherwise(make):
    old = make.report([make.finding("plain-http"), make.finding("duplicate-key", status="waived")])
    new = make.report([make.finding("literal-secret"), make.finding("duplicate-key", status="blocking")])
    lines = list(since(old, new))
    assert [line.split(" .mcp.json")[0] for line in lines[:-1]] == [
        "  new: error[literal-secret]",
        "  waived, now blocking: warning[duplicate-key]",
        "  gone: error[plain-http]",
    ]
    assert lines[-1] == "3 changes since the last run; still failed"


def test_one_more_of_the_same_is_new(make):
    one = make.finding("plain-http")
    assert len(list(since(make.report([one]), make.report([one, one])))) == 2
    assert list(since(make.report([one]), make.report([one]))) == ["nothing changed since the last run; still failed"]


def test_what_cannot_be_assessed_and_the_verdict_are_told(make):
    gap = NotAssessed("config", ".mcp.json", "alpha", "not valid JSON", None)
    well = make.report([], verdict=Verdict("passed", 0, ()))
    ill = make.report([], not_assessed=(gap,), verdict=Verdict("incomplete", 4, ()))
    assert list(since(well, ill)) == [
        "  not assessed: .mcp.json server alpha: not valid JSON",
        "1 change since the last run; passed, now incomplete",
    ]
    assert next(iter(since(ill, well))).startswith("  assessed again: .mcp.json")


def test_a_moved_finding_is_shown_and_no_news(make):
    old = make.report([make.finding()])
    new = make.report([make.finding(location=old.findings[0].location._replace(start_line=9))])
    assert differs(old, new)
    assert list(since(old, new)) == ["nothing changed since the last run; still failed"]
    assert not differs(old, make.report([make.finding()]))


def test_hostile_names_stay_text(make):
    text = "\n".join(since(make.report([]), make.hostile()))
    assert not set(text) & set("\x1b\x07\x00\u202e\u200b\u2028\r")
    assert all(line.startswith(("  ", "and ")) or "since the last run" in line for line in text.split("\n"))
    assert len(text.split("\n")) <= 52
