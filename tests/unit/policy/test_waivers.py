"""policy.waivers: which findings a waiver covers, for how long, and what is said about the waiver itself."""

from __future__ import annotations

import json
from datetime import date

import pytest

from mcp_audit_gate import gate
from mcp_audit_gate.model import Finding, Location, Place
from mcp_audit_gate.policy import syntax, waivers
from mcp_audit_gate.policy.policy import FIXED, Waiver
from mcp_audit_gate.policy.weakened import untrusted
from mcp_audit_gate.sources.discover import WorkingTree

TODAY = date(2026, 12, 1)
PRINT = "0123456789abcdef" * 2
DOCUMENT = syntax.read("mcp-audit.yaml", b"version: 1\nwaivers:\n  - {}\n")


def finding(rule="plain-http", server="staging", subject="/url", path=".mcp.json", fingerprint=PRINT):
    return Finding(rule, "high", "", server, subject, Location(path), (), fingerprint, "")


def waiver(**members):
    given = {"rule": "plain-http", "reason": "r", "expires": date(2027, 1, 31), "place": Place(DOCUMENT, ("waivers", 0)), **members}
    return Waiver(**given)


@pytest.mark.parametrize(
    ("members", "covered"),
    [
        ({"path": ".mcp.json"}, True),
        ({"path": "a/.mcp.json"}, False),
        ({"path": ".MCP.json"}, False),
        ({"server": "staging"}, True),
        ({"server": "STAGING"}, True),
        ({"server": "prod"}, False),
        ({"subject": "/url"}, True),
        ({"subject": ""}, False),
        ({"subject": "/URL"}, False),
        ({"fingerprint": PRINT}, True),
        ({"fingerprint": PRINT[::-1]}, False),
        ({"fingerprint": PRINT, "server": "prod"}, False),
        ({"path": ".mcp.json", "server": "staging", "subject": "/url", "fingerprint": PRINT}, True),
        ({"path": ".mcp.json", "rule": "unpinned-package"}, False),
    ],
)
def test_every_part_that_is_given_must_match(members, covered):
    assert waivers.covers(waiver(**members), finding()) is covered
    (judged,), ((matched, missed),) = waivers.apply([finding()], (waiver(**members),), TODAY)
    assert (judged.status, matched, missed) == (("waived", 1, 0) if covered else ("reported", 0, 0))


def test_a_path_in_another_unicode_form():
    assert waivers.covers(waiver(path="u\u0308/.mcp.json"), finding(path="\u00fc/.mcp.json"))


def test_a_server_does_not_match_a_finding_without_one():
    assert not waivers.covers(waiver(server="staging"), finding(server=None))


@pytest.mark.parametrize("rule", sorted(FIXED))
def test_what_cannot_be_waived_is_not_even_when_a_waiver_got_through(rule):
    assert not waivers.covers(waiver(rule=rule, path=".mcp.json"), finding(rule=rule))


@pytest.mark.parametrize(("today", "status"), [(date(2027, 1, 30), "waived"), (date(2027, 1, 31), "waived"), (date(2027, 2, 1), "reported")])
def test_the_last_day_counts(today, status):
    ((judged,), _) = waivers.apply([finding()], (waiver(path=".mcp.json"),), today)
    assert judged.status == status
    assert judged.waiver == (
        {"reason": "r", "owner": None, "expires": "2027-01-31", "path": "mcp-audit.yaml", "line": 3} if status == "waived" else None
    )


@pytest.mark.parametrize(("today", "expired"), [(date(2027, 1, 31), False), (date(2027, 2, 1), True)])
def test_a_waiver_is_called_expired_after_its_last_day(today, expired):
    everything = waivers.Evidence(True, frozenset(), frozenset(), frozenset(("plain-http",)))
    (use,) = waivers.uses((waiver(path=".mcp.json"),), ((1, 0),), today, everything)
    assert use.expired is expired


def test_waivers_with_another_day_are_others():
    one, other = waiver(path=".mcp.json"), waiver(path=".mcp.json", expires=date(2027, 2, 1))
    assert waivers.identity_of(one) == waivers.identity_of(waiver(path=".mcp.json", reason="reworded"))
    assert waivers.identity_of(one) != waivers.identity_of(other)


LATER, EARLIER = date(2027, 3, 1), date(2027, 1, 1)


