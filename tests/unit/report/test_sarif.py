from __future__ import annotations

import gc
import json
import re
import time

import pytest

from mcp_audit_gate import HOME
from mcp_audit_gate.model import Location, NotAssessed
from mcp_audit_gate.report.describe import descriptor, fenced, tags
from mcp_audit_gate.report.provenance import Provenance

from .conftest import SECRET, rule


def run(make, report=None, **look):
    document = json.loads(make.written("sarif", report, **look))
    assert list(document) == ["$schema", "runs", "version"]
    assert (document["$schema"], document["version"]) == ("https://json.schemastore.org/sarif-2.1.0.json", "2.1.0")
    (only,) = document["runs"]
    return only


def test_the_tool(make):
    driver = run(make)["tool"]["driver"]
    assert {key: driver[key] for key in driver if key != "rules"} == {
        "name": "mcp-audit-gate",
        "organization": "mcp-audit-gate",
        "version": "0.1.0",
        "semanticVersion": "0.1.0",
        "informationUri": HOME,
    }


def test_all_rules_are_declared_whatever_was_found(make):
    assert run(make)["tool"] == run(make, make.report(()))["tool"]
    assert [declared["id"] for declared in run(make)["tool"]["driver"]["rules"]] == [known.id for known in make.report().rules]


def test_a_rule(make):
    declared = run(make)["tool"]["driver"]["rules"][2]
    assert {key: declared[key] for key in ("id", "name", "shortDescription", "fullDescription", "helpUri", "messageStrings", "properties")} == {
        "id": "plain-http",
        "name": "PlainHttp",
        "shortDescription": {"text": "The fault plain-http."},
        "fullDescription": {"text": "Why plain-http matters."},
        "helpUri": f"{HOME}/blob/main/docs/rules.md#plain-http",
        "messageStrings": {"default": {"text": "The fault plain-http: '{0}'."}},
        "properties": {"tags": ["security", "mcp", "transport", "external/cwe/cwe-319"], "precision": "high", "security-severity": "8.0"},
    }
    assert declared["defaultConfiguration"]["level"] == "error"
    for part in ("Why plain-http matters.", "What is looked at.", "Mend plain-http.", "CWE-319"):
        assert part in declared["help"]["text"]
        assert part in declared["help"]["markdown"]
    assert '````json\n{"bad": "```"}\n````' in declared["help"]["markdown"]
    assert "<https://example.com/advisory>" in declared["help"]["markdown"]


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        ("critical", "error", "9.5"),
        ("high", "error", "8.0"),
        ("medium", "warning", "5.5"),
        ("low", "note", "3.0"),
        ("info", "note", None),
        ("off", "error", "8.0"),
    ],
)
def test_the_severity_in_force_decides_level_and_score(make, severity, level, score):
    report = make.report(severities={**make.report().severities, "plain-http": severity})
    declared = run(make, report)["tool"]["driver"]["rules"][2]
    assert (declared["defaultConfiguration"]["level"], declared["properties"].get("security-severity")) == (level, score)


def test_long_texts_and_many_references_are_cut_to_what_github_takes():
    import sarif_om

    long = rule("a-rule", "family", "high")._replace(why="w" * 3000, title="t" * 3000, references=tuple(f"CWE-{number}" for number in range(20)))
    declared = descriptor(sarif_om, long, "high")
    assert len(declared.full_description.text) == len(declared.short_description.text) == 1024
    assert declared.full_description.text.endswith(".")
    assert len(tags(long)) == 10
    assert len(set(tags(long))) == 10


def test_braces_in_a_title_are_no_placeholders():
    import sarif_om

    declared = descriptor(sarif_om, rule("a-rule", "f", "high")._replace(title="uses {x}."), "high")
    assert declared.message_strings["default"].text == "uses {{x}}: '{0}'."


def test_a_fence_is_longer_than_what_is_inside():
    assert fenced("a ```` b\n", "x.toml") == "`````toml\na ```` b\n`````"
    assert fenced("a", "x") == "```\na\n```"


def test_a_result(make):
    result = run(make)["results"][1]
    assert result == {
        "ruleId": "plain-http",
        "ruleIndex": 2,
        "kind": "fail",
        "level": "error",
        "message": {"text": 'server "alpha" has plain-http.', "id": "default", "arguments": ['server "alpha" has plain-http']},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": ".mcp.json", "uriBaseId": "%SRCROOT%"},
                    "region": {
                        "startLine": 3,
                        "startColumn": 38,
                        "endLine": 3,
                        "endColumn": 68,
                        "snippet": {"text": '"http://mcp.example.com/alpha"'},
                    },
                    "contextRegion": {
                        "startLine": 2,
                        "endLine": 4,
                        "snippet": {
                            "text": '  "mcpServers": {\n    "alpha": {"type": "http", "url": "http://mcp.example.com/alpha"},\n    "beta": {',
                        },
                    },
                },
                "logicalLocations": [{"fullyQualifiedName": "alpha/url", "kind": "member"}],
            }
        ],
        "partialFingerprints": {
            "mcpAuditGate/v1": "f-plain-http",
            "primaryLocationLineHash": result["partialFingerprints"]["primaryLocationLineHash"],
        },
    }
    assert re.fullmatch(r"[0-9a-f]{1,16}:1", result["partialFingerprints"]["primaryLocationLineHash"])


