from __future__ import annotations

import re
from xml.etree import ElementTree

import junitparser
import pytest

from mcp_audit_gate.model import Mode, NotAssessed

from .conftest import rule

# What Jenkins' junit-10.xsd allows: attributes, and children.
ALLOWED = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "skipped", "file"}, {"testcase"}),
    "testcase": ({"name", "time", "classname"}, {"skipped", "error", "failure", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}


def tree(make, report=None):
    return ElementTree.fromstring(make.written("junit", report).encode())


def cases(top):
    return {(case.get("classname"), case.get("name")): case for case in top.iter("testcase")}


@pytest.mark.parametrize("kind", ["report", "hostile"])
def test_the_schema_of_jenkins(make, kind):
    top = tree(make, getattr(make, kind)())
    for element in top.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
        assert element.get("time", "0.000") == "0.000"
    for suite in (top, *top):
        inside = list(suite.iter("testcase"))
        kinds = {"tests": None, "failures": "failure", "errors": "error", **({"skipped": "skipped"} if suite is not top else {})}
        for attribute, tag in kinds.items():
            assert suite.get(attribute) == str(sum(tag is None or case.find(tag) is not None for case in inside))


@pytest.mark.parametrize("kind", ["report", "hostile"])
def test_names_occur_once(make, kind):
    top = tree(make, getattr(make, kind)())
    names = [(case.get("classname"), case.get("name")) for case in top.iter("testcase")]
    assert len(set(names)) == len(names)
    assert all(classname and name for classname, name in names)
    suites = [suite.get("name") for suite in top]
    assert len(set(suites)) == len(suites)


def test_a_case_per_entry_and_family(make):
    top = tree(make)
    assert [(suite.get("name"), suite.get("file")) for suite in top] == [(".mcp.json", ".mcp.json")]
    alpha = {name: [child.tag for child in case] for (classname, name), case in cases(top).items() if classname == ".mcp.json: alpha"}
    assert alpha == {"flow": [], "input": [], "packages": [], "secrets": [], "transport": ["failure"]}


def test_a_blocking_finding_is_a_failure_whose_body_begins_with_the_place(make):
    failure = cases(tree(make))[".mcp.json: alpha", "transport"].find("failure")
    assert failure.get("type") == "plain-http"
    assert failure.get("message") == 'server "alpha" has plain-http'
    assert failure.text == ' .mcp.json:3:38 plain-http: server "alpha" has plain-http'


def test_findings_of_one_family_share_a_case(make):
    findings = [make.finding(fingerprint=str(number), subject=f"/{number}") for number in range(3)]
    failure = cases(tree(make, make.report(findings)))[".mcp.json: alpha", "transport"].find("failure")
    assert failure.get("message").endswith("(and 2 more)")
    assert failure.text.count(" .mcp.json:3:38 ") == 3


def test_what_is_excused_is_skipped_with_its_reason(make):
    found = cases(tree(make))
    waived = found[".mcp.json: beta", "input: duplicate-key /command"].find("skipped")
    assert waived.get("message") == "Waived until 2027-01-31: known, see OPS-1 (platform)"
    assert found[".mcp.json: beta", "packages: unpinned-package /args/1"].find("skipped") is not None


def test_what_does_not_block_is_a_pass_with_output(make):
    case = cases(tree(make))[".mcp.json: beta", "flow"]
    assert [child.tag for child in case] == ["system-out"]
    assert "server-note" in case.find("system-out").text


def test_what_was_not_assessed_is_an_error(make):
    gaps = (NotAssessed("config", "x/.mcp.json", None, "not JSON", "correct it"), NotAssessed("pin", None, "alpha", "no answer"))
    found = cases(tree(make, make.report(not_assessed=gaps)))
    error = found["x/.mcp.json", "not assessed: config"].find("error")
    assert (error.get("message"), error.text) == ("not JSON", " x/.mcp.json: not JSON\n correct it")
    assert found["mcp-audit", "not assessed: pin of alpha"].find("error") is not None


def test_a_family_without_its_evidence_has_not_passed(make):
    rules = (
        *make.report().rules,
        rule("server-added", "drift", "high")._replace(needs=("trusted-ref",)),
        rule("lock-orphan", "lock", "low")._replace(needs=("lock",)),
    )
    assert not {"drift", "lock"} & {name for _, name in cases(tree(make, make.report(rules=rules)))}
    mode = Mode(lock="mcp-audit.lock.json", trusted_ref="main")
    assert {"drift", "lock"} <= {name for _, name in cases(tree(make, make.report(rules=rules, mode=mode)))}


def test_a_config_without_servers_and_findings_has_no_suite(make):
    empty = make.report().inputs[0]._replace(path="empty.json", servers=0)
    assert [suite.get("name") for suite in tree(make, make.report((), servers=(), inputs=(empty,)))] == []


def test_hostile_text_is_data(make):
    text = make.written("junit", make.hostile())
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
    assert [line for line in re.split(r"\r\n|\r|\n", text) if line.strip().startswith("::") or "##[" in line] == []
    files = {suite.get("file") for suite in ElementTree.fromstring(text.encode())}
    assert {"##[error]pwn/.mcp.json", "::stop-commands::pwn/.mcp.json", "]]>&amp;<script>pwn</script>/.mcp.json"} <= files


def test_junitparser_reads_it(make):
    parsed = junitparser.JUnitXml.fromstring(make.written("junit").encode())
    assert (parsed.tests, parsed.failures) == (10, 2)
    assert sum(1 for suite in parsed for _ in suite) == 10