@pytest.mark.parametrize(
    ("trusted", "new", "like"),
    [
        ([waiver(path="a")], waiver(path="a"), ...),
        ([waiver(path="a")], waiver(path="a", reason="reworded"), ...),
        ([waiver(path="a")], waiver(path="a", expires=EARLIER), ...),
        ([waiver(path="a")], waiver(path="a", server="x"), ...),
        ([waiver(path="a", server="X")], waiver(path="a", server="x"), ...),
        ([waiver(path="a")], waiver(path="a", expires=LATER), 0),
        ([waiver(path="a", expires=EARLIER), waiver(path="a")], waiver(path="a", expires=LATER), 1),
        ([waiver(path="a"), waiver(path="a", expires=EARLIER)], waiver(path="a", expires=LATER), 0),
        ([waiver(path="a", server="x")], waiver(path="a"), None),
        ([waiver(path="a")], waiver(path="b"), None),
        ([waiver(path="a", rule="raw-ip-url")], waiver(path="a"), None),
        ([waiver(fingerprint=PRINT)], waiver(path="a"), None),
        ([], waiver(path="a"), None),
    ],
)
def test_a_waiver_that_is_new_longer_or_wider_is_not_trusted(trusted, new, like):
    """like: the number of the trusted waiver for the same thing; ... when the new one adds nothing."""
    expected = [] if like is ... else [(new, None if like is None else trusted[like])]
    assert list(untrusted([new], trusted)) == expected


def test_an_expired_waiver_beside_a_valid_one_covers_nothing():
    old, new = waiver(path=".mcp.json", expires=date(2026, 1, 1)), waiver(path=".mcp.json", reason="new")
    ((judged,), counts) = waivers.apply([finding()], (old, new), TODAY)
    assert judged.waiver["reason"] == "new"
    assert counts == ((0, 0), (1, 0))


def test_many_findings_and_waivers_are_quick():
    prints = [f"{number:032x}" for number in range(20_000)]
    given = tuple(waiver(fingerprint=print_) for print_ in prints[:10_000])
    judged, _ = waivers.apply([finding(fingerprint=print_) for print_ in prints], given, TODAY)
    assert sum(item.status == "waived" for item in judged) == 10_000


# ------------------------------------------------------------------------------------------------------------- whole runs

WAIVER = """version: 1
waivers:
  - rule: plain-http
    path: .mcp.json
    server: staging
    reason: internal host until OPS-112
    expires: 2027-01-31
"""


def http(host="mcp.example.com"):
    return {"type": "http", "url": f"http://{host}/v1"}


def run(root, policy=WAIVER, servers=None, today=TODAY, **settings):
    (root / "mcp-audit.yaml").write_text(policy, "utf-8")
    if servers is not None:
        (root / ".mcp.json").write_text(json.dumps({"mcpServers": servers}), "utf-8")
    return gate.scan(WorkingTree(str(root)), (str(root),), gate.Settings(today, **settings))


def told(report):
    return [(finding.rule, finding.status) for finding in report.findings]


def line(report, rule):
    (found,) = [finding for finding in report.findings if finding.rule == rule]
    lines = report.documents["mcp-audit.yaml"].text.split("\n")
    place = found.location
    return place.path, lines[place.start_line - 1][place.start_column - 1 : place.end_column - 1]


def test_a_waiver_lets_its_finding_through_and_nothing_else(tmp_path):
    report = run(tmp_path, servers={"staging": http(), "prod": http()})
    assert told(report) == [("plain-http", "waived"), ("plain-http", "blocking")]
    assert report.verdict.exit_code == 1
    report = run(tmp_path, servers={"staging": http()})
    assert (report.verdict.exit_code, report.verdict.reasons[0]) == (0, "no finding at or above high, but for 1 waived")


def test_ignoring_waivers(tmp_path):
    report = run(tmp_path, servers={"staging": http()}, ignore_waivers=True)
    assert told(report) == [("plain-http", "blocking")]
    assert report.findings[0].waiver is None


def test_an_expired_waiver_is_told_at_its_day(tmp_path):
    report = run(tmp_path, servers={"staging": http()}, today=date(2027, 2, 1))
    assert told(report) == [("plain-http", "blocking"), ("waiver-expired", "reported")]
    assert line(report, "waiver-expired") == ("mcp-audit.yaml", "2027-01-31")
    report = run(tmp_path, servers={"staging": {**http(), "url": "https://mcp.example.com"}}, today=date(2027, 2, 1))
    assert told(report) == [("waiver-unused", "reported")]


def test_an_unused_waiver_is_told_at_its_rule(tmp_path):
    report = run(tmp_path, servers={"prod": {"type": "http", "url": "https://mcp.example.com"}})
    assert told(report) == [("waiver-unused", "reported")]
    assert line(report, "waiver-unused") == ("mcp-audit.yaml", "plain-http")