def test_waived_findings_are_left_out_and_levels_always_written(make):
    results = run(make)["results"]
    assert [(result["ruleId"], result["level"]) for result in results] == [
        ("literal-secret", "error"),
        ("plain-http", "error"),
        ("unpinned-package", "warning"),
        ("server-note", "note"),
    ]


def test_no_secret_is_shown(make):
    text = make.written("sarif")
    assert SECRET[:8] not in text
    assert '"TOKEN\\": \\"***\\"' in text


def test_the_run(make):
    value = run(make)
    assert value["columnKind"] == "unicodeCodePoints"
    assert value["originalUriBaseIds"] == {"%SRCROOT%": {"description": {"text": "The root of the checkout."}}}
    assert value["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    assert "automationDetails" not in value
    assert "versionControlProvenance" not in value
    assert run(make, make.report(()))["results"] == []


@pytest.mark.parametrize("category", ["slice-a", "slice-a/"])
def test_a_category(make, category):
    assert run(make, category=category)["automationDetails"] == {"id": "slice-a/"}


def test_provenance(make):
    assert run(make, provenance=Provenance("https://example.com/x", "a" * 40, None))["versionControlProvenance"] == [
        {"repositoryUri": "https://example.com/x", "revisionId": "a" * 40, "mappedTo": {"uriBaseId": "%SRCROOT%"}}
    ]


def test_an_incomplete_run_says_so(make):
    gaps = (NotAssessed("config", "a b/.mcp.json", "x", "not JSON", "hint"), NotAssessed("pin", None, None, "gone."))
    (invocation,) = run(make, make.report(not_assessed=gaps))["invocations"]
    assert invocation["executionSuccessful"] is False
    first, second = invocation["toolExecutionNotifications"]
    assert (first["level"], first["message"]["text"]) == ("error", "Not assessed: config of server 'x': not JSON.")
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/.mcp.json"
    assert second == {"level": "error", "message": {"text": "Not assessed: pin: gone."}}


def test_related_places_have_numbers(make):
    finding = make.finding(related=(make.at('"beta"'), make.at('"command"')))
    related = run(make, make.report([finding]))["results"][0]["relatedLocations"]
    assert [(place["id"], place["physicalLocation"]["region"]["startLine"]) for place in related] == [(1, 4), (2, 5)]


def test_a_file_without_text_has_a_place_and_a_hash_of_its_bytes(make):
    broken = make.report().inputs[0]._replace(path="x.json", data=b'{"a": \n', status="unreadable")
    report = make.report([make.finding("duplicate-key", Location("x.json", 1, 6, 1, 7))], inputs=(broken,))
    (result,) = run(make, report)["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"]["snippet"] == place["contextRegion"]["snippet"] == {"text": "(not shown)"}
    assert "primaryLocationLineHash" in result["partialFingerprints"]


def test_without_a_place_there_is_no_line_hash(make):
    report = make.report([make.finding("duplicate-key", Location(".mcp.json"))])
    assert run(make, report)["results"][0]["partialFingerprints"] == {"mcpAuditGate/v1": "f-duplicate-key"}


def test_the_message_links_nothing_and_is_short(make):
    finding = make.finding(message="[click](https://pwn.test) " + "x" * 5000)
    message = run(make, make.report([finding]))["results"][0]["message"]
    assert "](" not in message["text"] + message["arguments"][0]
    assert len(message["text"].encode()) <= 1024


def test_at_most_5000_results_and_a_word_about_the_rest(make):
    findings = [make.finding(fingerprint=str(number)) for number in range(5001)]
    value = run(make, make.report(findings))
    assert [result["partialFingerprints"]["mcpAuditGate/v1"] for result in value["results"]] == [str(number) for number in range(5000)]
    (invocation,) = value["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolExecutionNotifications"] == [
        {"level": "warning", "message": {"text": "5001 findings, of which the 5000 most severe are in this file; the JSON report has all."}}
    ]
    assert "toolExecutionNotifications" not in run(make, make.report(findings[:5000]))["invocations"][0]


def test_size_and_time_grow_with_the_findings(make):
    def measure(count):
        report = make.report([make.finding(fingerprint=f"{number:05}") for number in range(count)])
        gc.disable()  # as a scan does; the other tests' objects are not what is measured
        try:
            start = time.process_time()
            return len(make.written("sarif", report)), time.process_time() - start
        finally:
            gc.enable()

    empty, one, two = measure(0)[0], measure(1000), measure(2000)
    assert two[0] - empty == pytest.approx(2 * (one[0] - empty), rel=0.01)
    assert two[1] < 6 * one[1]


def test_hostile_text_is_data(make):
    text = make.written("sarif", make.hostile())
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
    assert "##[" not in text
    for result in json.loads(text)["runs"][0]["results"]:
        assert result["message"]["text"].isprintable()
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri)
        assert all(isinstance(place["id"], int) for place in result["relatedLocations"])


def test_a_server_without_a_name_has_a_logical_location(make):
    (result,) = run(make, make.report([make.finding(server="", subject="")]))["results"]
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "(no name)", "kind": "member"}]