def test_no_waiver_is_called_unused_by_a_run_that_did_not_look(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".mcp.json").write_text('{"mcpServers": {}}')
    good = {"prod": {"type": "http", "url": "https://mcp.example.com"}}
    assert told(run(tmp_path, servers=good, whole=False)) == [("waiver-unused", "reported")]  # .mcp.json was read
    assert told(run(tmp_path, servers=good, clients=frozenset(["cursor"]))) == []
    assert told(run(tmp_path, WAIVER.replace("path: .mcp.json", "path: other.json"), servers=good, whole=False)) == []
    assert told(run(tmp_path, WAIVER.replace("path: .mcp.json", "path: other.json"), servers=good)) == [("waiver-unused", "reported")]
    assert told(run(tmp_path, WAIVER.replace("    path: .mcp.json\n", ""), servers=good, whole=False)) == []
    assert told(run(tmp_path, WAIVER + "rules: {plain-http: off}\n", servers=good)) == []
    (tmp_path / ".mcp.json").write_text("{")
    assert told(run(tmp_path)) == [("config-unreadable", "blocking")]


def test_a_waiver_for_a_rule_that_had_nothing_to_compare_with_is_not_called_unused(tmp_path):
    assert told(run(tmp_path, WAIVER.replace("plain-http", "capability-gained"), servers={})) == []


@pytest.mark.parametrize(
    ("change", "broad"),
    [
        (("    server: staging\n", ""), True),
        (("    server: staging\n", "    subject: /url\n"), False),
        (("    path: .mcp.json\n", ""), False),
        (("", ""), False),
    ],
)
def test_a_waiver_for_a_whole_file_is_too_broad(tmp_path, change, broad):
    report = run(tmp_path, WAIVER.replace(*change) if change[0] else WAIVER, servers={"staging": http()})
    assert ("waiver-too-broad", "reported") in told(report) or not broad
    assert told(report)[0] == ("plain-http", "waived")
    assert broad is any(rule == "waiver-too-broad" for rule, _ in told(report))


def test_a_waiver_about_tool_text_needs_a_fingerprint():
    from mcp_audit_gate.policy.rules import waiver_too_broad

    evidence = waivers.Evidence(True, frozenset(), frozenset(), frozenset(["tool-poisoning"]), frozenset(["tool-poisoning"]))
    for members, number in (({"server": "x"}, 1), ({"fingerprint": PRINT}, 0)):
        (use,) = waivers.uses((waiver(rule="tool-poisoning", **members),), ((1, 0),), TODAY, evidence)
        assert len(list(waiver_too_broad(use))) == number


def test_waivers_for_waivers_do_not_exist(tmp_path):
    policy = WAIVER + "rules: {waiver-unused: high}\n"
    assert told(run(tmp_path, policy, servers={})) == [("waiver-unused", "blocking")]


def fingerprint(root, servers, text=None, today=TODAY):
    """The fingerprint of the one plain-http finding."""
    (root / "mcp-audit.yaml").unlink(missing_ok=True)
    (root / ".mcp.json").write_text(text or json.dumps({"mcpServers": servers}), "utf-8")
    report = gate.scan(WorkingTree(str(root)), (str(root),), gate.Settings(today))
    (found,) = [finding for finding in report.findings if finding.rule == "plain-http"]
    return found.fingerprint


def test_a_fingerprint_follows_the_content_and_never_the_line(tmp_path):
    print_ = fingerprint(tmp_path, {"staging": http()})
    policy = f"version: 1\nwaivers:\n  - {{rule: plain-http, fingerprint: '{print_}', reason: r, expires: 2027-01-31}}\n"
    (tmp_path / ".mcp.json").write_text(
        "\n\n" + json.dumps({"mcpServers": {"first": {"command": "x"}, "staging": dict(reversed(http().items()))}}, indent=4)
    )
    assert told(run(tmp_path, policy)) == [("plain-http", "waived")]
    # Another value at the same place is another finding, and so is the same value under another name.
    for servers in ({"staging": http("other.example.com")}, {"prod": http()}):
        assert told(run(tmp_path, policy, servers=servers)) == [("plain-http", "blocking"), ("waiver-unused", "reported")]
    # The same server once more, in another file.
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text(json.dumps({"mcpServers": {"staging": http()}}))
    assert sorted(told(run(tmp_path, policy, servers={"staging": http()}))) == [("plain-http", "blocking"), ("plain-http", "waived")]


def test_findings_about_waivers_keep_their_fingerprints_when_others_come_before(tmp_path):
    def prints(policy):
        return {finding.fingerprint for finding in run(tmp_path, policy, servers={}).findings}

    one = prints(WAIVER)
    assert len(one) == 1
    assert one < prints(WAIVER.replace("waivers:\n", "waivers:\n  - {rule: legacy-sse, path: x, server: y, reason: r, expires: 2027-01-31}\n"))


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github", "markdown", "html"])
def test_every_report_takes_findings_in_the_policy(tmp_path, form):
    from mcp_audit_gate.report import Look, write

    report = run(tmp_path, servers={"staging": http()}, today=date(2027, 2, 1))
    assert b"waiver-expired" in write(form, report, Look())
